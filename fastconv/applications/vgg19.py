"""VGG19: VGG16 with one more convolution in each of the last three blocks."""

from __future__ import annotations

from .imagenet_utils import decode_predictions
from .vgg16 import preprocess_input, vgg

VGG19 = vgg(19, (2, 2, 4, 4, 4))

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
