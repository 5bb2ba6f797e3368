"""Run Python programs beside the tests, on the same fastconv that the tests import."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fastconv

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments, cwd=None, timeout=300, **environment):
    """Run `python *arguments` and return its output; fails, showing stderr, when it fails.

    It starts in a folder of no interest: with `-c` Python would look there first, and the sources
    need not be compiled.
    """
    path = [str(Path(fastconv.__file__).parent.parent), str(ROOT), os.environ.get("PYTHONPATH")]
    finished = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **environment},
        cwd=cwd or tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
