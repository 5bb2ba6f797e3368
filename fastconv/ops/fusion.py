"""Which activations run inside the store of a convolution or matrix product."""

from __future__ import annotations

#: Codes of csrc/gemm/tile.h; other activations take a pass of their own.
_CODES = {None: 0, "linear": 0, "relu": 1}


def fused_code(activation: str | None) -> int | None:
    """Return the code that the register tile knows `activation` by, or None."""
    return _CODES.get(activation)
