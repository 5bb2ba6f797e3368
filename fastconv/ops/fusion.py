"""Which activations kernels apply while they store their results."""

from __future__ import annotations

from ..kernels import elementwise

#: Names and codes of csrc/elementwise/maps.def; other activations take a pass of their own.
STORED = {name: elementwise.CODES[name] for name in ("relu", "relu6")}

_NONE = elementwise.CODES["linear"]


def split_activation(activation: str | None) -> tuple[int, str | None]:
    """Return the code for the store, and the activation that is left to apply (or None)."""
    if activation is None or activation == "linear":
        return _NONE, None
    code = STORED.get(activation)
    return (_NONE, activation) if code is None else (code, None)
