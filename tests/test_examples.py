"""The examples run as a user would run them, with less work."""

import os
import re

import pytest

from . import programs


def run_example(name, *options, cwd):
    return programs.run("-W", "error", str(programs.ROOT / "examples" / name), *options, cwd=cwd)


def test_digits(tmp_path):
    output = run_example("digits.py", "--epochs", "2", cwd=tmp_path)
    accuracy = float(re.search(r"Test accuracy: (\S+) after 2 epochs in \S+ s", output)[1])
    assert accuracy > 0.8


@pytest.mark.parametrize("image", ["digit", "shapes"])
def test_edge_detection(tmp_path, image):
    options = ["--image", image, "--size", "40", "--output", "edges.png"]
    output = run_example("edge_detection.py", *options, cwd=tmp_path)
    assert re.search(r"Same numbers, \d+ times faster", output)
    if "Saved edges.png" in output:
        assert (tmp_path / "edges.png").read_bytes().startswith(b"\x89PNG")
    else:
        assert "matplotlib is not installed" in output


@pytest.mark.skipif("FASTCONV_DATA" not in os.environ, reason="needs MNIST in $FASTCONV_DATA")
def test_article(tmp_path):
    """Without training: everything else of the code, and the accuracy of chance."""
    output = run_example("article.py", "--epochs", "0", cwd=tmp_path)
    assert "conv2d" in output
    assert 0 < float(re.search(r"test accuracy: (\S+)", output)[1]) < 0.5


def numbers(pattern, output):
    found = re.search(pattern, output)
    assert found, output
    return [float(number) for number in found.groups()]


def test_residual(tmp_path):
    output = run_example("residual.py", "--epochs", "2", "--batch-size", "16", cwd=tmp_path)
    assert "add (Add)" in output
    assert numbers(r"Test accuracy: (\S+)", output)[0] > 0.6


def test_augmentation(tmp_path):
    output = run_example("augmentation.py", "--epochs", "2", cwd=tmp_path)
    pattern = r"Test accuracy {} augmentation: (\S+), of moved digits (\S+)"
    plain, moved = numbers(pattern.format("without"), output)
    assert plain > 0.6 and moved < plain
    _, with_augmentation = numbers(pattern.format("with"), output)
    assert with_augmentation > 0.3


def test_transfer_learning(tmp_path):
    output = run_example("transfer_learning.py", "--epochs", "4", cwd=tmp_path)
    for name in ("From scratch", "Frozen base", "Fine-tuned"):
        assert numbers(rf"{name}: test accuracy (\S+)", output)[0] > 0.5


def test_autoencoder(tmp_path):
    output = run_example("autoencoder.py", "--epochs", "2", cwd=tmp_path)
    noisy, clean = numbers(r"test images: (\S+) with noise, (\S+) without", output)
    assert clean < noisy / 2


def test_unet(tmp_path):
    output = run_example("unet.py", "--epochs", "3", "--images", "150", cwd=tmp_path)
    right, iou = numbers(r"(\S+) of the pixels right, mean IoU (\S+)", output)
    assert right > 0.7 and iou > 0.3


def test_image_folder(tmp_path):
    pytest.importorskip("PIL")
    output = run_example("image_folder.py", "--epochs", "3", cwd=tmp_path)
    assert "Using 287 files for validation." in output
    assert numbers(r"Best validation accuracy: (\S+)", output)[0] > 0.5
    assert re.search(r"0/\d{4}\.png: \d with probability", output)
