"""Time a saved model, instruction by instruction.

    python -m fastconv.profile model.keras
    python -m fastconv.profile model.keras --batch 32 --size 224 224 --threads 1

Random images go through it. `--size` gives the sizes that the model leaves open.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(
        "python -m fastconv.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a .keras or .h5 file")
    parser.add_argument("--batch", type=int, default=1, help="samples (1)")
    parser.add_argument("--size", type=int, nargs="*", default=[], help="sizes left open")
    parser.add_argument("--threads", type=int, help="number of threads")
    options = parser.parse_args(argv)

    import numpy as np

    from . import config
    from .saving import load_model

    if options.threads is not None:
        config.set_num_threads(options.threads)
    model = load_model(options.model, compile=False)
    open_sizes = list(options.size)
    inputs = []
    for tensor in model.inputs:
        shape = [options.batch]
        for size in tensor.shape[1:]:
            if size is None and not open_sizes:
                parser.error(f"the model takes {tensor.shape}: give the open sizes with --size")
            shape.append(open_sizes.pop(0) if size is None else size)
        inputs.append(np.random.default_rng(0).random(shape, dtype=np.float32))
    model.profile(inputs[0] if len(inputs) == 1 else inputs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
