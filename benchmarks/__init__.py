r"""How fast fastconv is, next to the other libraries on the same machine.

::

    bench_conv2d   bench_gemm     bench_training   bench_inference   one question per program
          \            |                  |            |
           kernels_suite (time, error)    networks_suite             a row per problem or library
                 |      \                 |
                 |      truth              |                          float64 results
                 |                         |
                 workers (parent side: one process per library, interleaved in rounds)
                    |  JSON lines over pipes
                 serve   (child side) -> peers/{conv2d,gemm,training,inference}.py -> networks/

`problems` names what is measured, `inputs` makes the data, `common` knows the machine and the
command line, `report` prints; `table` makes Markdown of what the programs wrote with --json. A
child process imports its own library only, never a second one. `plan_regret` and `fit_costs` time
the `candidates` of fastconv's plan, to judge it and to find its constants. `step_overhead` and
`first_step` look into `fit`: what Python costs there, and what its first step waits for.
"""

import os
import sys

# No pathlib: the time that libraries need to start would have its loading in it.
_ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# Where kernels are not built in place, the installed fastconv is measured, not the source tree.
if not any(name.endswith(".so") for name in os.listdir(f"{_ROOT}/fastconv/kernels")):
    sys.path[:] = [path for path in sys.path if os.path.realpath(path or ".") != _ROOT]
