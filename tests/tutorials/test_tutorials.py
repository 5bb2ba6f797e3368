"""Well-known tutorials of Keras run with their imports changed, on small data sets."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from fastconv.datasets import cifar10, digits, fashion_mnist, mnist
from fastconv.utils import save_img, set_random_seed

HERE = Path(__file__).parent


@pytest.fixture
def tutorial(tmp_path, monkeypatch, capsys):
    """Return a function that runs a tutorial in an empty folder: its variables, its output."""
    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=28)
    for module in (mnist, fashion_mnist):
        splits = (x_train[:800], y_train[:800]), (x_test, y_test)
        monkeypatch.setattr(module, "load_data", lambda *args, splits=splits: splits)
    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=32)
    color = np.array([1.0, 0.7, 0.4])
    splits = tuple(
        ((x[..., None] * color).astype("uint8"), y[:, None])
        for x, y in ((x_train[:320], y_train[:320]), (x_test[:100], y_test[:100]))
    )
    monkeypatch.setattr(cifar10, "load_data", lambda: splits)
    monkeypatch.chdir(tmp_path)
    set_random_seed(0)

    def run(name):
        variables = runpy.run_path(str(HERE / f"{name}.py"))
        return variables, capsys.readouterr().out

    return run


def test_mnist_convnet(tutorial):
    variables, output = tutorial("mnist_convnet")
    assert "Total params: 34,826" in output
    assert variables["score"][1] > 0.9


def test_fashion_classification(tutorial):
    variables, output = tutorial("fashion_classification")
    assert variables["test_acc"] > 0.8
    assert variables["predictions"].shape == (359, 10)
    np.testing.assert_allclose(variables["predictions"].sum(axis=1), 1, rtol=1e-5)
    assert "(1, 28, 28)" in output


@pytest.mark.filterwarnings("ignore:RMSprop. decay is deprecated")
def test_cifar10_cnn(tutorial, tmp_path):
    variables, output = tutorial("cifar10_cnn")
    assert "Using real-time data augmentation." in output
    assert variables["scores"][1] > 0.3
    assert (tmp_path / "saved_models/keras_cifar10_trained_model.h5").exists()


def test_toy_resnet(tutorial, tmp_path):
    variables, output = tutorial("toy_resnet")
    assert "Total params: 223,242" in output
    assert set(variables["history"].history) == {"acc", "loss", "val_acc", "val_loss"}
    assert "<svg" in (tmp_path / "mini_resnet.svg").read_text()


def test_transfer_learning(tutorial, tmp_path, rng):
    pytest.importorskip("PIL")
    for name, color in ("cats", 60), ("dogs", 180):
        (tmp_path / "cats_vs_dogs" / name).mkdir(parents=True)
        for i in range(8):
            image = rng.normal(color, 20, (150, 150, 3)).clip(0, 255)
            save_img(tmp_path / "cats_vs_dogs" / name / f"{i}.png", image, scale=False)
    variables, output = tutorial("transfer_learning")
    assert "Total params: 20,863,529" in output
    assert "Trainable params: 2,049" in output
    statistics = variables["base_model"].get_layer("block1_conv1_bn").get_weights()[2:]
    assert (statistics[0] == 0).all() and (statistics[1] == 1).all()


def test_autoencoder(tutorial):
    variables, _ = tutorial("autoencoder")
    clean, noisy = variables["test_data"], variables["noisy_test_data"]
    error = np.mean((variables["predictions"] - clean) ** 2)
    assert error < np.mean((noisy - clean) ** 2) / 2
