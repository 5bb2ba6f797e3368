"""The same bits from run to run, for any number of threads, and for any batch size."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config, ops

from .. import programs
from .compare import assert_same_bits
from .every_op import every_op
from .problems import DIRECTIONS, Conv, cases, data

#: Large enough for several threads, and no multiple of anything.
LARGE_SIZES = {"N": 33, "H": 27, "W": 26, "C": 18, "F": 34}
LARGE = every_op(**LARGE_SIZES)
#: The same for N = 1, where only pixels and channels can be shared between threads.
ONE_IMAGE = every_op(N=1, H=61, W=67, C=20, F=66)

CONVS = [
    Conv("first layer", (32, 28, 28, 1), (3, 3, 1, 32)),
    Conv("middle", (9, 15, 14, 32), (3, 3, 32, 65), padding="same"),
    Conv("one image", (1, 56, 57, 24), (3, 3, 24, 33), padding="same"),
    Conv("deep", (3, 7, 7, 300), (3, 3, 300, 40), padding="same"),
    Conv("few pixels", (1, 4, 4, 256), (3, 3, 256, 200), padding="same"),
    Conv("1x1", (5, 14, 14, 130), (1, 1, 130, 96)),
    Conv("strided", (7, 29, 30, 16), (3, 3, 16, 48), (2, 2), "same"),
    Conv("dilated groups", (5, 19, 18, 24), (3, 3, 12, 32), padding="same", dilation=(2, 2),
         groups=2),
]  # fmt: skip


@pytest.fixture
def threads():
    """A function that sets the number of threads; the count is put back afterwards."""
    before = config.get_num_threads()
    yield config.set_num_threads
    config.set_num_threads(before)


@pytest.mark.parametrize("calls", [LARGE, ONE_IMAGE], ids=["batch", "one image"])
@pytest.mark.parametrize("name", LARGE)
def test_bits_do_not_depend_on_the_thread_count(each_isa, threads, name, calls):
    threads(1)
    expected = calls[name]()
    for count in (1, 2, 3, 2):
        threads(count)
        assert_same_bits(calls[name](), expected, f"{name} with {count} threads on {each_isa}")


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(DIRECTIONS, CONVS))
def test_conv2d_bits_do_not_depend_on_the_thread_count(
    each_isa, threads, problem, direction, algorithm
):
    results = []
    for count in (1, 2, 3):
        threads(count)
        results.append(DIRECTIONS[direction](ops, data(problem), problem, algorithm=algorithm))
    assert_same_bits(results[1], results[0], "2 threads")
    assert_same_bits(results[2], results[0], "3 threads")


#: Ops in which images, or rows, do not meet; the arrays that have a batch axis.
BATCHED = {
    "conv2d": ("x",),
    "conv2d strided": ("x",),
    "conv2d grouped": ("x",),
    "depthwise_conv2d": ("x",),
    "max_pool2d": ("x",),
    "average_pool2d": ("x",),
    "global_average_pool2d": ("x",),
    "global_max_pool2d": ("x",),
    "conv1d": ("x",),
    "conv3d": ("x",),
    "conv_transpose": ("x",),
    "depthwise_conv1d": ("x",),
    "adaptive_average_pool": ("x",),
    "adaptive_max_pool": ("x",),
    "max_pool": ("x",),
    "average_pool": ("x",),
    "resize": ("x",),
    "upsample": ("x",),
    "im2col": ("x",),
    "dense": ("x",),
    "softmax": ("x",),
    "log_softmax": ("x",),
    "sparsemax": ("x",),
    "normalize_groups": ("x",),
    "activation tanh": ("x",),
    "batch_norm": ("x",),
    "softmax_cross_entropy": ("logits", "labels", "weights"),
    "sigmoid_cross_entropy": ("logits", "labels", "weights"),
}


@pytest.mark.parametrize("name", BATCHED)
def test_bits_do_not_depend_on_the_batch_size(each_isa, name):
    """predict(x)[i] is predict(x[i : i + 1])[0], for slices of 1, 7 and 32 images."""
    call = LARGE[name]
    whole = call()
    whole = whole if isinstance(whole, tuple) else (whole,)
    N = len(call.arrays[BATCHED[name][0]])
    for n in (1, 7, 32):
        for start in (0, 3, N - n):
            part = slice(start, start + n)
            result = call(**{key: call.arrays[key][part] for key in BATCHED[name]})
            result = result if isinstance(result, tuple) else (result,)
            rows = [slice(part.start * len(w) // N, part.stop * len(w) // N) for w in whole]
            expected = tuple(w[r] for w, r in zip(whole, rows, strict=True))
            assert_same_bits(result, expected, f"{name}[{start}:{start + n}] on {each_isa}")


@pytest.mark.parametrize(
    ("problem", "direction", "algorithm"), cases(["forward", "backward_input"], CONVS)
)
def test_conv2d_bits_do_not_depend_on_the_batch_size(each_isa, problem, direction, algorithm):
    arrays = data(problem)
    whole = DIRECTIONS[direction](ops, arrays, problem, algorithm=algorithm)
    for n in (1, 7):
        if n <= len(arrays.x):
            smaller = problem._replace(x=(n, *problem.x[1:]))
            part = arrays._replace(x=arrays.x[-n:], dy=arrays.dy[-n:])
            result = DIRECTIONS[direction](ops, part, smaller, algorithm=algorithm)
            assert_same_bits(result, whole[-n:], f"the last {n} images on {each_isa}")


@pytest.mark.parametrize("dense", [(1, 10), (64, 10), (784, 128), (300, 1), (1000, 17)], ids=str)
def test_dense_bits_do_not_depend_on_the_batch_size(each_isa, rng, dense):
    x = rng.standard_normal((70, dense[0])).astype(np.float32)
    kernel = rng.standard_normal(dense).astype(np.float32)
    whole = ops.dense(x, kernel)
    for n in (1, 2, 5, 8, 13, 32, 64):
        assert_same_bits(ops.dense(x[-n:].copy(), kernel), whole[-n:], f"{n} rows on {each_isa}")


@pytest.mark.parametrize("name", LARGE)
def test_bits_do_not_depend_on_the_alignment_of_the_inputs(each_isa, name):
    """Loops must not peel elements up to an aligned address: that would change the sums."""
    call = every_op()[name]
    expected = call()
    for offset in (1, 2, 3, 5, 9):
        moved = {}
        for key, array in call.arrays.items():
            memory = np.empty(array.size + offset, array.dtype)[offset:]
            moved[key] = memory.reshape(array.shape)
            moved[key][...] = array
        assert_same_bits(call(**moved), expected, f"{name}, {offset} elements further")


def test_repeated_runs_give_the_same_bits(each_isa):
    for name, call in every_op().items():
        expected = call()
        for _ in range(3):
            assert_same_bits(call(), expected, name)


PRINT_DIGEST = f"""
import hashlib
from tests.ops.every_op import every_op
digest = hashlib.sha256()
for name, call in every_op(**{LARGE_SIZES}).items():
    result = call()
    for part in result if isinstance(result, tuple) else (result,):
        digest.update(getattr(part, "tobytes", repr(part).encode)())
print(digest.hexdigest())
"""


def test_processes_with_other_thread_counts_give_the_same_bits():
    digests = {
        programs.run("-c", PRINT_DIGEST, FASTCONV_NUM_THREADS=count, OMP_NUM_THREADS=count)
        for count in ("1", "2", "2")
    }
    assert len(digests) == 1
