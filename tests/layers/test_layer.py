"""The Layer base class: names, arguments, building, weights, calling, penalties."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import backend, initializers, layers, regularizers
from fastconv.layers import Conv2D, Dense, Dropout, Layer, Variable


@pytest.fixture(autouse=True)
def fresh_names():
    backend.clear_session()


class Scale(Layer):
    """A user's own layer: x times a learned number for each channel."""

    config_keys = ("start",)

    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def create_weights(self, input_shape):
        self.input_channels = input_shape[-1]
        self.factor = self.add_weight(
            name="factor",
            shape=(input_shape[-1],),
            initializer=initializers.Constant(self.start),
            regularizer=regularizers.L2(0.5),
        )

    def forward(self, x, training=False):
        factor = self.factor.value

        def backward(dy, need_dx=True):
            self.factor.add_grad((dy * x).reshape(-1, x.shape[-1]).sum(0))
            return dy * factor if need_dx else None

        return x * factor, backward if training else None


@pytest.mark.parametrize(
    ("cls", "arguments", "name"),
    [
        (layers.Conv1D, (1, 1), "conv1d"),
        (layers.Conv2D, (1, 1), "conv2d"),
        (layers.DepthwiseConv2D, (1,), "depthwise_conv2d"),
        (layers.MaxPooling2D, (), "max_pooling2d"),
        (layers.MaxPool2D, (), "max_pooling2d"),
        (layers.AvgPool2D, (2,), "average_pooling2d"),
        (layers.GlobalAvgPool2D, (), "global_average_pooling2d"),
        (layers.ReLU, (), "re_lu"),
        (layers.LeakyReLU, (), "leaky_re_lu"),
        (layers.BatchNormalization, (), "batch_normalization"),
        (layers.ZeroPadding2D, (), "zero_padding2d"),
        (layers.InputLayer, ((3,),), "input_layer"),
    ],
)
def test_automatic_name(cls, arguments, name):
    assert [cls(*arguments).name for _ in range(3)] == [name, f"{name}_1", f"{name}_2"]
    backend.clear_session()
    assert cls(*arguments).name == name


def test_given_names_do_not_count():
    assert Dense(1, name="out").name == "out"
    assert Dense(1).name == "dense"


@pytest.mark.parametrize("name", ["a/b", 3, ""])
def test_bad_name(name):
    with pytest.raises(ValueError, match='Dense: name must be a string without "/"'):
        Dense(1, name=name)


def test_unknown_argument_is_named_with_a_suggestion():
    message = r"Unrecognized keyword arguments passed to Conv2D: \{'foo': 1, 'bar': <ndarray>\}\.$"
    with pytest.raises(ValueError, match=message):
        Conv2D(1, 1, foo=1, bar=np.ones(3))
    with pytest.raises(ValueError, match=r'Did you mean "kernel_initializer"\?'):
        Conv2D(1, 1, kernel_initialiser="zeros")
    with pytest.raises(ValueError, match=r'Did you mean "trainable"\?'):
        Dropout(0.5, trainabel=False)


@pytest.mark.parametrize(
    "dtype",
    [
        None,
        "float32",
        np.float32,
        np.dtype("float32"),
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
    ],
    ids=str,
)
def test_dtype(dtype):
    assert Dense(1, dtype=dtype).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", np.float16, "int8"])
def test_dtype_other_than_float32(dtype):
    with pytest.raises(ValueError, match=r'Dense "d": dtype: DTypePolicy: name must be "float32"'):
        Dense(1, dtype=dtype, name="d")


@pytest.mark.parametrize(
    ("declared", "batch_shape"),
    [
        ({}, None),
        ({"input_shape": (28, 28, 1)}, (None, 28, 28, 1)),
        ({"input_shape": [np.int64(28), None, 1]}, (None, 28, None, 1)),
        ({"input_dim": 8}, (None, 8)),
    ],
)
def test_declared_input_shape(declared, batch_shape):
    assert Dense(1, **declared).batch_input_shape == batch_shape


def test_declared_input_shape_that_is_no_tuple():
    with pytest.raises(ValueError, match=r"input_shape must be a tuple of integers, e.g. \(8,\)"):
        Dense(1, input_shape=8)


def test_unbuilt_layer():
    layer = Dense(3)
    assert not layer.built
    assert layer.get_weights() == [] and layer.weights == []
    with pytest.raises(ValueError, match=r'Dense "dense": build the layer before count_params'):
        layer.count_params()
    with pytest.raises(ValueError, match=r"needs 0 arrays, got 1. Build the layer first"):
        layer.set_weights([np.ones(3)])


def test_build_happens_once():
    layer = Dense(3)
    layer.build((None, 4))
    kernel = layer.kernel
    layer.build((8, 4))
    assert layer.kernel is kernel
    assert layer.count_params() == 15
    with pytest.raises(ValueError, match="last input axis must have size 4"):
        layer.build((None, 5))


def test_a_failed_build_leaves_no_weights_behind():
    layer = Dense(3, bias_initializer=lambda shape, dtype=None: np.zeros(7))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"initializer of bias must give shape \(3,\)"):
            layer.build((None, 4))
    assert not layer.built and layer.weights == []
    layer.bias_initializer = initializers.Zeros()
    layer.build((None, 5))
    assert [v.name for v in layer.weights] == ["kernel", "bias"]


def test_calling_builds():
    layer = Dense(3, kernel_initializer="ones")
    np.testing.assert_array_equal(layer([[1, 2], [3, 4]]), [[3, 3, 3], [7, 7, 7]])
    assert layer.built


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(">f4"),
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: (
            np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
        ),
        lambda x: x.tolist(),
    ],
    ids=["uint8", "big-endian", "float64", "Fortran", "strided", "reversed", "unaligned", "list"],
)
def test_any_array_is_accepted(convert):
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    layer = Dense(2)
    expected = layer(x)
    given = convert(x)
    np.testing.assert_array_equal(layer(given), expected)
    np.testing.assert_array_equal(given, x)


def test_read_only_and_broadcast_input():
    x = np.broadcast_to(np.float32(2), (3, 4))
    np.testing.assert_array_equal(Dense(1, kernel_initializer="ones")(x), [[8]] * 3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.ones((2, 3), complex),
            r'Dense "d": input must hold real numbers, got dtype complex128',
        ),
        (np.array([["a", "b"]]), "must hold real numbers, got dtype <U1"),
        (np.array([[1], [1, 2]], object), "dtype object; usually a ragged list"),
    ],
)
def test_input_that_is_not_real_numbers(x, message):
    with pytest.raises(TypeError, match=message):
        Dense(1, name="d")(x)


def test_input_is_never_the_output():
    x = np.ones((2, 3), np.float32)
    y = Dropout(0.5)(x)
    y[:] = 7
    assert x[0, 0] == 1


def test_wrong_size_of_the_last_axis():
    layer = Conv2D(2, 3, name="c")
    layer.build((None, 8, 8, 3))
    message = r'Conv2D "c": the last input axis must have size 3.*got shape \(1, 8, 8, 4\)\.$'
    with pytest.raises(ValueError, match=message):
        layer(np.zeros((1, 8, 8, 4)))
    with pytest.raises(ValueError, match="looks like channels-first data"):
        layer(np.zeros((1, 3, 8, 8)))


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((8, 8, 3), r" A single sample\? Use x\[None\]. No channel axis\? Use x\[..., None\]."),
        ((2, 1, 8, 8, 3), ""),
        ((8, 8), ""),
        ((), ""),
    ],
)
def test_wrong_rank(shape, hint):
    message = r'Conv2D "c": input must have shape \(batch, height, width, channels\), got \('
    with pytest.raises(ValueError, match=rf"{message}.*\)\.{hint}$"):
        Conv2D(2, 3, name="c")(np.zeros(shape))


def test_symbolic_input():
    y = Dense(2)(layers.Input((3,), name="img"))
    assert y.shape == (None, 2)
    with pytest.raises(ValueError, match="KerasTensor 'img' is symbolic"):
        np.asarray(layers.Input((3,), name="img"))


def test_set_weights_is_all_or_nothing():
    layer = Dense(3)
    layer.build((None, 2))
    before = layer.get_weights()
    message = r'Dense "dense": dense/bias must have shape \(3,\), got \(2,\)'
    with pytest.raises(ValueError, match=message):
        layer.set_weights([np.ones((2, 3)), np.ones(2)])
    with pytest.raises(ValueError, match="needs 2 arrays, got 1"):
        layer.set_weights([np.ones((2, 3))])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_get_weights_returns_copies():
    layer = Dense(3)
    layer.build((None, 2))
    layer.get_weights()[0][:] = 9
    assert not (layer.kernel.value == 9).any()


def test_layer_of_the_users_own():
    layer = Scale(2.0, name="s")
    x = np.array([[1, 2], [3, 4]], np.float32)
    np.testing.assert_array_equal(layer(x), [[2, 4], [6, 8]])
    assert layer.factor.path == "s/factor"
    y, backward = layer.forward(x, training=True)
    np.testing.assert_array_equal(backward(np.ones_like(y)), [[2, 2], [2, 2]])
    np.testing.assert_array_equal(layer.factor.grad, [4, 6])
    assert layer.regularization_loss() == 4.0
    layer.add_regularization_gradients()
    np.testing.assert_array_equal(layer.factor.grad, [6, 8])
    config = layers.serialize(layer)
    assert config["registered_name"] == "Scale"
    again = layers.deserialize(config, custom_objects={"Scale": Scale})
    assert isinstance(again, Scale) and again.start == 2.0
    with pytest.raises(ValueError, match="Could not interpret layer identifier: Scale"):
        layers.deserialize(config)


def test_layer_without_forward():
    with pytest.raises(NotImplementedError, match='Layer "layer" must define forward'):
        Layer()(np.ones((1, 1)))


def test_weights_are_listed_trainable_first():
    layer = Layer()
    for name, trainable in (("count", False), ("kernel", True), ("mean", False), ("bias", True)):
        layer.add_weight(name, (1,), "zeros", trainable=trainable)
    assert [v.name for v in layer.weights] == ["kernel", "bias", "count", "mean"]
    assert [v.name for v in layer.trainable_variables] == ["kernel", "bias"]
    assert [v.name for v in layer.non_trainable_variables] == ["count", "mean"]
    layer.weights[1].trainable = False
    assert [v.name for v in layer.weights] == ["kernel", "bias", "count", "mean"]
    assert [v.name for v in layer.trainable_weights] == ["kernel"]


def test_one_frozen_weight_gets_no_gradient():
    layer = Dense(2)
    layer.build((None, 3))
    layer.kernel.trainable = False
    y, backward = layer.forward(np.ones((1, 3), np.float32), training=True)
    backward(np.ones_like(y))
    assert layer.kernel.grad is None
    np.testing.assert_array_equal(layer.bias.grad, [1, 1])


def test_regularization_counts_trainable_weights_only():
    layer = Dense(2, kernel_regularizer="l2", bias_regularizer=regularizers.L1(1.0))
    layer.build((None, 1))
    layer.set_weights([[[1, 2]], [3, -4]])
    assert layer.regularization_loss() == pytest.approx(0.05 + 7)
    layer.add_regularization_gradients()
    np.testing.assert_allclose(layer.kernel.grad, [[0.02, 0.04]])
    np.testing.assert_array_equal(layer.bias.grad, [1, -1])
    layer.trainable = False
    assert layer.regularization_loss() == 0.0


def test_gradients_add_up():
    layer = Dense(2)
    layer.build((None, 3))
    x = np.ones((4, 3), np.float32)
    for times in (1, 2):
        y, backward = layer.forward(x, training=True)
        backward(np.ones_like(y))
        np.testing.assert_array_equal(layer.bias.grad, [4 * times] * 2)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Dense(2, activation="softmax"), "softmax"),
        (Dense(2), "linear"),
        (Conv2D(2, 1, activation="sigmoid"), "sigmoid"),
        (layers.Activation("tanh"), "tanh"),
        (layers.Activation(layers.ReLU()), "relu"),
        (layers.Softmax(), "softmax"),
        (layers.Softmax(axis=1), None),
        (layers.ReLU(), "relu"),
        (layers.ReLU(max_value=5), None),
        (layers.LeakyReLU(), None),
        (Dense(2, activation=layers.LeakyReLU()), None),
        (layers.Flatten(), "linear"),
    ],
)
def test_without_activation(layer, name):
    assert layer.activation_name == name
    shape = (2, 3, 3, 2)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    y = layer(x)
    bare = layer.without_activation()
    assert bare.activation_name == "linear"
    assert layer.activation_name == name
    assert bare.name == layer.name
    assert all(a is b for a, b in zip(bare.weights, layer.weights, strict=True))
    if name is not None:
        np.testing.assert_array_equal(layers.Activation(name)(bare(x)), y)


def test_softmax_over_one_output_warns():
    with pytest.warns(UserWarning, match=r'Dense "d": softmax over an axis of size 1'):
        Dense(1, activation="softmax", name="d").build((None, 3))


def test_variable():
    variable = Variable([[1, 2]], "kernel", path="conv/kernel")
    assert (variable.shape, variable.dtype, variable.name) == ((1, 2), "float32", "kernel")
    assert repr(variable) == "<Variable path=conv/kernel, shape=(1, 2), dtype=float32>"
    value = variable.value
    variable.assign(np.array([[3, 4]]))
    assert variable.value is value and variable.version == 1
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 5
    variable.edit()[0, 0] = 3
    assert variable.version == 2
    np.testing.assert_array_equal(np.asarray(variable), [[3, 4]])
    assert np.asarray(variable, dtype=np.float64).dtype == np.float64
    assert not np.may_share_memory(variable.numpy(), value)
    with pytest.raises(
        ValueError, match=r"conv/kernel: value must have shape \(1, 2\), got \(2,\)"
    ):
        variable.assign([1, 2])
    with pytest.raises(ValueError, match=r"conv/kernel: gradient must have shape"):
        variable.add_grad(np.ones(2, np.float32))


def test_variable_copies_what_it_is_given():
    given = np.ones(2, np.float32)
    Variable(given).edit()[:] = 5
    assert given[0] == 1
