"""Configurations that older versions of Keras 3 read too.

They refuse a setting that they do not know. Each version adds some: those are left out where they
say nothing, as every version takes what is missing for the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Settings younger than Keras 3.0, with their defaults.
_YOUNG: dict[str, Any] = {
    "antialias": False,
    "input_axes": None,
    "optional": False,
    "output_axes": None,
    "output_padding": None,
    "pad_to_aspect_ratio": False,
    "quantization_config": None,
    "ragged": False,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "rms_scaling": False,
}


def portable(value: Any) -> Any:
    """Return a configuration without the young settings of Keras that are at their defaults."""
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    result = {key: portable(item) for key, item in value.items()}
    options = result.get("config")
    if str(result.get("module")).startswith("keras") and isinstance(options, dict):
        result["config"] = {
            key: item
            for key, item in options.items()
            if key not in _YOUNG or type(item) is not type(_YOUNG[key]) or item != _YOUNG[key]
        }
    return result
