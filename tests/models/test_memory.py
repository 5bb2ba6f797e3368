"""What `explain` says of the memory of training is what the process grows by."""

from __future__ import annotations

import json
import sys

import pytest

from fastconv import layers
from fastconv.models import Model, Sequential

from .. import programs

PARTS = [
    "weights", "kernel copies", "optimizer", "activations", "gradients", "workspaces",
    "unfilled pages",
]  # fmt: skip


def article() -> Model:
    return Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def resnet20() -> Model:
    """Blocks of He et al., arXiv:1512.03385, section 4.2; a shortcut with a kernel of its own."""

    def normalized(x, filters, size, strides=1):
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = layers.Input((32, 32, 3))
    x = layers.ReLU()(normalized(inputs, 16, 3))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if block == 0 and filters > 16 else 1
            y = layers.ReLU()(normalized(x, filters, 3, strides))
            if strides > 1:
                x = normalized(x, filters, 1, strides)
            x = layers.ReLU()(layers.Add()([normalized(y, filters, 3), x]))
    return Model(inputs, layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(x)))


def trained(make, batch, steps):
    """Return a model after some steps on zeros."""
    import numpy as np

    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.zeros((batch, *model.input_shape[1:]), np.float32), np.zeros(batch, np.int64)
    for _ in range(steps):
        model.train_on_batch(x, y)
    return model


PROGRAM = """
import contextlib, io, json
from fastconv import layers
from fastconv.models import Sequential
from tests.models import test_memory

def megabytes(field):
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) * 1024e-6  # the file counts in kB

def small():  # code and modules come into memory
    parts = [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.MaxPooling2D()]
    return Sequential([layers.Input((6, 6, 1)), *parts, layers.Flatten(), layers.Dense(2)])

with contextlib.redirect_stdout(io.StringIO()):
    test_memory.trained(small, 2, steps=3).explain(2, training=True)
before = megabytes("VmRSS")
model = test_memory.trained(getattr(test_memory, {name!r}), {batch}, steps=4)
kept, peak = megabytes("VmRSS") - before, megabytes("VmHWM") - before
with contextlib.redirect_stdout(io.StringIO()):
    memory = model.explain({batch}, training=True).memory
print(json.dumps([kept, peak, memory]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the resident set in /proc")
@pytest.mark.parametrize(("name", "batch"), [("article", 32), ("article", 256), ("resnet20", 64)])
@pytest.mark.parametrize("threads", [1, 2])
def test_explain_says_what_training_takes(name: str, batch: int, threads: int) -> None:
    program = PROGRAM.replace("{name!r}", repr(name)).replace("{batch}", str(batch))
    printed = programs.run("-c", program, FASTCONV_NUM_THREADS=str(threads))
    kept, peak, memory = json.loads(printed)
    # Pages that are touched in part, code that is first used, objects of Python; and the batch.
    room = 0.04 * memory["total"] + 1.5
    assert abs(kept - memory["total"]) < room
    assert abs(peak - memory["total"]) < room


def test_all_parts_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    model = trained(article, 4, 1)
    memory = model.explain(4, training=True).memory
    assert list(memory) == [*PARTS, "total"]
    assert memory["total"] == pytest.approx(sum(memory[part] for part in PARTS))
    weights = 1e-6 * sum(weight.value.nbytes for weight in model.weights)
    assert memory["weights"] == pytest.approx(weights)
    assert memory["optimizer"] == pytest.approx(2 * weights)  # Adam's two averages
    at_once = 28 * 28 + 12 * 12 * 32  # inputs, and what the first pooled convolution writes
    assert memory["activations"] > 4 * 4e-6 * at_once
    assert memory["gradients"] > memory["weights"]
    printed = capsys.readouterr().out
    assert f"activations {memory['activations']:.2f}" in printed
    assert "keep for themselves" not in printed


def test_before_the_first_step_it_says_the_same() -> None:
    model = trained(article, 4, 0)
    memory = model.explain(4, training=True).memory
    assert model.optimizer is not None and not model.optimizer.built
    assert trained(article, 4, 2).explain(4, training=True).memory == memory


def test_layers_that_run_as_they_are_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([layers.Input((8, 4)), layers.Conv1D(2, 3, name="c"), layers.Flatten()])
    model.compile("sgd", "mse")
    assert model.explain(2, training=True).memory["optimizer"] == 0
    assert "keep for themselves: c" in capsys.readouterr().out


def test_inference_has_no_such_report() -> None:
    assert article().explain().memory == {}
