"""What ops do with arrays of other layouts and types, and what they say about wrong ones."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastconv import ops

from .compare import assert_same_bits
from .every_op import every_op, float_arguments

ARGUMENTS = float_arguments()


def unaligned(array):
    """Return a copy that starts at an odd address."""
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def strided(array):
    """Return a copy in which every second element of the last axis is someone else's."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "negative strides": lambda array: np.flip(np.flip(array).copy()),
    "read-only": read_only,
    "big-endian": lambda array: array.astype(">f4"),
    "float64": lambda array: array.astype(np.float64),
    "unaligned": unaligned,
    "memory-mapped subclass": lambda array: array.copy().view(np.memmap),
    "list": lambda array: array.tolist(),
}


def test_every_op_is_tried():
    tried = {name.split()[0] for name in every_op(N=1)}
    others = {
        "ACTIVATIONS",
        "Activation",
        "PackedKernel",
        "RowSource",
        "Rows",
        "Updates",
        "as_classes",
        "bind_updates",
    }
    others |= {
        "as_classes",
        "bind_updates",
        "activation_needs_input",
        "explain_conv2d",
        "make_activation",
    }
    assert set(ops.__all__) - tried == others


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_any_layout_gives_the_same_answer_and_is_not_modified(name, argument, layout):
    call = every_op()[name]
    expected = call()
    given = LAYOUTS[layout](call.arrays[argument])
    before = np.array(given)
    assert_same_bits(call(**{argument: given}), expected, f"{name} {argument} {layout}")
    np.testing.assert_array_equal(np.array(given), before)


@pytest.mark.parametrize("name", every_op(N=1))
def test_no_op_writes_into_its_arguments(name):
    call = every_op()[name]
    before = {argument: array.copy() for argument, array in call.arrays.items()}
    result = call()
    for argument, array in call.arrays.items():
        np.testing.assert_array_equal(array, before[argument], argument)
        for part in result if isinstance(result, tuple) else (result,):
            assert not np.shares_memory(part, array), argument


@pytest.mark.parametrize("argument", ["x", "kernel"])
def test_broadcast_views_are_read_as_what_they_show(argument):
    call = every_op()["conv2d"]
    shown = np.broadcast_to(call.arrays[argument][..., :1, :1], call.arrays[argument].shape)
    assert_same_bits(call(**{argument: shown}), call(**{argument: shown.copy()}))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.float16])
def test_integers_and_booleans_are_cast(dtype):
    call = every_op()["conv2d"]
    x = (call.arrays["x"] > 0).astype(dtype)
    assert_same_bits(call(x=x), call(x=x.astype(np.float32)))


@pytest.mark.parametrize("dtype", [np.complex64, object])
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_other_types_are_refused(name, argument, dtype):
    call = every_op()[name]
    wrong = np.zeros(call.arrays[argument].shape, dtype)
    op = name.split()[0]
    with pytest.raises(TypeError, match=rf"{argument} .*must .*got") as caught:
        if op.endswith("_step") and argument != "g":
            direct_step(op, call, argument, wrong)
        else:
            call(**{argument: wrong})
    check_message(caught.value)


def direct_step(op, call, argument, wrong):
    """Call an optimiser step without the wrapper that copies its arguments."""
    options = {
        "sgd_step": {"learning_rate": 0.1},
        "adam_step": {"alpha": 0.1, "beta_1": 0.9, "beta_2": 0.9, "epsilon": 1e-7},
        "rmsprop_step": {"learning_rate": 0.1, "rho": 0.9, "epsilon": 1e-7},
    }
    getattr(ops, op)(**{**call.arrays, argument: wrong}, **options[op])


def test_ragged_images_are_explained():
    images = np.empty(2, object)
    images[0], images[1] = f32(3, 3, 1), f32(4, 3, 1)
    with pytest.raises(TypeError, match=r"conv2d: x must.*object.*ragged"):
        ops.conv2d(images, f32(1, 1, 1, 1))


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "V4"])
def test_things_that_are_not_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match=r"conv2d: x must hold real numbers, got dtype"):
        ops.conv2d(np.zeros((1, 3, 3, 1), dtype), f32(1, 1, 1, 1))


def check_message(error):
    """A message is one short line that says where, and never shows what an array holds."""
    message = str(error)
    assert re.match(r"[A-Za-z0-9_.]+: ", message), message
    assert "\n" not in message
    assert len(message) < 400
    assert "array(" not in message


def f32(*shape):
    return np.zeros(shape, np.float32)


X, KERNEL = f32(2, 8, 8, 4), f32(3, 3, 4, 6)
DY = f32(2, 6, 6, 6)
DEPTHWISE = f32(3, 3, 4, 2)

#: what: (call, type of the error, what its message says)
WRONG = {
    "conv2d x rank": (
        lambda: ops.conv2d(f32(28, 28), KERNEL), ValueError, r"conv2d: x must.*\(28, 28\)"),
    "conv2d kernel rank": (
        lambda: ops.conv2d(X, f32(3, 3, 4)), ValueError, r"conv2d: kernel must.*\(3, 3, 4\)"),
    "conv2d channels": (
        lambda: ops.conv2d(X, f32(3, 3, 5, 6)), ValueError,
        r"conv2d: x has C=4 but kernel \(3, 3, 5, 6\) with groups=1 needs C=5"),
    "conv2d channels of groups": (
        lambda: ops.conv2d(X, KERNEL, groups=2), ValueError,
        r"conv2d: x has C=4 but kernel \(3, 3, 4, 6\) with groups=2 needs C=8"),
    "conv2d filters of groups": (
        lambda: ops.conv2d(X, f32(3, 3, 1, 6), groups=4), ValueError,
        r"conv2d: .*divisible by groups.*6.*groups=4"),
    "conv2d groups": (
        lambda: ops.conv2d(X, KERNEL, groups=0), ValueError, r"conv2d: groups must.*got 0"),
    "conv2d bias": (
        lambda: ops.conv2d(X, KERNEL, f32(5)), ValueError, r"conv2d: bias must.*6.*got.*\(5,\)"),
    "conv2d padding word": (
        lambda: ops.conv2d(X, KERNEL, padding="SAMEE"), ValueError,
        r'conv2d: padding must be.*"valid".*"same".*got.*(?i:samee)'),
    "conv2d padding number": (
        lambda: ops.conv2d(X, KERNEL, padding=1), ValueError, r"conv2d: padding must.*got 1"),
    "conv2d padding negative": (
        lambda: ops.conv2d(X, KERNEL, padding=((-1, 0), (0, 0))), ValueError,
        r"conv2d: padding must.*got \(\(-1, 0\), \(0, 0\)\)"),
    "conv2d strides": (
        lambda: ops.conv2d(X, KERNEL, strides=0), ValueError, r"conv2d: strides must.*got 0"),
    "conv2d strides length": (
        lambda: ops.conv2d(X, KERNEL, strides=(1, 1, 1)), ValueError,
        r"conv2d: strides must.*got \(1, 1, 1\)"),
    "conv2d strides type": (
        lambda: ops.conv2d(X, KERNEL, strides=1.5), TypeError, r"conv2d: strides must.*got 1.5"),
    "conv2d strides that were seen as an integer before": (
        lambda: [ops.conv2d(X, KERNEL, strides=s) for s in (2, 2.0)], TypeError,
        r"conv2d: strides must.*got 2.0"),
    "conv2d dilation": (
        lambda: ops.conv2d(X, KERNEL, dilation=(1, 0)), ValueError, r"conv2d: dilation must.*got"),
    "conv2d empty output": (
        lambda: ops.conv2d(f32(1, 2, 8, 4), KERNEL), ValueError,
        r"conv2d: empty output: H=2.*less than the dilated.*3"),
    "conv2d empty output, dilated": (
        lambda: ops.conv2d(X, KERNEL, dilation=(1, 4)), ValueError,
        r"conv2d: empty output: W=8.*less than the dilated.*9"),
    "conv2d algorithm": (
        lambda: ops.conv2d(X, KERNEL, algorithm="direkt"), ValueError,
        r'conv2d: algorithm must.*got "direkt".*Did you mean "direct"'),
    "conv2d activation": (
        lambda: ops.conv2d(X, KERNEL, activation="relux"), ValueError,
        r'activation.* must.*got "relux".*Did you mean "relu"'),
    "conv2d_backward_input dy": (
        lambda: ops.conv2d_backward_input(f32(2, 6, 7, 6), KERNEL, X.shape), ValueError,
        r"conv2d_backward_input: dy must.*\(2, 6, 6, 6\).*got.*\(2, 6, 7, 6\)"),
    "conv2d_backward_input dy filters": (
        lambda: ops.conv2d_backward_input(f32(2, 6, 6, 5), KERNEL, X.shape), ValueError,
        r"conv2d_backward_input: dy must.*\(2, 6, 6, 6\).*got.*\(2, 6, 6, 5\)"),
    "conv2d_backward_input shape": (
        lambda: ops.conv2d_backward_input(DY, KERNEL, (2, 8, 8)), ValueError,
        r"conv2d_backward_input: .* must.*got \(2, 8, 8\)"),
    "conv2d_backward_filter dy": (
        lambda: ops.conv2d_backward_filter(X, f32(3, 6, 6, 6), KERNEL.shape), ValueError,
        r"conv2d_backward_filter: dy must.*\(2, 6, 6, 6\).*got.*\(3, 6, 6, 6\)"),
    "conv2d_backward_filter shape": (
        lambda: ops.conv2d_backward_filter(X, DY, (3, 3, 5, 6)), ValueError,
        r"conv2d_backward_filter: x has C=4 but kernel \(3, 3, 5, 6\)"),
    "depthwise_conv2d channels": (
        lambda: ops.depthwise_conv2d(X, f32(3, 3, 5, 1)), ValueError,
        r"depthwise_conv2d: x has C=4 but kernel \(3, 3, 5, 1\)"),
    "depthwise_conv2d x rank": (
        lambda: ops.depthwise_conv2d(f32(8, 8, 4), DEPTHWISE), ValueError,
        r"depthwise_conv2d: x must.*\(8, 8, 4\)"),
    "depthwise_conv2d bias": (
        lambda: ops.depthwise_conv2d(X, DEPTHWISE, f32(4)), ValueError,
        r"depthwise_conv2d: bias must.*8.*got.*\(4,\)"),
    "depthwise_conv2d empty output": (
        lambda: ops.depthwise_conv2d(f32(1, 8, 2, 4), DEPTHWISE), ValueError,
        r"depthwise_conv2d: empty output: W=2"),
    "depthwise_conv2d_backward_input dy": (
        lambda: ops.depthwise_conv2d_backward_input(f32(2, 6, 6, 4), DEPTHWISE, X.shape),
        ValueError,
        r"depthwise_conv2d_backward_input: dy must.*\(2, 6, 6, 8\).*got.*\(2, 6, 6, 4\)"),
    "depthwise_conv2d_backward_filter dy": (
        lambda: ops.depthwise_conv2d_backward_filter(X, f32(2, 5, 6, 8), DEPTHWISE.shape),
        ValueError,
        r"depthwise_conv2d_backward_filter: dy must.*\(2, 6, 6, 8\).*got.*\(2, 5, 6, 8\)"),
    "max_pool2d x rank": (
        lambda: ops.max_pool2d(f32(8, 8, 4)), ValueError, r"max_pool2d: x must.*\(8, 8, 4\)"),
    "max_pool2d window": (
        lambda: ops.max_pool2d(X, 9), ValueError, r"max_pool2d: empty output: H=8.*9"),
    "max_pool2d pool_size": (
        lambda: ops.max_pool2d(X, (2, 0)), ValueError, r"max_pool2d: pool_size must.*got"),
    "max_pool2d padding": (
        lambda: ops.max_pool2d(X, padding="foo"), ValueError,
        r'max_pool2d: padding must be.*"valid".*"same".*got.*foo'),
    "max_pool2d_backward dy": (
        lambda: ops.max_pool2d_backward(f32(2, 3, 4, 4), np.zeros((2, 4, 4, 4), "i4"), X.shape),
        ValueError, r"max_pool2d_backward: dy must.*\(2, 4, 4, 4\).*got.*\(2, 3, 4, 4\)"),
    "max_pool2d_backward argmax": (
        lambda: ops.max_pool2d_backward(f32(2, 4, 4, 4), np.zeros((2, 4, 4, 3), "i4"), X.shape),
        ValueError, r"max_pool2d_backward: argmax must.*\(2, 4, 4, 4\).*got.*\(2, 4, 4, 3\)"),
    "average_pool2d x rank": (
        lambda: ops.average_pool2d(f32(8, 8)), ValueError, r"average_pool2d: x must.*\(8, 8\)"),
    "average_pool2d window": (
        lambda: ops.average_pool2d(X, (2, 9)), ValueError,
        r"average_pool2d: empty output: W=8.*9"),
    "average_pool2d_backward dy": (
        lambda: ops.average_pool2d_backward(f32(2, 4, 5, 4), X.shape), ValueError,
        r"average_pool2d_backward: dy must.*\(2, 4, 4, 4\).*got.*\(2, 4, 5, 4\)"),
    "global_average_pool2d x rank": (
        lambda: ops.global_average_pool2d(f32(2, 4)), ValueError,
        r"global_average_pool2d: x must.*\(2, 4\)"),
    "global_max_pool2d x rank": (
        lambda: ops.global_max_pool2d(f32(2, 4, 4)), ValueError,
        r"global_max_pool2d: x must.*\(2, 4, 4\)"),
    "zero_pad2d padding": (
        lambda: ops.zero_pad2d(X, ((1, 1), (1, -1))), ValueError, r"zero_pad2d: padding must.*got"),
    "im2col x rank": (
        lambda: ops.im2col(f32(8, 8, 4), 3), ValueError, r"im2col: x must.*\(8, 8, 4\)"),
    "dense sizes": (
        lambda: ops.dense(f32(2, 5), f32(4, 3)), ValueError, r"dense: x.*5.*kernel \(4, 3\)"),
    "dense kernel rank": (
        lambda: ops.dense(f32(2, 5), f32(5)), ValueError, r"dense: kernel must.*\(5,\)"),
    "dense bias": (
        lambda: ops.dense(f32(2, 5), f32(5, 3), f32(4)), ValueError,
        r"dense: bias must.*3.*got.*\(4,\)"),
    "dense_backward_input dy": (
        lambda: ops.dense_backward_input(f32(2, 4), f32(5, 3)), ValueError,
        r"dense_backward_input: dy.*4.*kernel \(5, 3\)"),
    "dense_backward_filter rows": (
        lambda: ops.dense_backward_filter(f32(2, 5), f32(3, 4)), ValueError,
        r"dense_backward_filter: .*dy.*\(3, 4\).*must"),
    "matmul sizes": (
        lambda: ops.matmul(f32(2, 5), f32(4, 3)), ValueError, r"matmul: .*\(2, 5\).*\(4, 3\)"),
    "softmax_cross_entropy labels": (
        lambda: ops.softmax_cross_entropy(f32(4, 3), f32(4, 2)), ValueError,
        r"softmax_cross_entropy: labels must.*\(4, 3\).*got.*\(4, 2\)"),
    "softmax_cross_entropy integers": (
        lambda: ops.softmax_cross_entropy(f32(4, 3), np.zeros(5, np.int64)), ValueError,
        r"softmax_cross_entropy: .*labels.*\(4, 3\)"),
    "softmax_cross_entropy weights": (
        lambda: ops.softmax_cross_entropy(f32(4, 3), np.zeros(4, np.int64), f32(3)), ValueError,
        r"softmax_cross_entropy: weights must.*\(4,\).*got.*\(3,\)"),
    "sigmoid_cross_entropy labels": (
        lambda: ops.sigmoid_cross_entropy(f32(4, 3), f32(4, 1)), ValueError,
        r"sigmoid_cross_entropy: labels must.*\(4, 3\).*got.*\(4, 1\)"),
    "batch_norm gamma": (
        lambda: ops.batch_norm(X, f32(3), f32(4), f32(4), f32(4)), ValueError,
        r"batch_norm: gamma must.*\(4,\).*got.*\(3,\)"),
    "batch_norm mean": (
        lambda: ops.batch_norm(X, None, None, f32(1), f32(4)), ValueError,
        r"batch_norm: mean must.*\(4,\).*got.*\(1,\)"),
    "batch_norm_train beta": (
        lambda: ops.batch_norm_train(X, None, f32(5)), ValueError,
        r"batch_norm_train: beta must.*\(4,\).*got.*\(5,\)"),
    "batch_norm_backward dy": (
        lambda: ops.batch_norm_backward(f32(2, 8, 7, 4), X, f32(4), f32(4), f32(4)), ValueError,
        r"batch_norm_backward: dy must.*\(2, 8, 8, 4\).*got.*\(2, 8, 7, 4\)"),
    "activation_backward dy": (
        lambda: ops.activation_backward(f32(3), None, f32(4), "relu"), ValueError,
        r"backward: dy must.*\(4,\).*got.*\(3,\)"),
    "leaky_relu_backward dy": (
        lambda: ops.leaky_relu_backward(f32(3), f32(4)), ValueError,
        r"leaky_relu_backward: dy must.*\(4,\).*got.*\(3,\)"),
    "dropout rate": (
        lambda: ops.dropout(X, 1.5, 0), ValueError, r"dropout: rate must.*got 1.5"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_explained(what):
    call, error, message = WRONG[what]
    with pytest.raises(error, match=message) as caught:
        call()
    check_message(caught.value)
