"""Memory of the ops: nothing leaks, second calls cost nothing, workspaces stay small.

Each test runs its program in a new process, where the peak of the resident set means something.
"""

from __future__ import annotations

import sys

import pytest

from .. import programs

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads the resident set from /proc"
)

MB = 1 << 20

PRELUDE = """
import numpy as np
from fastconv import ops
from tests.ops.every_op import every_op

def status(field):
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return int(line.split()[1]) * 1024  # the file counts in kB

def resident():
    return status("VmRSS")

def peak():
    return status("VmHWM")

def zeros(*shape):
    x = np.empty(shape, np.float32)
    x.fill(0)  # touch the pages
    return x
"""


def run(program, isa):
    """Run a program that prints one number of bytes, and return it."""
    # Without the heap's thresholds moving, what is freed goes back to the system.
    thresholds = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    return int(programs.run("-c", PRELUDE + program, FASTCONV_ISA=isa, **thresholds))


def test_second_call_of_the_same_shapes_costs_nothing(each_isa):
    grown = run(
        """
calls = every_op(N=8, H=28, W=28, C=16, F=32).values()
for _ in range(3):  # which thread touches its share of the workspace first is chance
    for call in calls:
        call()
before = resident()
for _ in range(20):
    for call in calls:
        call()
print(resident() - before)
""",
        each_isa,
    )
    assert grown < 4 * MB  # one leaked result a round would be more


def test_many_shapes_do_not_leak(each_isa):
    """Caches of plans and packed weights may hold some shapes, but not every one ever seen."""
    grown = run(
        """
def visit(width):
    for i in reversed(range(50)):
        x, kernel = zeros(4, 20 + i, width, 16), zeros(3, 3, 16, 16 + i)
        y = ops.conv2d(x, kernel, padding="same")
        ops.conv2d_backward_input(y, kernel, x.shape, padding="same")
        ops.conv2d_backward_filter(x, y, kernel.shape, padding="same")
        rows, matrix = zeros(64, 100 + i), zeros(100 + i, 2048)  # the matrix takes 1 MB
        ops.dense_backward_input(ops.dense(rows, matrix), matrix)
        ops.max_pool2d(x)

visit(40)
before = resident()
visit(39)
print(resident() - before)
""",
        each_isa,
    )
    assert grown < 8 * MB


#: The unfolded matrix of this problem would take 4 * 128 * 128 * 9 * 128 floats: 302 MB.
UNFOLDED = """
x, kernel, y = zeros(4, 128, 128, 128), zeros(3, 3, 128, 16), zeros(4, 128, 128, 16)
call = {
    "forward": lambda algorithm: ops.conv2d(x, kernel, padding="same", algorithm=algorithm),
    "backward_input": lambda algorithm: ops.conv2d_backward_input(
        y, kernel, x.shape, padding="same", algorithm=algorithm),
    "backward_filter": lambda algorithm: ops.conv2d_backward_filter(
        x, y, kernel.shape, padding="same", algorithm=algorithm),
}[%r]
before = peak()
result = call(%r)
print(peak() - before - result.nbytes)
"""


@pytest.mark.parametrize("algorithm", ["auto", "im2col"])
@pytest.mark.parametrize("direction", ["forward", "backward_input", "backward_filter"])
def test_workspace_of_im2col_is_bounded(each_isa, direction, algorithm):
    assert run(UNFOLDED % (direction, algorithm), each_isa) < 64 * MB


def test_result_is_freed_with_its_last_reference(each_isa):
    left = run(
        """
x, kernel = zeros(8, 64, 64, 32), zeros(3, 3, 32, 64)
ops.conv2d(x, kernel)
before = resident()
results = [ops.conv2d(x, kernel) for _ in range(4)]
assert resident() - before > 4 * 7_000_000
del results
print(resident() - before)
""",
        each_isa,
    )
    assert left < 2 * MB
