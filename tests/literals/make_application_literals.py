"""Ask Keras how the networks of `keras.applications` are built. Run by hand, with Keras 3.15::

    KERAS_BACKEND=jax python -m tests.literals.make_application_literals          # writes the file
    KERAS_BACKEND=jax python -m tests.literals.make_application_literals --check  # compares with it

Weights take a few gigabytes of memory at most, and no network is downloaded.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import keras

from . import structures

FILE = Path(__file__).with_name("applications.json")


def ask():
    """Return {title of a case: its structure in Keras}."""
    answers = {}
    for name, arguments in structures.CASES:
        keras.backend.clear_session()
        model = getattr(keras.applications, name)(weights=None, **arguments)
        answers[structures.title(name, arguments)] = structures.structure(model)
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    answers = ask()
    if parser.parse_args().check:
        print("same" if json.loads(FILE.read_text()) == answers else "different")
        return
    lines = (f"{json.dumps(case)}: {json.dumps(facts)}" for case, facts in answers.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
