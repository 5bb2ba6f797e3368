"""Losses against plain float64 formulas, gradients against central differences; their checks."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import losses

EPS = 1e-7
CLASSES = 5
SHAPES = [(6, CLASSES), (2, 3, 4, CLASSES)]


def truth_categorical(y, p, smoothing=0.0):
    y = y * (1 - smoothing) + smoothing / y.shape[-1]
    p = np.clip(p / p.sum(-1, keepdims=True), EPS, 1 - EPS)
    return -(y * np.log(p)).sum(-1)


def truth_categorical_logits(y, z, smoothing=0.0):
    y = y * (1 - smoothing) + smoothing / y.shape[-1]
    return -(y * (z - np.log(np.exp(z).sum(-1, keepdims=True)))).sum(-1)


def truth_binary(y, p, smoothing=0.0):
    y = y * (1 - smoothing) + smoothing / 2
    p = np.clip(p, EPS, 1 - EPS)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)


def truth_binary_logits(y, z, smoothing=0.0):
    return truth_binary(y, 1 / (1 + np.exp(-z)), smoothing)


def truth_huber(y, p, delta):
    e = np.abs(p - y)
    return np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean(-1)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


# name: (loss, truth per sample, targets, whether predictions are probabilities)
CASES = {
    "categorical": (losses.CategoricalCrossentropy(), truth_categorical, True),
    "categorical smooth": (
        losses.CategoricalCrossentropy(label_smoothing=0.2),
        lambda y, p: truth_categorical(y, p, 0.2),
        True,
    ),
    "categorical logits": (
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        lambda y, z: truth_categorical_logits(y, z, 0.2),
        False,
    ),
    "sparse": (losses.SparseCategoricalCrossentropy(), truth_categorical, True),
    "sparse logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        truth_categorical_logits,
        False,
    ),
    "binary": (losses.BinaryCrossentropy(), truth_binary, True),
    "binary logits": (
        losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
        lambda y, z: truth_binary_logits(y, z, 0.2),
        False,
    ),
    "mse": (losses.MeanSquaredError(), lambda y, p: ((y - p) ** 2).mean(-1), False),
    "mae": (losses.MeanAbsoluteError(), lambda y, p: np.abs(y - p).mean(-1), False),
    "huber": (losses.Huber(0.7), lambda y, p: truth_huber(y, p, 0.7), False),
}


def make(name, shape, rng):
    loss, truth, probabilities = CASES[name]
    y = one_hot(rng, shape)
    p = rng.uniform(0.05, 0.95, shape) if probabilities else rng.normal(size=shape) * 2
    targets = y.argmax(-1) if name.startswith("sparse") else y
    return loss, truth, y, targets, p


def numeric_gradient(f, x, step=1e-5):
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_match_truth(name, shape, rng):
    loss, truth, y, targets, p = make(name, shape, rng)
    value, dy = loss.value_and_grad(targets, p)
    assert value == pytest.approx(truth(y, p).mean(), rel=1e-5)
    assert loss(targets, p) == value
    assert isinstance(value, float)
    assert dy.dtype == np.float32 and dy.shape == p.shape and dy.flags.c_contiguous
    np.testing.assert_allclose(dy, numeric_gradient(lambda q: truth(y, q).mean(), p), atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_sample_weights_scale_values_and_gradients(name, rng):
    loss, truth, y, targets, p = make(name, SHAPES[0], rng)
    w = rng.uniform(0, 2, len(p))
    value, dy = loss.value_and_grad(targets, p, w)
    assert value == pytest.approx((w * truth(y, p)).sum() / len(p), rel=1e-5)
    unweighted = loss.value_and_grad(targets, p)[1]
    np.testing.assert_allclose(dy, unweighted * w[:, None], atol=1e-6)
    assert loss(targets, p, w[:, None]) == pytest.approx(value)


def test_reductions(rng):
    y, p = rng.normal(size=(2, 4, 3))
    w = np.array([1.0, 0, 2, 3])
    values = ((y - p) ** 2).mean(-1)

    def reduced(reduction):
        return losses.MeanSquaredError(reduction=reduction)(y, p, w)

    assert reduced("sum") == pytest.approx((w * values).sum())
    assert reduced("sum_over_batch_size") == pytest.approx((w * values).sum() / 4)
    assert reduced("mean") == reduced("sum_over_batch_size")
    assert reduced("mean_with_sample_weight") == pytest.approx((w * values).sum() / w.sum())
    np.testing.assert_allclose(reduced(None), w * values, rtol=1e-5)
    np.testing.assert_allclose(reduced("none"), w * values, rtol=1e-5)
    with pytest.raises(ValueError, match="reduction=None gives one value per sample"):
        losses.MeanSquaredError(reduction=None).value_and_grad(y, p)
    with pytest.raises(ValueError, match=r'reduction must be one of .* Did you mean "sum"'):
        losses.MeanSquaredError(reduction="summ")


def test_weights_of_samples_apply_to_all_their_positions(rng):
    y, p = rng.normal(size=(2, 2, 3, 4, 1))
    w = np.array([1.0, 3.0])
    expected = (((y - p) ** 2)[..., 0] * w[:, None, None]).mean()
    assert losses.MeanSquaredError()(y, p, w) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"sample_weight must have the shape of the values"):
        losses.MeanSquaredError()(y, p, np.ones((2, 5)))


def test_ignored_class_counts_neither_in_value_nor_in_divisor(rng):
    z = rng.normal(size=(4, 3))
    labels = np.array([0, 255, 2, 255])
    for from_logits in (False, True):
        p = z if from_logits else np.exp(z)
        kept = losses.SparseCategoricalCrossentropy(from_logits)(labels[::2], p[::2])
        loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class=255)
        value, dy = loss.value_and_grad(labels, p)
        assert value == pytest.approx(kept, rel=1e-5)
        assert not dy[1::2].any() and dy[::2].any()
    assert loss(np.full(4, 255), z) == 0


def test_logits_path_has_the_true_loss_and_a_gradient_where_probabilities_are_clipped():
    y, z = np.array([[0.0, 1]]), np.array([[50.0, -50]])
    p = np.array([[1.0, 0]])
    clipped, no_gradient = losses.CategoricalCrossentropy().value_and_grad(y, p)
    assert clipped == pytest.approx(-np.log(EPS), rel=1e-4)
    assert not no_gradient.any()
    true, gradient = losses.CategoricalCrossentropy().value_and_grad_logits(y, z)
    assert true == pytest.approx(100)
    np.testing.assert_allclose(gradient, [[1, -1]])
    value, gradient = losses.BinaryCrossentropy().value_and_grad_logits([[1.0]], [[-80.0]])
    assert value == pytest.approx(80) and gradient == pytest.approx(-1)


@pytest.mark.parametrize("name", ["categorical", "sparse", "binary"])
def test_fused_path_agrees_with_the_plain_one(name, rng):
    loss, _, _, targets, _ = make(name, SHAPES[1], rng)
    z = rng.normal(size=SHAPES[1]).astype(np.float32)
    if loss.fused_activation == "softmax":
        p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    else:
        p = 1 / (1 + np.exp(-z))
    w = rng.uniform(size=2)
    value, dz = loss.value_and_grad_logits(targets, z, w)
    assert value == pytest.approx(loss(targets, p, w), rel=1e-4)
    y = one_hot_of(targets) if name == "sparse" else targets
    scale = w[:, None, None, None] / np.prod(SHAPES[1][:-1])
    if name == "binary":
        scale = scale / CLASSES
    np.testing.assert_allclose(dz, (p - y) * scale, atol=1e-6)


def one_hot_of(labels):
    return np.eye(CLASSES)[labels]


def test_fused_activation_is_known():
    assert losses.CategoricalCrossentropy().fused_activation == "softmax"
    assert losses.BinaryCrossentropy().fused_activation == "sigmoid"
    assert losses.SparseCategoricalCrossentropy(from_logits=True).fused_activation is None
    assert losses.MeanSquaredError().fused_activation is None


def test_all_zero_row_has_no_loss_and_warns():
    y = np.array([[0.0, 0], [0, 1]])
    with pytest.warns(UserWarning, match="1 rows of y are all zero"):
        value, dz = losses.CategoricalCrossentropy().value_and_grad_logits(y, np.zeros((2, 2)))
    assert value == pytest.approx(np.log(2) / 2)
    assert not dz[0].any()


def test_targets_of_rank_one_meet_one_output():
    p = np.array([[0.2], [0.7]])
    expected = losses.BinaryCrossentropy()([[0], [1]], p)
    assert losses.BinaryCrossentropy()([0, 1], p) == expected
    assert losses.MeanSquaredError()(np.zeros((2, 1)), p[:, 0]) == pytest.approx(
        (p**2).mean(), rel=1e-6
    )


SPARSE, DENSE = losses.SparseCategoricalCrossentropy(), losses.CategoricalCrossentropy()
P = np.full((4, 3), 1 / 3)


@pytest.mark.parametrize(
    ("loss", "y", "p", "error", "match"),
    [
        (SPARSE, [0, 1, 2, 3], P, ValueError, r"y contains 3 \(at index 3\).*3 outputs.*0\.\.2"),
        (SPARSE, [1, 2, 3, 1], P, ValueError, "Labels starting at 1"),
        (SPARSE, [0, -1, 2, 1], P, ValueError, r"y contains -1 \(at index 1\)"),
        (SPARSE, [0, 1.7, 2, 1], P, ValueError, "integer labels, got a fraction"),
        (SPARSE, [0, np.nan, 2, 1], P, ValueError, "fraction or NaN at index"),
        (SPARSE, np.eye(3)[[0, 1, 2, 0]], P, ValueError, "looks one-hot.*categorical_crossent"),
        (SPARSE, ["a", "b", "c", "d"], P, TypeError, "y has strings; encode them"),
        (SPARSE, [0, 0], P[:2, :1], ValueError, "at least 2 outputs"),
        (DENSE, [0, 1, 2, 1], P, ValueError, r"sparse_categorical_crossentropy.*\(y, 3\)"),
        (DENSE, np.eye(4), P, ValueError, "y has 4 classes, the last layer has 3 units"),
        (DENSE, np.ones((4, 1)), P[:, :1], ValueError, "at least 2 outputs.*binary"),
        (DENSE, np.ones((4, 3), complex), P, TypeError, "real numbers, got dtype complex128"),
        (DENSE, np.ones((3, 3)), P, ValueError, "y_true has 3 samples, y_pred has 4"),
        (losses.BinaryCrossentropy(), [1, 2, 1, 2], P[:, :1], ValueError, "from 0 to 1, got 1"),
        (losses.MeanSquaredError(), np.ones(4), P, ValueError, r"shape of the output, \(N, 3\)"),
        (losses.MeanSquaredError(), np.ones((4, 1)), P, ValueError, "shape of the output"),
        (losses.MeanSquaredError(), 3.0, P, ValueError, "one entry per sample"),
    ],
)
def test_wrong_targets(loss, y, p, error, match):
    with pytest.raises(error, match=match):
        loss(y, p)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_labels_of_any_type(dtype):
    y = np.array([0, 1, 1, 0])
    assert SPARSE(y.astype(dtype), P) == pytest.approx(np.log(3), rel=1e-5)
    assert SPARSE(y.astype(dtype)[:, None], P) == pytest.approx(np.log(3), rel=1e-5)


def test_get_finds_every_spelling():
    for name in ("mse", "MSE", "mean_squared_error", "MeanSquaredError"):
        assert isinstance(losses.get(name), losses.MeanSquaredError)
    assert isinstance(losses.get("bce"), losses.BinaryCrossentropy)
    assert isinstance(losses.get(losses.huber), losses.Huber)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get(None) is None
    own = losses.Huber(2.0)
    assert losses.get(own) is own
    with pytest.raises(ValueError, match=r'crossentropyy. Did you mean "binary_crossentropy"'):
        losses.get("crossentropyy")
    with pytest.raises(ValueError, match="CTC is not part of fastconv"):
        losses.get("CTC")


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    loss = CASES[name][0]
    copy = losses.deserialize(losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()


@pytest.mark.parametrize("name", CASES)
def test_functions_give_one_value_per_sample(name, rng):
    loss, truth, y, targets, p = make(name, SHAPES[1], rng)
    if "logits" in name or "smooth" in name or name == "huber":
        return
    function = getattr(losses, loss.name)
    np.testing.assert_allclose(function(targets, p), truth(y, p), rtol=1e-4)


def test_constructor_checks():
    with pytest.raises(TypeError, match="axis must be an integer"):
        losses.CategoricalCrossentropy(axis=1.5)
    for axis, message in ((0, "axis must not be 0, which is the batch"), (3, "one of the 3 of x")):
        with pytest.raises(ValueError, match=message):
            losses.CategoricalCrossentropy(axis=axis)(np.ones((2, 3, 4)), np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        losses.CategoricalCrossentropy(label_smoothing=2)
    with pytest.raises(ValueError, match="dtype must be None or 'float32'"):
        losses.MeanSquaredError(dtype="float64")


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "BinaryCrossentropy",
        "CategoricalFocalCrossentropy",
        "BinaryFocalCrossentropy",
    ],
)
@pytest.mark.parametrize("axis", [1, -2])
def test_an_axis_of_classes_is_like_moving_it(name, from_logits, axis, rng):
    """Outputs (N, C, H, W): values, gradients and weights are those of (N, H, W, C)."""
    p = rng.uniform(0.1, 0.9, (3, 4, 5, 2)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[rng.integers(0, 4, (3, 5, 2))]
    w = rng.random((3, 5, 2)).astype(np.float32)
    cls = getattr(losses, name)
    loss, plain = cls(from_logits=from_logits, axis=axis), cls(from_logits=from_logits)
    logits, there = np.ascontiguousarray(np.moveaxis(p, 1, axis)), np.moveaxis(y, -1, axis)
    labels = y.argmax(-1)
    targets = (labels, labels) if "Sparse" in name else (there, y)
    value, dy = loss.value_and_grad(targets[0], logits, w)
    expected, dx = plain.value_and_grad(targets[1], np.moveaxis(p, 1, -1), w)
    assert value == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(np.moveaxis(dy, axis, -1), dx, rtol=1e-6)
    assert dy.flags.c_contiguous and loss(targets[0], logits, w) == pytest.approx(value, rel=1e-6)
    again = losses.deserialize(losses.serialize(loss))
    assert again.axis == axis and again.get_config() == loss.get_config()
    assert loss.fused_activation is None
    if "Focal" not in name:
        value, dy = loss.value_and_grad_logits(targets[0], logits, w)
        expected, dx = plain.value_and_grad_logits(targets[1], np.moveaxis(p, 1, -1), w)
        assert value == pytest.approx(expected, rel=1e-6)
        np.testing.assert_allclose(np.moveaxis(dy, axis, -1), dx, rtol=1e-6)


def test_a_loss_of_ones_own(rng):
    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 4).mean(-1)

        def gradient(self, y_true, y_pred):
            return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]

    y, p = rng.normal(size=(2, 3, 2))
    value, dy = Quartic().value_and_grad(y, p)
    expected = numeric_gradient(lambda q: ((q - y) ** 4).mean(), p)
    np.testing.assert_allclose(dy, expected, atol=1e-4)
    assert value == pytest.approx(((p - y) ** 4).mean(), rel=1e-5)
