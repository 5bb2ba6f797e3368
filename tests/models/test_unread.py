"""Outputs that no window reads are left out, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv
from fastconv import Model, Sequential, layers, ops
from fastconv.models import plan
from fastconv.ops import shapes


def article():
    return [
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
    ]


def strided():
    return [
        layers.Conv2D(8, 3, padding="same"),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, strides=2, activation="relu"),
        layers.Conv2D(6, 2, strides=(3, 2)),
    ]


def normalized():
    return [
        layers.Conv2D(8, 5, strides=2, activation="elu"),
        layers.BatchNormalization(),
        layers.Dropout(0.3, seed=1),
        layers.AveragePooling2D((2, 3)),
    ]


def network(middle, shape=(29, 30, 3)):
    fastconv.utils.set_random_seed(3)
    rest = [layers.Flatten(), layers.Dense(5, activation="softmax")]
    return Sequential([layers.Input(shape), *middle(), *rest])


def output_shapes(model, x, training=False):
    """Return the shapes of what the convolutions of a model's program compute."""
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.predict(x, verbose=0)
    program = model.inference_plan().program(training)
    values, found = {program.inputs[0]: x}, []
    for step in program.steps:
        values[step.output] = step.layer.forward(values[step.inputs[0]])[0]
        if isinstance(step.layer, layers.Conv2D):
            found.append(values[step.output].shape[1:3])
    return found


def test_only_what_is_read_is_computed(rng):
    x = rng.random((2, 28, 28, 1), np.float32)
    assert output_shapes(network(article, (28, 28, 1)), x) == [(24, 24), (10, 10)]


@pytest.mark.parametrize("middle", [article, strided, normalized])
def test_results_and_gradients_are_those_of_all_outputs(rng, monkeypatch, middle):
    x, y = rng.random((20, 29, 30, 3), np.float32), rng.integers(0, 5, 20)
    results = []
    for leave_out in (True, False):
        if not leave_out:
            monkeypatch.setattr(plan, "leave_out_unread_outputs", lambda program: None)
        model = network(middle)
        model.compile("sgd", "sparse_categorical_crossentropy")
        before = model.predict(x, verbose=0)
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        results.append([before, model.predict(x, verbose=0), *model.get_weights()])
    for ours, all_of_it in zip(*results, strict=True):
        np.testing.assert_allclose(ours, all_of_it, rtol=1e-4, atol=2e-6)


def test_batches_of_other_sizes_are_left_out_alike(rng):
    model = network(article)
    x = rng.random((9, 29, 30, 3), np.float32)
    together = model.predict(x, verbose=0)
    np.testing.assert_array_equal(together, np.concatenate([model(x[i : i + 1]) for i in range(9)]))


def second_reader(z):
    return layers.GlobalAveragePooling2D()(z)


def padded_reader(z):
    return layers.Conv2D(2, 3, padding="same", strides=2)(z)


@pytest.mark.parametrize("other", [second_reader, padded_reader])
def test_what_others_read_is_computed(rng, other):
    inputs = layers.Input((9, 9, 2))
    z = layers.Conv2D(4, 3)(inputs)
    outputs = [layers.MaxPooling2D()(z), other(z)]
    model = Model(inputs, outputs)
    x = rng.random((2, 9, 9, 2), np.float32)
    pooled, _ = model.predict(x, verbose=0)
    program = model.inference_plan().program(False)
    conv = next(step.layer for step in program.steps if isinstance(step.layer, layers.Conv2D))
    assert conv.forward(x)[0].shape == (2, 7, 7, 4)
    assert pooled.shape == (2, 3, 3, 4)


def test_statistics_of_a_batch_are_those_of_all_outputs(rng):
    model = network(normalized)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = rng.random((4, 29, 30, 3), np.float32)
    z, _ = model.layers[0].forward(x)
    model.train_on_batch(x, np.zeros(4, np.int64))
    moved = 0.01 * z.mean((0, 1, 2))
    np.testing.assert_allclose(model.layers[1].moving_mean.value, moved, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("n", range(1, 30))
@pytest.mark.parametrize("windows", [[(2, 2, 1)], [(3, 1, 1), (2, 2, 1)], [(3, 2, 2), (3, 3, 1)]])
def test_unread(n, windows):
    numbers = np.arange(n)
    read = [{i} for i in numbers]
    for k, s, d in windows:
        count = shapes.output_size(len(read), k, s, d, (0, 0))
        read = [set().union(*read[i * s : i * s + k * d : d]) for i in range(max(count, 0))]
    unread = n - 1 - max(set().union(*read)) if read else 0
    assert shapes.unread(n, windows) == unread


@pytest.mark.parametrize("algorithm", ["auto", "direct", "im2col", "winograd2", "winograd3"])
def test_negative_padding_leaves_out_inputs(rng, algorithm):
    x, kernel = rng.random((2, 12, 13, 16), np.float32), rng.random((3, 3, 16, 5), np.float32)
    padding, least = ((1, -2), (0, -3)), {"rtol": 1e-4, "atol": 1e-4}
    inside = np.pad(x[:, :10, :10], ((0, 0), (1, 0), (0, 0), (0, 0)))
    y = ops.conv2d(x, kernel, padding=padding, algorithm=algorithm)
    np.testing.assert_allclose(y, ops.conv2d(inside, kernel, algorithm="direct"), **least)
    dy = rng.random(y.shape, np.float32)
    options = {"padding": padding, "algorithm": algorithm}
    dkernel = ops.conv2d_backward_filter(x, dy, kernel.shape, **options)
    expected = ops.conv2d_backward_filter(inside, dy, kernel.shape, algorithm="direct")
    np.testing.assert_allclose(dkernel, expected, **least)
    dx = ops.conv2d_backward_input(dy, kernel, x.shape, **options)
    expected = ops.conv2d_backward_input(dy, kernel, inside.shape, algorithm="direct")
    np.testing.assert_allclose(dx[:, :10, :10], expected[:, 1:], **least)
    np.testing.assert_allclose(dx[:, 10:], 0, atol=1e-5)
    np.testing.assert_allclose(dx[:, :, 10:], 0, atol=1e-5)
