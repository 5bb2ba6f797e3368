"""The precision contract: errors beside those of one chain of float32 multiply-adds."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from fastconv import config, ops
from fastconv.ops.algorithms import find, plan_conv2d
from fastconv.ops.conv2d import make_problem


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_float32_matmul_precision("highest")


def multiply_add(total, a, b):
    """Return total + a * b, rounded to float32 once: products of float32 are exact in float64."""
    return (total + a.astype(np.float64) * b.astype(np.float64)).astype(np.float32)


def chain(x, kernel, dy):
    """Return y and dkernel of a valid 3x3 convolution, each sum one chain of multiply-adds."""
    _, oh, ow, _ = dy.shape
    y, dkernel = np.zeros_like(dy), np.zeros_like(kernel)
    for i in range(3):
        for j in range(3):
            seen = x[:, i : i + oh, j : j + ow]
            for c in range(x.shape[3]):
                y = multiply_add(y, seen[..., c, None], kernel[i, j, c])
            pixels, grads = seen.reshape(-1, x.shape[3]), dy.reshape(-1, dy.shape[3])
            for pixel, grad in zip(pixels, grads, strict=True):
                dkernel[i, j] = multiply_add(dkernel[i, j], pixel[:, None], grad)
    return y, dkernel


def exact(x, kernel, dy):
    """Return the same in float64."""
    _, oh, ow, _ = dy.shape
    x, kernel, dy = (array.astype(np.float64) for array in (x, kernel, dy))
    y, dkernel = np.zeros(dy.shape), np.zeros(kernel.shape)
    for i in range(3):
        for j in range(3):
            seen = x[:, i : i + oh, j : j + ow]
            y += seen @ kernel[i, j]
            dkernel[i, j] = np.tensordot(seen, dy, ((0, 1, 2), (0, 1, 2)))
    return y, dkernel


def rms(error):
    return np.sqrt(np.mean(error**2))


def numbers(kind, rng, shape):
    values = rng.standard_normal(shape)
    if kind == "positive":
        values = np.maximum(values, 0)
    if kind == "mixed":  # 1e-6 ... 1e6 in one tensor
        values *= 10.0 ** rng.uniform(-6, 6, shape)
    return values.astype(np.float32)


@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
@pytest.mark.parametrize(
    ("size", "C"), [(14, 16), (16, 64), (12, 128), (12, 192), (14, 256), (28, 8), (62, 4)], ids=str
)
def test_errors_are_at_most_those_of_a_chain(each_isa, rng, kind, size, C):
    x = numbers(kind, rng, (1, size, size, C))
    kernel = numbers("normal", rng, (3, 3, C, 8))
    dy = numbers("normal", rng, (1, size - 2, size - 2, 8))
    of_chain = [rms(a - b) for a, b in zip(chain(x, kernel, dy), exact(x, kernel, dy), strict=True)]
    for precision, factor in (("highest", 1.0), ("high", 10.0)):
        with config.float32_matmul_precision(precision):
            ours = ops.conv2d(x, kernel), ops.conv2d_backward_filter(x, dy, kernel.shape)
        for name, result, true, bound in zip(
            ("y", "dkernel"), ours, exact(x, kernel, dy), of_chain, strict=True
        ):
            # Two chains of other orders differ by chance: a tenth more is not a worse method.
            assert rms(result - true) <= 1.1 * factor * bound, (precision, name)


@pytest.mark.parametrize("name", ["winograd2", "winograd3", "winograd4"])
@pytest.mark.parametrize(
    ("window", "stride"),
    [((1, 3), 1), ((3, 1), 1), ((1, 7), 1), ((2, 2), 1), ((5, 5), 1), ((3, 3), 1), ((3, 3), 2)],
    ids=str,
)
@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
def test_tiles_are_as_exact_as_a_chain_where_the_plan_takes_them(
    each_isa, rng, kind, window, stride, name
):
    (KH, KW), size, algorithm = window, 16, find(name)
    shape = (size - 1) * stride + KH, (size - 1) * stride + KW
    for C in (16, 24, 40, 64, 96, 128, 256):
        p = make_problem("test", (1, *shape, C), (KH, KW, C, 8), stride, "valid", 1, 1)
        if algorithm.unsupported_reason(p, "forward"):
            pytest.skip("no tiles for this kernel")
        if algorithm.inaccurate_reason(p, "forward") is None:
            break
    x, kernel = numbers(kind, rng, p.x_shape), numbers("normal", rng, p.kernel_shape)
    links, true = np.zeros(p.y_shape, np.float32), np.zeros(p.y_shape)
    for i in range(KH):
        for j in range(KW):
            seen = x[:, i : i + size * stride : stride, j : j + size * stride : stride]
            true += seen.astype(np.float64) @ kernel[i, j].astype(np.float64)
            for c in range(C):
                links = multiply_add(links, seen[..., c, None], kernel[i, j, c])
    y = ops.conv2d(x, kernel, strides=stride, algorithm=name)
    # So near to the threshold single draws are a little above it, most on CPUs without fused sums.
    assert rms(y - true) <= 1.2 * rms(links - true), C


def chosen(C):
    p = make_problem("test", (1, 30, 30, C), (3, 3, C, 64), 1, "same", 1, 1)
    return plan_conv2d(p, "forward").name


def test_high_takes_larger_tiles_where_highest_may_not():
    assert chosen(48) != "winograd4"
    with config.float32_matmul_precision("high"):
        assert chosen(48) == "winograd4"
        assert config.get_float32_matmul_precision() == "high"
    assert config.get_float32_matmul_precision() == "highest"


def test_setting_is_for_the_process_and_context_for_the_thread():
    seen = []
    with config.float32_matmul_precision("high"):
        thread = threading.Thread(target=lambda: seen.append(config.get_float32_matmul_precision()))
        thread.start()
        thread.join()
    config.set_float32_matmul_precision("medium")
    thread = threading.Thread(target=lambda: seen.append(config.get_float32_matmul_precision()))
    thread.start()
    thread.join()
    assert seen == ["highest", "medium"]


@pytest.mark.parametrize("call", ["set_float32_matmul_precision", "float32_matmul_precision"])
def test_unknown_precision(call):
    with pytest.raises(
        ValueError, match=r'precision must be one of.*got "hihg".*Did you mean "high"'
    ):
        entered = getattr(config, call)("hihg")
        with entered:
            pass
