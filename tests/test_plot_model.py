"""Pictures of models: text of the right form, every layer and every connection in it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from fastconv import layers
from fastconv.models import Model, Sequential
from fastconv.utils import model_to_dot, plot_model

SVG = "{http://www.w3.org/2000/svg}"


def residual():
    x = layers.Input((8, 8, 2), name="image")
    a = layers.Conv2D(2, 3, padding="same", activation="relu", name="a")(x)
    inner = Sequential([layers.Input((8, 8, 2)), layers.ReLU(name="deep")], name="inner")
    y = layers.Add(name="sum")([inner(a), x])
    return Model(x, layers.Flatten(name="<flat>")(y))


def titles(path):
    return [title.text for title in ET.parse(path).iter(f"{SVG}title")]


def test_svg(tmp_path):
    path = plot_model(residual(), tmp_path / "m.svg", show_shapes=True, show_layer_names=True)
    assert titles(path) == ["image", "a", "inner", "sum", "<flat>"]
    root = ET.parse(path).getroot()
    assert len([p for p in root.iter(f"{SVG}path") if "marker-end" in p.attrib]) == 5
    text = " ".join(t.text for t in root.iter(f"{SVG}text"))
    assert "a (Conv2D)" in text and "Output shape: (None, 8, 8, 2)" in text
    boxes = [
        tuple(float(r.attrib[k]) for k in ("x", "y", "width", "height"))
        for r in root.iter(f"{SVG}rect")
        if "rx" in r.attrib
    ]
    for i, (x, y, w, _) in enumerate(boxes):
        assert x >= 0 and x + w <= float(root.attrib["width"])
        for other in boxes[:i]:
            apart = x >= other[0] + other[2] or other[0] >= x + w or y >= other[1] + other[3]
            assert apart


def test_dot():
    dot = model_to_dot(residual(), show_layer_names=True, show_dtype=True)
    assert dot.startswith("digraph model {") and dot.count("{") == dot.count("}")
    assert len(re.findall(r"n\d+ -> n\d+;", dot)) == 5
    assert r"\<flat\> (Flatten)" in dot and "Output dtype: float32" in dot
    with pytest.raises(ValueError, match=r'rankdir must be "TB"'):
        model_to_dot(residual(), rankdir="up")


def test_nested_models_can_be_expanded(tmp_path):
    path = plot_model(residual(), str(tmp_path / "m.svg"), expand_nested=True)
    assert titles(path) == ["image", "a", "deep", "sum", "<flat>"]
    plot_model(residual(), tmp_path / "m.dot", show_trainable=True, show_layer_activations=True)
    text = (tmp_path / "m.dot").read_text()
    assert "Activation: relu" in text and "Trainable: yes" in text


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .svg, .dot, .png or .pdf, got 'm.txt'"):
        plot_model(residual(), "m.txt")
    with pytest.raises(ValueError, match="is not built: call build"):
        plot_model(Sequential([layers.Dense(2)]))
