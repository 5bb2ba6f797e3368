r"""How fast fastconv is, next to the other libraries on the same machine.

::

    bench_conv2d   bench_gemm        bench_training      one question per program
          \            |                  |
           kernels_suite (time, error)     |             a table row per problem and direction
                 |      \                 |
                 |      truth              |             float64 results to compare with
                 |                         |
                 workers (parent side: one process per library, interleaved in rounds)
                    |  JSON lines over pipes
                 serve   (child side) -> peers/{conv2d,gemm,training}.py

`problems` names what is measured, `inputs` makes the data, `common` knows the machine and the
command line, `report` prints. A child process imports its own library only, never a second one.
"""
