"""The table of layers, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.layers import BatchNormalization, Conv2D, Dense, Flatten, Input
from fastconv.models import Sequential

from .helpers import CCE


@pytest.fixture
def model():
    inner = Sequential([Input((6, 6, 2)), Conv2D(3, 3, name="deep")], name="inner")
    return Sequential(
        [
            Input((8, 8, 1)),
            Conv2D(2, 3, name="conv"),
            BatchNormalization(name="batch_normalization"),
            inner,
            Flatten(name="flatten"),
            Dense(10, activation="softmax", name="dense"),
        ],
        name="net",
    )


def text(model, **arguments):
    lines = []
    model.summary(print_fn=lines.append, **arguments)
    assert len(lines) == 1
    return lines[0]


EXPECTED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv (Conv2D)                   │ (None, 6, 6, 2)        │            20 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 6, 6, 2)        │             8 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ inner (Sequential)              │ (None, 4, 4, 3)        │            57 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ flatten (Flatten)               │ (None, 48)             │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 10)             │           490 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 575 (2.25 KB)
 Trainable params: 571 (2.23 KB)
 Non-trainable params: 4 (16.00 B)
"""


def test_table_is_that_of_keras(model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert text(model) == EXPECTED


def test_it_goes_to_standard_output(model, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    model.summary()
    assert capsys.readouterr().out == EXPECTED


def test_optimizer_is_counted_apart(model):
    model.compile("adam", CCE)
    assert "Optimizer" not in text(model)
    model.train_on_batch(np.zeros((1, 8, 8, 1)), np.eye(10)[:1])
    assert " Total params: 575 (2.25 KB)" in text(model)
    assert " Optimizer params: 1,144 (4.47 KB)" in text(model)


def test_nested_layers_and_trainable_column(model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    model.get_layer("dense").trainable = False
    lines = text(model, expand_nested=True, show_trainable=True).splitlines()
    assert lines[2].split("┃")[-2].strip() == "Traina…"
    rows = {line.split()[1]: line for line in lines if line.startswith("│")}
    assert rows["conv"].split()[-2] == "Y" and rows["dense"].split()[-2] == "N"
    assert rows["flatten"].split()[-2] == "-"
    assert any("└ deep (Conv2D)" in line for line in lines)
    assert " Trainable params: 81 (324.00 B)" in lines


def test_unbuilt_model():
    shown = text(Sequential([Dense(3, name="d")]))
    assert "│ d (Dense)" in shown and "?" in shown and "0 (unbuilt)" in shown
    assert "Not built yet: call model.build((None, ...)) or begin with an Input." in shown


def test_layer_range(model):
    shown = text(model, layer_range=("inner", "flat.*"))
    assert "inner" in shown and "flatten" in shown
    assert "(Conv2D)" not in shown and "(Dense)" not in shown
    assert text(model, layer_range=("flat.*", "inner")) == shown
    with pytest.raises(ValueError, match="matches no layer"):
        text(model, layer_range=("x", "y"))
    with pytest.raises(ValueError, match="layer_range must be two names"):
        text(model, layer_range=("x",))


def test_widths(model):
    assert len(text(model, line_length=60).splitlines()[1]) == 60
    wide = text(model, line_length=60, positions=[0.6, 0.8, 1.0]).splitlines()
    assert wide[1].index("┳") == 36
    with pytest.raises(ValueError, match="too narrow"):
        text(model, line_length=8)
    with pytest.raises(ValueError, match="one number for each of 3 columns, got 2"):
        text(model, positions=[0.5, 1.0])


def test_markup_in_names_is_text():
    assert "[bold]" in text(Sequential([Input((2,)), Dense(1, name="[bold]")], name="[red]"))
