"""The networks as PyTorch modules that end in logits; `torch` is the imported library.

Written as PyTorch's users write them: channels first, padding=1 for 3x3 kernels. Batch
normalization has Keras's constants.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..inputs import layer_weights
from . import NETWORKS
from .keras_words import MOBILENET_STAGES


def article(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1600, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def lenet5(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


def vgg(torch: Any) -> Any:
    nn = torch.nn
    parts, channels = [], 3
    for filters in (32, 64, 128):
        parts += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
        parts += [nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(2048, 128), nn.ReLU(), nn.Linear(128, 10))


def _normalized(nn: Any, c: int, f: int, size: int, stride: int = 1, groups: int = 1) -> Any:
    conv = nn.Conv2d(c, f, size, stride, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(f, eps=1e-3, momentum=0.01))


def _sum(torch: Any, branch: Any, shortcut: Any, activation: Any) -> Any:
    """Return the module activation(branch(x) + shortcut(x))."""

    class Sum(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.branch, self.shortcut, self.activation = branch, shortcut, activation

        def forward(self, x: Any) -> Any:
            return self.activation(self.branch(x) + self.shortcut(x))

    return Sum()


def resnet20(torch: Any) -> Any:
    nn = torch.nn
    parts, channels = [_normalized(nn, 3, 16, 3), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for _ in range(3):
            stride = filters // channels  # 2 where the channels double
            branch = nn.Sequential(
                _normalized(nn, channels, filters, 3, stride),
                nn.ReLU(),
                _normalized(nn, filters, filters, 3),
            )
            shortcut = nn.Identity()
            if stride == 2:
                shortcut = nn.Sequential(nn.AvgPool2d(2), _normalized(nn, channels, filters, 1))
            parts.append(_sum(torch, branch, shortcut, nn.ReLU()))
            channels = filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mobilenet96(torch: Any) -> Any:
    nn = torch.nn
    parts, channels = [_normalized(nn, 3, 16, 3, 2), nn.ReLU6()], 16
    for factor, filters, blocks, first_stride in MOBILENET_STAGES:
        for block in range(blocks):
            stride, wide = first_stride if block == 0 else 1, factor * channels
            enter = [_normalized(nn, channels, wide, 1), nn.ReLU6()] if factor > 1 else []
            middle = [_normalized(nn, wide, wide, 3, stride, groups=wide), nn.ReLU6()]
            branch = nn.Sequential(*enter, *middle, _normalized(nn, wide, filters, 1))
            if stride == 1 and filters == channels:
                branch = _sum(torch, branch, nn.Identity(), nn.Identity())
            parts.append(branch)
            channels = filters
    parts += [_normalized(nn, channels, 640, 1), nn.ReLU6()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(640, 10))


TORCH_NETWORKS = {
    "article": article,
    "lenet5": lenet5,
    "resnet20": resnet20,
    "mobilenet96": mobilenet96,
    "vgg": vgg,
}


def channels_first(name: str, images: np.ndarray) -> np.ndarray:
    """Return images (N, H, W, C) as the PyTorch network takes them: a view (N, C, H, W)."""
    if NETWORKS[name].mirrored:
        images = images[:, ::-1, ::-1]
    return images.transpose(0, 3, 1, 2)


def inference_model(torch: Any, name: str) -> Any:
    """Return the network with its fixed weights, ending in the softmax."""
    model = TORCH_NETWORKS[name](torch)
    load_weights(torch, name, model)
    return torch.nn.Sequential(model, torch.nn.Softmax(1)).eval()


def load_weights(torch: Any, name: str, model: Any) -> None:
    """Give the modules the weights that `keras_words.load_weights` gives the layers."""
    nn, network = torch.nn, NETWORKS[name]
    counts: Counter[str] = Counter()

    def draw(kind: str, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        counts[kind] += 1
        return layer_weights(kind, counts[kind] - 1, shapes)

    def put(tensors: list[Any], arrays: list[np.ndarray]) -> None:
        with torch.no_grad():
            for tensor, array in zip(tensors, arrays, strict=True):
                tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            f, c, kh, kw = module.weight.shape
            tensors = [module.weight] if module.bias is None else [module.weight, module.bias]
            biases = [(f,)] * (len(tensors) - 1)
            if module.groups > 1:
                kernel, *rest = draw("depthwise_conv2d", (kh, kw, f, 1), *biases)
                axes = (2, 3, 0, 1)
            else:
                kernel, *rest = draw("conv2d", (kh, kw, c, f), *biases)
                axes = (3, 2, 0, 1)
            if network.mirrored:
                kernel = kernel[::-1, ::-1]
            put(
                [module.weight, *([module.bias] if biases else [])], [kernel.transpose(axes), *rest]
            )
        elif isinstance(module, nn.Linear):
            outputs, inputs = module.weight.shape
            kernel, bias = draw("dense", (inputs, outputs), (outputs,))
            if network.flattened and counts["dense"] == 1:
                image = kernel.reshape(*network.flattened, outputs)
                kernel = image.transpose(2, 0, 1, 3).reshape(inputs, outputs)
            put([module.weight, module.bias], [kernel.T, bias])
        elif isinstance(module, nn.BatchNorm2d):
            arrays = draw("batch_normalization", *[(module.num_features,)] * 4)
            put([module.weight, module.bias, module.running_mean, module.running_var], arrays)
