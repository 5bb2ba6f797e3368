"""Load thousands of damaged and hostile model files; see that each is refused cleanly or read.

    python -m tests.fuzz_files --count 10000

A file may lead to a model or to a ValueError, TypeError or OSError (such as FileNotFoundError). Any
other exception, running code, more than 1 GB of memory or more than 2 s for one file is a failure,
and so is the death of the process: files are loaded in a child, file by file from their numbers.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np

import fastconv
from fastconv import layers, optimizers
from fastconv.layers import registry
from fastconv.models import Model, Sequential, load_model

SECONDS, BYTES = 2.0, 1 << 30
#: Takes this process's fastconv, which need not be the one beside the tests.
INSTALLED, ROOT = str(Path(fastconv.__file__).parents[1]), str(Path(__file__).parents[1])
CHILD = """
import sys
sys.path.insert(0, {installed!r})
import fastconv
sys.path.insert(0, {root!r})
from tests import fuzz_files
fuzz_files.child({first}, {count})
"""
#: What a child returns that has more to do.
AGAIN = 3
#: What no file may make happen.
FORBIDDEN = ("os.system", "subprocess.", "socket.", "pickle.", "os.exec", "os.remove", "os.rename")
NASTY = [
    None, True, False, 0, -1, 1, 2, 10**6, 10**9, 2**31, 2**63, 10**30, -(10**30), 0.5, -0.5, 1e308,
    float("nan"), float("inf"), "", "x", "relu", "os.system", "__import__('os').system('id')", [],
    [[]], {}, [1], [1, 2, 3], [None, None], [-1, -1], [10**9, 10**9], [None, 10**6, 10**6, 10**6],
    {"class_name": "Dense"}, {"class_name": "Dense", "config": {"units": 10**9}}, {"config": {}},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}},
    {"class_name": "system", "module": "os", "config": {}, "registered_name": None}, "a/b", "\x00",
    {"class_name": "__numpy__", "config": {"value": [1e400], "dtype": "object"}}, {"x": {"y": []}},
]  # fmt: skip


def base_model():
    inner = Sequential([layers.Input((3, 3, 3)), layers.Conv2D(2, 2), layers.LeakyReLU()])
    model = Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.3, seed=1),
            inner,
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    rate = optimizers.schedules.CosineDecay(0.01, 10)
    model.compile(optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy", "mse"])
    x, y = np.ones((2, 8, 8, 1), np.float32), np.eye(3)[:2]
    model.fit(x, y, verbose=0)
    return model


def functional_model():
    """Two inputs, two outputs, a shared layer, a model within, an operator."""
    x, vector = layers.Input((6, 6, 2), name="x"), layers.Input((3,), name="vector")
    shared = layers.Conv2D(2, 3, padding="same")
    k = layers.Input((6, 6, 2))
    inner = Model(k, layers.Add()([k, layers.ReLU()(k)]))
    y = inner(shared(shared(x))) + x
    y = layers.Concatenate()([layers.GlobalAveragePooling2D()(y), layers.Dense(2)(vector)])
    model = Model([x, vector], [layers.Dense(2, name="a")(y), layers.Dense(1, name="b")(y)])
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], []])
    return model


class Files:
    """Good files, and bad ones made from them by number."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.good = {}
        self.models = [base_model(), functional_model()]
        for i, model in enumerate(self.models):
            for ending in ("keras", "h5"):
                path = self.folder / f"good{i}.{ending}"
                model.save(path)
                self.good[path.name] = path.read_bytes()
        path = self.folder / "good.weights.h5"
        self.models[0].save_weights(path)
        self.good[path.name] = path.read_bytes()

    def bad(self, number):
        """Return the path of a bad file."""
        rng = random.Random(number)
        name = rng.choice(sorted(self.good))
        content = self.good[name]
        if name.endswith(".keras"):
            change = rng.choice([damaged, *[in_members] * 4, *[in_config] * 6, bomb])
        elif name.endswith(".weights.h5"):
            change = damaged
        else:
            change = rng.choice([damaged, in_attributes])
        path = self.folder / f"bad{name[4:]}"
        path.write_bytes(change(rng, content))
        return path

    def load(self, path):
        if path.name.endswith(".weights.h5"):
            self.models[0].load_weights(path)
        else:
            load_model(path)


def damaged(rng, content):
    """Flip bits, cut, repeat, or overwrite."""
    content = bytearray(content)
    kind = rng.choice(["bits", "bits", "bytes", "cut", "zeros", "ones", "longer", "repeat", "swap"])
    # The head of a file and its tables are where damage matters most.
    places = range(min(len(content), 2048)) if rng.random() < 0.4 else range(len(content))
    if kind in ("bits", "bytes"):
        for _ in range(rng.choice([1, 1, 2, 5, 20])):
            at = rng.choice(places)
            content[at] = (
                content[at] ^ 1 << rng.randrange(8)
                if kind == "bits"
                else rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
            )
        return bytes(content)
    at, size = rng.choice(places), rng.choice([1, 4, 8, 64, 512])
    if kind == "cut":
        return bytes(content[: rng.choice([at, rng.randrange(len(content))])])
    if kind == "longer":
        return bytes(content[:at] + rng.randbytes(size) + content[at:])
    if kind == "repeat":
        return bytes(content[: at + size] + content[at:])
    other = rng.randrange(len(content))
    piece = {"zeros": bytes(size), "ones": b"\xff" * size}.get(kind, content[other : other + size])
    content[at : at + size] = piece
    return bytes(content)


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(members, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def in_members(rng, content):
    """Damage a member of the archive, whose checksum is then right."""
    members = members_of(content)
    name = rng.choice(["config.json", "model.weights.h5", "model.weights.h5"])
    members[name] = damaged(rng, members[name])
    if rng.random() < 0.05:
        del members[rng.choice(sorted(members))]
    return zipped(members, rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))


def bomb(rng, content):
    """Let a member unfold to a multiple of the file's size."""
    members = members_of(content)
    name = rng.choice(["config.json", "model.weights.h5", "extra"])
    members[name] = members.get(name, b"") + bytes(rng.choice([*[1 << 20] * 6, 17 << 20, 70 << 20]))
    return zipped(members, zipfile.ZIP_DEFLATED)


def in_config(rng, content):
    members = members_of(content)
    config = json.loads(members["config.json"])
    members["config.json"] = json.dumps(hostile(rng, config))
    return zipped(members)


def in_attributes(rng, content):
    """Change the configurations within an HDF5 file."""
    import h5py

    stream = io.BytesIO(content)
    with h5py.File(stream, "r+") as file:
        name = rng.choice(["model_config", "model_config", "training_config"])
        file.attrs[name] = json.dumps(hostile(rng, json.loads(file.attrs[name])))
        if rng.random() < 0.2:
            group = file["model_weights"]
            group.attrs["layer_names"] = rng.choice([[], ["x"], ["../.."], 3, "dense", [1, 2]])
        if rng.random() < 0.1:
            del file["model_weights"]
            file["model_weights"] = rng.choice([h5py.SoftLink("/"), h5py.ExternalLink("x", "/"), 3])
    return stream.getvalue()


def nodes(value):
    """Yield (parent, key) of all that is in nested lists and dictionaries, however deep."""
    waiting = [(None, None, value)]
    while waiting:
        parent, key, value = waiting.pop()
        if parent is not None:
            yield parent, key
        if isinstance(value, dict):
            waiting.extend((value, k, value[k]) for k in reversed(value))
        elif isinstance(value, list):
            waiting.extend((value, i, value[i]) for i in reversed(range(len(value))))


def hostile(rng, config):
    """Change some places of a configuration."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        places = list(nodes(config))
        if not places:
            return config
        parent, key = rng.choice(places)
        kind = rng.randrange(8)
        if kind == 0 and isinstance(parent, dict):
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(["x", "dtype", "units", "layers", "registered_name"])] = parent[key]
        elif kind == 2:
            names = [p for p in places if p[1] == "class_name"]
            if names:
                parent, key = rng.choice(names)
                parent[key] = rng.choice([*registry.table(), "Sequential", "Functional", "Lambda"])
        elif kind == 3:
            other, there = rng.choice(places)
            parent[key] = json.loads(json.dumps(other[there]))
        elif kind == 4:
            deep = []
            for _ in range(rng.choice([10, 90, 150, 300])):
                deep = (
                    [deep] if rng.random() < 0.5 else {"class_name": "Sequential", "config": deep}
                )
            parent[key] = deep
        elif kind == 5 and isinstance(parent[key], (int, float)):
            parent[key] = rng.choice([-1, 0, 2, 7, 10**9, parent[key] * 1000, -parent[key], 0.1])
        elif kind == 6 and isinstance(parent, list) and parent:
            parent += [parent[key]] * rng.choice([1, 2, 1000])
        else:
            parent[key] = copy.deepcopy(rng.choice(NASTY))  # the next change may be within it
    return config


def watch(event, args):
    if Watch.on and event.startswith(FORBIDDEN):
        Watch.seen.append(event)
    if Watch.on and event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        Watch.seen.append(f"open {args[0]}")


class Watch:
    on = False
    seen: ClassVar[list[str]] = []


def child(first, count):
    """Load bad files and print what is wrong with how it went, one line of JSON for each."""
    warnings.simplefilter("ignore")
    sys.addaudithook(watch)
    with tempfile.TemporaryDirectory() as folder:
        files = Files(folder)
        for name in files.good:
            files.load(files.folder / name)
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (6 * BYTES, 6 * BYTES))
        for number in range(first, first + count):
            print(json.dumps({"begin": number}), flush=True)
            path = files.bad(number)
            problem = None
            start = time.perf_counter()
            Watch.on = True
            faulthandler.dump_traceback_later(5 * SECONDS, exit=True)
            try:
                files.load(path)
                outcome = "loaded"
            except (ValueError, TypeError, OSError) as error:
                outcome = type(error).__name__
                if not str(error):
                    problem = f"no message: {error!r}"
            except BaseException:
                outcome = "crashed"
                problem = traceback.format_exc()
            Watch.on = False
            faulthandler.cancel_dump_traceback_later()
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            if seconds > SECONDS:
                problem = f"took {seconds:.1f} s"
            greedy = peak - base > BYTES
            if greedy:
                problem = f"took {(peak - base) >> 20} MB"
            if Watch.seen:
                problem = f"did {Watch.seen}"
                Watch.seen.clear()
            print(json.dumps({"end": number, "outcome": outcome, "problem": problem}), flush=True)
            if greedy:  # the peak of this process says nothing more
                raise SystemExit(AGAIN)


def run(first, count):
    """Return how many files had which outcome, and what went wrong: {number: what}."""
    outcomes, problems = {}, {}
    end = first + count
    while first < end:
        code = CHILD.format(installed=INSTALLED, root=ROOT, first=first, count=end - first)
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        running = first - 1
        for line in done.stdout.splitlines():
            report = json.loads(line)
            if "begin" in report:
                running = report["begin"]
                continue
            outcomes[report["outcome"]] = outcomes.get(report["outcome"], 0) + 1
            if report["problem"]:
                problems[report["end"]] = report["problem"]
        if running < first:
            raise RuntimeError(f"the child did not begin, and ended with code {done.returncode}")
        if done.returncode not in (0, AGAIN):
            problems[running] = f"the process died with code {done.returncode}"
            outcomes["died"] = outcomes.get("died", 0) + 1
        elif not done.returncode and running + 1 < end:
            raise RuntimeError("the child did not do its work")
        first = running + 1
    return outcomes, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    arguments = parser.parse_args()
    start = time.time()
    outcomes, problems = run(arguments.first, arguments.count)
    print(f"{arguments.count} files in {time.time() - start:.0f} s: {outcomes}")
    for number, problem in problems.items():
        print(f"file {number}: {problem}")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
