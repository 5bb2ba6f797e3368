"""The networks that are trained and run, written once per dialect.

keras_words   in Keras's words, for fastconv and for Keras alike: the function gets the library
torch_words   the same functions as PyTorch modules
jax_words     two of them in plain JAX

All end in logits or their softmax over ten classes. With the weights of `inputs.layer_weights` all
dialects compute the same function of the same image, up to its orientation: see `Network.mirrored`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """What a benchmark has to know of a network beside its layers."""

    #: Shape of one image.
    shape: tuple[int, int, int]
    #: Batch sizes of its training.
    batches: tuple[int, ...]
    #: Images of an epoch.
    images: int
    #: What the first Dense layer sees flattened; PyTorch flattens it channels first.
    flattened: tuple[int, int, int] | None = None
    #: Whether PyTorch's images and kernels are turned by half a turn. Where a stride of 2 meets an
    #: even size, Keras's "same" pads below and PyTorch's padding=1 above: each the other's mirror.
    mirrored: bool = False


NETWORKS = {
    "article": Network((28, 28, 1), (32, 256), 3200, flattened=(5, 5, 64)),
    "lenet5": Network((32, 32, 1), (32,), 3200, flattened=(1, 1, 120)),
    "resnet20": Network((32, 32, 3), (64,), 640, mirrored=True),
    "mobilenet96": Network((96, 96, 3), (1, 32), 128, mirrored=True),
    "vgg": Network((32, 32, 3), (32,), 960, flattened=(4, 4, 128)),
}
