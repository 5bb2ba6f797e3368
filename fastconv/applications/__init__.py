"""Well-known image networks, under Keras's names, with Keras's layer names and arguments.

    from fastconv.applications import ResNet50
    from fastconv.applications.resnet50 import decode_predictions, preprocess_input

    network     what they share: arguments, input, head, weights files
    blocks      groups of layers that several of them are made of
    vgg16 ...   one module per family, as in Keras

Weights are not downloaded: `weights` is None or the path of a file, `.keras`, `.weights.h5` or
`.h5`, that Keras or fastconv wrote.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any

#: Module: the networks in it.
_MODULES = {
    "densenet": ("DenseNet121", "DenseNet169", "DenseNet201"),
    "efficientnet": tuple(f"EfficientNetB{i}" for i in range(8)),
    "efficientnet_v2": tuple(f"EfficientNetV2{kind}" for kind in ("B0", "B1", "B2", "B3", *"SML")),
    "imagenet_utils": (),
    "inception_v3": ("InceptionV3",),
    "mobilenet": ("MobileNet",),
    "mobilenet_v2": ("MobileNetV2",),
    "mobilenet_v3": ("MobileNetV3Large", "MobileNetV3Small"),
    "resnet": ("ResNet50", "ResNet101", "ResNet152"),
    "resnet50": (),
    "resnet_v2": ("ResNet50V2", "ResNet101V2", "ResNet152V2"),
    "vgg16": ("VGG16",),
    "vgg19": ("VGG19",),
    "xception": ("Xception",),
}
_NETWORKS = {network: module for module, names in _MODULES.items() for network in names}

__all__ = [*_MODULES, *_NETWORKS]


def __getattr__(name: str) -> Any:
    """Load a module or a network on first use (PEP 562)."""
    if name in _MODULES:
        return _import_module(f".{name}", __name__)
    if name in _NETWORKS:
        return getattr(_import_module(f".{_NETWORKS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
