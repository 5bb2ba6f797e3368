"""The structure of a network of `applications`, in numbers short enough to keep.

It asks a model only for what Keras and fastconv both offer.
"""

from __future__ import annotations

import hashlib
import json

SMALL = {"input_shape": (64, 64, 3), "classes": 10}
LARGER = {"input_shape": (96, 96, 3), "classes": 10}
PLAIN = {"include_top": False, "pooling": "avg", "input_shape": (97, 110, 1)}
LOGITS = {"classifier_activation": None, "classes": 5, "input_shape": (101, 80, 3)}
EXTRA = {
    "MobileNet": [{"alpha": 0.35}, {"depth_multiplier": 2, "dropout": 0.5}],
    "MobileNetV2": [{"alpha": 0.35}, {"alpha": 1.4}],
    "MobileNetV3Small": [
        {"minimalistic": True},
        {"alpha": 1.4, "include_preprocessing": False, "dropout_rate": 0.0},
    ],
    "MobileNetV3Large": [{"minimalistic": True, "alpha": 0.75}, {"include_top": False}],
    "EfficientNetV2B3": [{"include_preprocessing": False, "include_top": False}],
    "EfficientNetV2S": [{"include_preprocessing": False, "include_top": False}],
    "VGG16": [{"include_top": False, "pooling": "max"}],
    "ResNet50": [{"include_top": False, "pooling": "max"}, {"name": "mine", "include_top": False}],
    "InceptionV3": [{"include_top": False}],
}
NAMES = [
    *(f"DenseNet{depth}" for depth in (121, 169, 201)),
    *(f"EfficientNetB{size}" for size in range(8)),
    *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    *("InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small"),
    *(f"ResNet{depth}{version}" for depth in (50, 101, 152) for version in ("", "V2")),
    *("VGG16", "VGG19", "Xception"),
]
#: (network, arguments besides weights=None) of every structure that is compared.
CASES = [
    (name, arguments)
    for name in NAMES
    for arguments in (
        SMALL if name not in ("InceptionV3", "Xception") else LARGER,
        PLAIN,
        LOGITS,
        *EXTRA.get(name, ()),
    )
]


def title(name, arguments):
    """Return how a case is called in test reports and in the file of literals."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def sources(nodes):
    """Return the names of the layers that an `inbound_nodes` of a config refers to, in order."""
    if isinstance(nodes, dict):
        if "keras_history" in nodes:
            return [nodes["keras_history"][0]]
        return [name for value in nodes.values() for name in sources(value)]
    if isinstance(nodes, (list, tuple)):
        return [name for value in nodes for name in sources(value)]
    return []


def digest(facts):
    """Return a short fingerprint of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def structure(model):
    """Return what the layers of a model are, as counts and fingerprints."""
    config = model.get_config()
    entries = config["layers"]
    return {
        "name": model.name,
        "layers": len(entries),
        "parameters": model.count_params(),
        "trainable": sum(len(layer.trainable_weights) for layer in model.layers),
        "output": list(model.output_shape),
        "names": digest([entry["config"]["name"] for entry in entries]),
        "classes": digest([entry["class_name"] for entry in entries]),
        "connections": digest([sources(entry["inbound_nodes"]) for entry in entries]),
        "shapes": digest([list(layer.output.shape) for layer in model.layers]),
        "weights": digest([[list(w.shape) for w in layer.weights] for layer in model.layers]),
    }
