"""The precision contract: errors beside those of one chain of float32 multiply-adds."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest

from fastconv import config, ops
from fastconv.ops.algorithms import find, plan_conv2d
from fastconv.ops.conv2d import make_problem

from .chains import chain, numbers, rms


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_float32_matmul_precision("highest")


#: What each direction computes from x, kernel and dy.
COMPUTE = {
    "forward": lambda x, kernel, dy, **options: ops.conv2d(x, kernel, **options),
    "backward_input": lambda x, kernel, dy, **options: ops.conv2d_backward_input(
        dy, kernel, x.shape, **options
    ),
    "backward_filter": lambda x, kernel, dy, **options: ops.conv2d_backward_filter(
        x, dy, kernel.shape, **options
    ),
}


def draw(kind, seed, direction, x_shape, kernel_shape, stride=1):
    """Return x, kernel and dy of a valid convolution; of another kind is what is not the kernel."""
    rng = np.random.default_rng(seed)
    (N, H, W, _), (KH, KW, _, F) = x_shape, kernel_shape
    y_shape = N, (H - KH) // stride + 1, (W - KW) // stride + 1, F
    dy_kind = kind if direction == "backward_input" else "normal"
    return (
        numbers(kind, rng, x_shape),
        numbers("normal", rng, kernel_shape),
        numbers(dy_kind, rng, y_shape),
    )


@functools.lru_cache(maxsize=4096)
def chains(kind, count, direction, x_shape, kernel_shape, stride=1):
    """Return the chains of so many draws: they are the same for all instruction sets."""
    arrays = (kind, direction, x_shape, kernel_shape, stride)
    return [chain(direction, *draw(kind, seed, *arrays[1:]), stride) for seed in range(count)]


def excess(kind, count, direction, x_shape, kernel_shape, stride=1, **options):
    """Return the rms error in units of that of a chain, the geometric mean of some draws."""
    ratios = []
    for seed, links in enumerate(chains(kind, count, direction, x_shape, kernel_shape, stride)):
        arrays = draw(kind, seed, direction, x_shape, kernel_shape, stride)
        result = COMPUTE[direction](*arrays, strides=stride, **options)
        ratios.append(rms(result - links.exact) / links.error)
    return np.exp(np.mean(np.log(ratios)))


#: Two chains of other orders differ by chance: a tenth more is not a worse method.
CHANCE = 1.1


@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
@pytest.mark.parametrize("direction", COMPUTE)
@pytest.mark.parametrize(
    ("size", "C"), [(14, 16), (16, 64), (12, 128), (12, 192), (14, 256), (28, 8), (62, 4)], ids=str
)
def test_errors_are_at_most_those_of_a_chain(each_isa, kind, direction, size, C):
    channels = (8, C) if direction == "backward_input" else (C, 8)
    shapes = (1, size, size, channels[0]), (3, 3, *channels)
    for precision, factor in (("highest", 1.0), ("high", 10.0)):
        with config.float32_matmul_precision(precision):
            assert excess(kind, 1, direction, *shapes) <= CHANCE * factor, precision


TILED = ["winograd2", "winograd3", "winograd4"]
WINDOWS = [
    ((1, 2), 1), ((1, 3), 1), ((3, 1), 1), ((1, 7), 1), ((7, 1), 1), ((2, 2), 1), ((3, 3), 1),
    ((5, 5), 1), ((3, 3), 2),
]  # fmt: skip


def where_first_taken(algorithm, direction, window, stride):
    """Return shapes of x and kernel with the fewest products that "highest" allows."""
    (KH, KW), few = window, 8
    for n in (*range(1, 16), *range(16, 400, 4)):
        # Summed are channels, or for dkernel pixels.
        C, F, OH, OW = n, few, 16, 16
        if direction == "backward_input":
            C, F = F, C
        if direction == "backward_filter":
            C, OH, OW = few, n, 24
        x_shape = (1, (OH - 1) * stride + KH, (OW - 1) * stride + KW, C)
        p = make_problem("test", x_shape, (KH, KW, C, F), stride, "valid", 1, 1)
        if algorithm.unsupported_reason(p, direction):
            break
        reason = algorithm.inaccurate_reason(p, direction)
        if reason is None or "less accurate" not in reason:  # it may be slow on this CPU
            return x_shape, p.kernel_shape
    return None


@pytest.mark.parametrize("name", [*TILED, *(f"split_{name}" for name in TILED), "split"])
@pytest.mark.parametrize("direction", COMPUTE)
@pytest.mark.parametrize(("window", "stride"), WINDOWS, ids=str)
@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
def test_algorithms_are_as_exact_as_a_chain_where_the_plan_takes_them(
    each_isa, kind, window, stride, direction, name
):
    shapes = where_first_taken(find(name), direction, window, stride)
    if shapes is None:
        pytest.skip("no tiles for it")
    assert excess(kind, 8, direction, *shapes, stride, algorithm=name) <= CHANCE, shapes


def chosen(C):
    p = make_problem("test", (1, 32, 32, C), (3, 3, C, 64), 1, "same", 1, 1)
    return plan_conv2d(p, "forward").name


def test_high_takes_larger_tiles_where_highest_may_not():
    larger = {"winograd4", "split_winograd4"}
    assert chosen(48) not in larger
    with config.float32_matmul_precision("high"):
        assert chosen(48) in larger
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
