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
