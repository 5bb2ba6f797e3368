"""What compile, fit, evaluate and predict accept, and how they refuse the rest."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fastconv import losses, metrics, optimizers
from fastconv.layers import Dense, Input
from fastconv.models import Sequential

from .helpers import CCE, SCCE, model_for


@pytest.fixture
def quiet():
    """Turn the warnings of a test that is about something else off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# compile


def test_compile_checks_names_at_once():
    model = model_for()
    for arguments, match in (
        ({"optimizer": "adm"}, 'optimizer identifier: adm. Did you mean "adam"'),
        ({"loss": "mss"}, 'loss identifier: mss. Did you mean "mse"'),
        ({"metrics": ["acuracy"]}, 'metric identifier: acuracy. Did you mean "accuracy"'),
        ({"weighted_metrics": ["foo"]}, "metric identifier: foo"),
        ({"metrics": [3]}, "metric identifier: got an object of type int"),
        ({"loss": ["mse", "mae"]}, "got 2 entries in loss"),
        ({"loss_weights": [0.5, 1]}, "got 2 entries in loss_weights"),
        ({"loss": losses.MeanSquaredError(reduction=None)}, "no single number to train on"),
    ):
        with pytest.raises(ValueError, match=match.replace(".", r"\.")):
            model.compile(**arguments)


def test_compile_takes_what_keras_takes():
    model = model_for()
    model.compile(
        "SGD",
        [SCCE],
        metrics="accuracy",
        run_eagerly=True,
        steps_per_execution=4,
        jit_compile=False,
        auto_scale_loss=False,
    )
    assert model.metrics_names == ["loss", "accuracy"]
    model.compile(
        optimizers.Adam,
        losses.sparse_categorical_crossentropy,
        metrics={"dense": [metrics.SparseCategoricalAccuracy]},
    )
    assert model.metrics_names == ["loss", "sparse_categorical_accuracy"]
    assert isinstance(model.optimizer, optimizers.Adam)
    model.compile()
    assert isinstance(model.optimizer, optimizers.RMSprop)


def test_losses_without_a_gradient_are_refused(xy):
    class Half(losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred[..., 0]

    with pytest.raises(TypeError, match=r"Half must define call.* and gradient"):
        model_for(loss=Half())
    model = model_for(loss=lambda y_true, y_pred: y_pred)
    with pytest.raises(TypeError, match=r"must return \(values, gradient.*got ndarray"):
        model.train_on_batch(*xy)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_uncompiled_models_say_so(method):
    model = Sequential([Input((4,)), Dense(1)])
    with pytest.raises(ValueError, match=rf"Sequential\.{method}: call compile"):
        getattr(model, method)(np.zeros((1, 4)), np.zeros(1))
    assert not model.compiled and model.metrics == [] and model.metrics_names == []


def test_no_loss(xy):
    model = model_for()
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"no loss was given to compile\(\)"):
        model.fit(*xy, verbose=0)


# x


@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        ([[1.0], [1.0, 2.0]], TypeError, "dtype object; usually a ragged list"),
        (np.array([["a"] * 4]), TypeError, "x must hold real numbers, got dtype <U1"),
        (np.zeros((2, 4), complex), TypeError, "dtype complex128"),
        (np.ma.masked_array(np.zeros((2, 4))), TypeError, r"fill it first: x\.filled\(0\)"),
        (3.0, ValueError, "x must have a batch axis"),
        (None, TypeError, "dtype object"),
        (np.zeros((2, 5)), ValueError, r"shape \(N, 4\), got \(N, 5\)"),
        (np.zeros(4), ValueError, r"A single sample\? Use x\[None\]"),
    ],
)
def test_wrong_inputs(x, error, match):
    model = model_for()
    with pytest.raises(error, match=match):
        model.predict(x, verbose=0)
    with pytest.raises(error, match=match):
        model.fit(x, np.zeros(2, int), verbose=0)


def test_wrong_image_shapes_are_explained():
    model = model_for(shape=(6, 5, 3))
    with pytest.raises(ValueError, match="channels-first"):
        model.predict(np.zeros((2, 3, 6, 5)), verbose=0)
    with pytest.raises(ValueError, match=r"\(N, 6, 5, 3\), got \(N, 7, 5, 3\)"):
        model.predict(np.zeros((2, 7, 5, 3)), verbose=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float16).astype(np.float32),
        np.asfortranarray,
        lambda x: x[::-1][::-1],
        lambda x: x.astype(">f4"),
        lambda x: x.tolist(),
        lambda x: x[..., None],
        lambda x: x[..., None, None],
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(bool),
        lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
    ],
)
def test_inputs_of_any_kind_give_the_same(change, rng, quiet):
    x = rng.integers(0, 2, (40, 5, 4)).astype(np.float32)
    labels = rng.integers(0, 3, 40)
    model = model_for(shape=(5, 4, 1))
    start = model.get_weights()
    expected = model.predict(x, verbose=0)
    changed = change(x)
    np.testing.assert_array_equal(model.predict(changed, verbose=0), expected)
    trained = []
    for inputs in (x, changed):
        model.set_weights(start)
        np.random.seed(0)
        model.fit(inputs, labels, verbose=0, batch_size=7)
        trained.append(model.get_weights()[0])
    np.testing.assert_array_equal(*trained)


def test_inputs_are_never_written_to(xy):
    x, labels = xy
    x = x.astype(np.float32)
    y = np.eye(3, dtype=np.float32)[labels]
    for array in (x, y):
        array.setflags(write=False)
    model_for(loss=losses.CategoricalCrossentropy(label_smoothing=0.1)).fit(x, y, verbose=0)


# y


@pytest.mark.parametrize(
    ("loss", "y", "match"),
    [
        (SCCE, np.arange(20) % 4, r"fit: y contains 3 \(at index 3\) but the model has 3 outputs"),
        (SCCE, np.arange(20) % 3 + 1, "Labels starting at 1"),
        (SCCE, np.full(20, -1), "y contains -1"),
        (SCCE, np.full(20, 0.5), "a fraction"),
        (SCCE, np.eye(3)[np.arange(20) % 3], "it looks one-hot"),
        (CCE, np.arange(20) % 3, r"to_categorical\(y, 3\)"),
        (CCE, np.eye(4)[np.arange(20) % 4], "y has 4 classes, the last layer has 3 units"),
        ("mse", np.zeros(20), r"shape of the output, \(N, 3\), got \(N,\)"),
        ("mse", np.zeros((20, 1)), r"got \(N, 1\)"),
        (SCCE, np.zeros(19, int), "same number of samples, got x: 20, y: 19"),
    ],
)
def test_wrong_targets_are_found_before_training(loss, y, match, xy):
    model = model_for(loss=loss)
    before = model.get_weights()
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=match.replace("fit: ", "")):
            method(xy[0], y, verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_a_late_wrong_label_is_found_too(xy):
    x, labels = np.zeros((1000, 4)), np.zeros(1000, int)
    labels[990] = 7
    with pytest.raises(ValueError, match=r"y contains 7 \(at index 990\)"):
        model_for().fit(x, labels, verbose=0)


def test_missing_and_strange_targets(xy):
    model = model_for()
    with pytest.raises(ValueError, match="fit needs y"):
        model.fit(xy[0], verbose=0)
    with pytest.raises(TypeError, match="y has strings"):
        model.fit(xy[0], np.array(["a"] * 20), verbose=0)
    with pytest.raises(ValueError, match="x has 0 samples"):
        model.fit(xy[0][:0], xy[1][:0], verbose=0)
    with pytest.raises(ValueError, match="x has 0 samples"):
        model.evaluate(xy[0][:0], xy[1][:0], verbose=0)


def test_one_output_needs_no_axis(rng):
    x = rng.random((8, 4))
    for loss, activation in (("mse", None), ("binary_crossentropy", "sigmoid")):
        model = model_for(1, activation, loss)
        flat = model.evaluate(x, np.arange(8) % 2, verbose=0)
        assert flat == model.evaluate(x, (np.arange(8) % 2)[:, None], verbose=0)


# Numbers


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": -3}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 4.0}, TypeError, "batch_size must be an integer, got 4.0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch"),
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch"),
        ({"verbose": 7}, ValueError, "verbose must be"),
        ({"shuffle": "batches"}, ValueError, 'shuffle must be True, False or "batch"'),
        ({"validation_split": 1.0}, ValueError, r"validation_split must be in \[0, 1\), got 1"),
        ({"validation_split": 1.5}, ValueError, "validation_split must be in"),
        ({"validation_split": -0.2}, ValueError, "validation_split must be in"),
        ({"validation_split": "x"}, TypeError, "validation_split must be a number"),
        ({"validation_split": 0.99}, ValueError, "leaves 0 for training and 20 for validation"),
        ({"validation_data": 3}, ValueError, "validation_data must be"),
        ({"validation_data": (1, 2, 3, 4)}, ValueError, "got a tuple of 4"),
        ({"validation_data": (np.zeros((2, 4)),)}, ValueError, "needs y"),
        ({"validation_freq": 0}, ValueError, "validation_freq"),
        ({"sample_weight": np.ones(3)}, ValueError, "sample_weight: 3"),
        ({"sample_weight": np.ones((20, 7))}, ValueError, "sample_weight must have the shape"),
        ({"class_weight": "balanced"}, TypeError, "class_weight must be a dict"),
        ({"class_weight": [1.0]}, ValueError, "one weight for each of 3 classes"),
        ({"callbacks": [print]}, TypeError, "must be a Callback"),
    ],
)
def test_wrong_arguments_of_fit(arguments, error, match, xy, quiet):
    arguments = {"validation_split": 0.1, **arguments}
    with pytest.raises(error, match=match):
        model_for().fit(*xy, verbose=arguments.pop("verbose", 0), **arguments)


def test_class_weight_needs_classes(rng):
    with pytest.raises(ValueError, match="class_weight needs targets with one class per sample"):
        model_for(2, None, "mse").fit(
            rng.random((4, 4)), rng.random((4, 2)), class_weight={0: 1.0}, verbose=0
        )
