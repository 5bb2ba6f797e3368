"""Which activations run inside the store of a convolution or matrix product."""

from __future__ import annotations

#: Codes of csrc/gemm/tile.h; other activations take a pass of their own.
_CODES = {None: 0, "linear": 0, "relu": 1}


def split_activation(activation: str | None) -> tuple[int, str | None]:
    """Return the code for the store, and the activation that is left to apply (or None)."""
    code = _CODES.get(activation)
    return (0, activation) if code is None else (code, None)
