"""Dtype policies: in which precision a layer computes.

Weights and activations are float32 under every policy there is. "mixed_bfloat16" lets products
be computed from bfloat16 factors and summed in float32, the precision called "medium".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ops import checks
from .serialization import Configurable, serialize

#: Policy: Keras's name of the type that it computes in.
_COMPUTE_DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
#: Policies of Keras that are not here, and why.
_REFUSED = {
    "float64": "kernels compute in float32; check gradients against fastconv.reference",
    "mixed_float16": 'CPUs have no fast float16; use "mixed_bfloat16"',
    "float16": 'CPUs have no fast float16; use "mixed_bfloat16"',
    "bfloat16": 'weights are always float32; use "mixed_bfloat16"',
}


class DTypePolicy(Configurable):
    """How a layer computes: "float32" or "mixed_bfloat16".

    Parameters
    ----------
    name : str, optional
        The policy that is set for all new layers if not given.

    Attributes
    ----------
    compute_dtype : str
        "float32" or "bfloat16"; results are float32 arrays in either case.
    variable_dtype : str
        "float32".

    Raises
    ------
    ValueError
        There is no such policy.
    TypeError
        The name is not a string.
    """

    config_keys = ("name",)
    keras_module = "keras"
    variable_dtype = "float32"
    quantization_mode = None

    name: str

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _current.name
        if not isinstance(name, str):
            raise TypeError(f"DTypePolicy: name must be a string, got {type(name).__name__}.")
        if name not in _COMPUTE_DTYPES:
            listed = " or ".join(f'"{known}"' for known in _COMPUTE_DTYPES)
            reason = f": {_REFUSED[name]}" if name in _REFUSED else ""
            raise ValueError(f'DTypePolicy: name must be {listed}, got "{name}"{reason}.')
        self.name = name

    @property
    def compute_dtype(self) -> str:
        """Type of the factors of products."""
        return _COMPUTE_DTYPES[self.name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_current = DTypePolicy("float32")


def dtype_policy() -> DTypePolicy:
    """Return the policy of layers that are made without `dtype`."""
    return _current


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are made from now on without `dtype`."""
    global _current
    _current = get(policy)


def get(identifier: Any) -> DTypePolicy:
    """Return the policy for a name, a config, a NumPy type or a policy; None is the one set.

    Raises
    ------
    ValueError
        There is no such policy.
    TypeError
        The identifier is something else.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    # A policy of Keras, np.float32 or np.dtype("float32").
    return DTypePolicy(getattr(identifier, "name", None) or getattr(identifier, "__name__", "?"))


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> DTypePolicy:
    """Return the policy that `serialize` wrote, here or in Keras."""
    del custom_objects
    if isinstance(config, str):
        return DTypePolicy(config)
    name = config.get("class_name") if isinstance(config, Mapping) else None
    options = config.get("config") if isinstance(config, Mapping) else None
    checks.one_of("DTypePolicy", "class_name", name, ("DTypePolicy", "FloatDTypePolicy", "Policy"))
    if not isinstance(options, Mapping):
        raise ValueError("DTypePolicy: its config must be a dictionary with a name.")
    return DTypePolicy(options.get("name"))


__all__ = [
    "DTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]
