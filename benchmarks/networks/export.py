"""Write a network with its fixed weights as an ONNX model, by PyTorch's exporter.

    python -m benchmarks.networks.export NETWORK BATCH FILE.onnx

A program of its own, so that the libraries that read the file run without PyTorch.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path


def export_onnx(name: str, batch: int, path: Path) -> None:
    """Write the file in a process of its own.

    Raises
    ------
    ImportError
        PyTorch, or the package onnx, is not there or refuses.
    """
    arguments = [sys.executable, "-m", __name__, name, str(batch), str(path)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(arguments, cwd=root, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [""]
        raise ImportError(f"export_onnx: PyTorch could not write the model: {said[-1]}")


def main(name: str, batch: int, path: str) -> None:
    import torch

    from ..inputs import pattern_images
    from . import NETWORKS
    from .torch_words import channels_first, inference_model

    model = inference_model(torch, name)
    images, _ = pattern_images(batch, NETWORKS[name].shape)
    x = torch.from_numpy(channels_first(name, images).copy(order="C"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs a further package
        torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], output_names=["y"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
