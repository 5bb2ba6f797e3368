"""Files of weights: the layout, what is read back, and what is refused."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D
from fastconv.models import Sequential
from fastconv.saving import weights

from ..models.helpers import CCE


def network(units=3, name=None):
    inner = Sequential([Input((4, 4, 2)), Conv2D(3, 2, name="deep"), BatchNormalization()])
    return Sequential(
        [
            Input((8, 8, 1)),
            Conv2D(2, 5, name="a"),
            inner,
            MaxPool2D(),
            Flatten(),
            Dropout(0.5),
            Dense(4, name="first"),
            Dense(units, activation="softmax", name="second"),
        ],
        name=name,
    )


def trained(optimizer="adam", steps=2):
    model = network()
    model.compile(optimizer, CCE)
    x = np.random.default_rng(0).random((6, 8, 8, 1))
    for _ in range(steps):
        model.train_on_batch(x, np.eye(3)[np.arange(6) % 3])
    return model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.weights.h5"


def assert_same_weights(a, b):
    for one, two in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_layout_is_that_of_keras(path):
    model = network(name="net")
    model.save_weights(path)
    groups, arrays = {}, {}
    with h5py.File(path) as file:
        assert not file.attrs

        def visit(name, item):
            if name.startswith("fastconv"):
                return
            if isinstance(item, h5py.Dataset):
                assert item.dtype == np.float32 and item.chunks is None
                arrays[name] = item.shape
            elif name.endswith("vars"):
                groups[name] = item.attrs["name"]
            else:
                assert not item.attrs

        file.visititems(visit)
    inner = model.layers[1]
    assert groups == {
        "vars": "net",
        "layers/conv2d/vars": "a",
        "layers/sequential/vars": inner.name,
        "layers/sequential/layers/conv2d/vars": "deep",
        "layers/sequential/layers/batch_normalization/vars": inner.layers[1].name,
        "layers/max_pooling2d/vars": model.layers[2].name,
        "layers/flatten/vars": model.layers[3].name,
        "layers/dropout/vars": model.layers[4].name,
        "layers/dense/vars": "first",
        "layers/dense_1/vars": "second",
    }
    assert arrays == {
        "layers/conv2d/vars/0": (5, 5, 1, 2),
        "layers/conv2d/vars/1": (2,),
        "layers/sequential/layers/conv2d/vars/0": (2, 2, 2, 3),
        "layers/sequential/layers/conv2d/vars/1": (3,),
        **{f"layers/sequential/layers/batch_normalization/vars/{i}": (3,) for i in range(4)},
        "layers/dense/vars/0": (3, 4),
        "layers/dense/vars/1": (4,),
        "layers/dense_1/vars/0": (4, 3),
        "layers/dense_1/vars/1": (3,),
    }


def test_optimizer_state_is_in_the_file(path):
    model = trained()
    model.save_weights(path)
    with h5py.File(path) as file:
        group = file["optimizer/vars"]
        assert group.attrs["name"] == model.optimizer.name
        assert len(group) == 2 + 2 * len(model.trainable_weights)
        assert group["0"].dtype == np.int32 and group["0"][()] == 2
        assert group["1"].shape == () and group["1"][()] == np.float32(0.001)
        shapes = [group[str(i)].shape for i in range(2, len(group))]
    assert shapes == [v.shape for v in model.trainable_weights for _ in "mv"]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_training_goes_on_exactly_where_it_was_saved(optimizer, path):
    model = trained(optimizer)
    model.save_weights(path)
    other = network()
    other.compile(optimizer, CCE)
    other.load_weights(path)
    assert_same_weights(model, other)
    assert other.optimizer.iterations == 2
    x, y = np.random.default_rng(1).random((6, 8, 8, 1)), np.eye(3)[np.arange(6) % 3]
    for m in (model, other):
        m.layers[4].rate = 0.0
        m.fit(x, y, epochs=2, verbose=0, shuffle=False)
    assert_same_weights(model, other)


def test_state_that_does_not_fit_is_skipped_with_a_warning(path):
    model = trained("adam")
    model.save_weights(path)
    other = network()
    other.compile(optimizers.SGD(momentum=0.9), CCE)
    with pytest.warns(UserWarning, match="state of sgd.* was not loaded: it has 12 variables"):
        other.load_weights(path)
    assert_same_weights(model, other)
    uncompiled = network()
    uncompiled.load_weights(path)
    assert_same_weights(model, uncompiled)


def test_file_saved_before_training(path):
    model = network()
    model.compile("adam", CCE)
    model.save_weights(path)
    with h5py.File(path) as file:
        assert len(file["optimizer/vars"]) == 2
    other = network()
    other.compile("adam", CCE)
    other.load_weights(path)
    assert_same_weights(model, other)
    assert other.optimizer.iterations == 0


def test_names_do_not_matter_but_classes_do(path):
    Sequential([Input((2,)), Dense(3, name="x"), Dense(3, name="y")]).save_weights(path)
    other = Sequential([Input((2,)), Dense(3, name="p"), Dropout(0.1), Dense(3, name="q")])
    other.load_weights(path)


def test_saving_is_all_or_nothing(path, monkeypatch):
    model = network()
    model.save_weights(path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(weights, "_write_group", fail)
    with pytest.raises(OSError, match="disk full"):
        trained().save_weights(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_paths(path, tmp_path):
    model = network()
    model.save_weights(str(path))
    model.load_weights(str(path))
    with pytest.raises(FileExistsError, match="exists, and overwrite is False"):
        model.save_weights(path, overwrite=False)
    model.save_weights(path)
    with pytest.raises(ValueError, match=r'must end in ".weights.h5", got "w.h5"'):
        model.save_weights("w.h5")
    with pytest.raises(ValueError, match=r'must end in ".h5" or .* or ".keras", got "w.npz"'):
        model.load_weights("w.npz")
    with pytest.raises(TypeError, match="must be given by its path, got int"):
        model.load_weights(3)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        (tmp_path / "folder.h5").mkdir()
        model.load_weights(tmp_path / "folder.h5")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.weights\.h5"):
        model.load_weights(tmp_path / "missing.weights.h5")
    with pytest.raises(FileNotFoundError):
        model.save_weights(tmp_path / "no" / "folder.weights.h5")
    unbuilt = Sequential([Dense(2)])
    for method in (unbuilt.save_weights, unbuilt.load_weights):
        with pytest.raises(ValueError, match="no weights yet: build it first"):
            method(path)


def test_truncated_file(path):
    model = network()
    model.save_weights(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ValueError, match=r"\(1500 bytes\) is not a valid HDF5 file"):
        model.load_weights(path)


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (
            lambda: network(5),
            r'Dense "second": kernel must have shape \(4, 5\), the file .*\(4, 3\)',
        ),
        (
            lambda: Sequential([Input((8, 8, 1)), Conv2D(2, 5, use_bias=False)]),
            "it has 1 weights, the file has 2",
        ),
        (
            lambda: Sequential([Input((8, 8, 1)), BatchNormalization()]),
            "no group /layers/batch_normalization/vars",
        ),
    ],
)
def test_weights_of_another_model(other, match, path):
    network().save_weights(path)
    model = other()
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.load_weights(path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_skip_mismatch_loads_the_rest(path):
    saved = network()
    saved.save_weights(path)
    model = network(5)
    before = model.layers[-1].get_weights()
    with pytest.warns(UserWarning, match="second.*The layer keeps its weights"):
        model.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(before[0], model.layers[-1].get_weights()[0])
    np.testing.assert_array_equal(saved.get_weights()[0], model.get_weights()[0])


# Files that others made


def edited(path, edit):
    network().save_weights(path)
    with h5py.File(path, "r+") as file:
        edit(file)


def replace(value, **kwargs):
    def edit(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset("0", data=value, **kwargs)

    return edit


@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4", "i4"])
def test_other_types_are_cast(dtype, path):
    value = np.arange(12).reshape(3, 4)
    edited(path, replace(value.astype(dtype)))
    model = network()
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_layer("first").get_weights()[0], value)


def test_bfloat16_is_read(path):
    value = np.arange(12, dtype=np.float32).reshape(3, 4) - 6

    def edit(file):
        replace((value.view(np.uint32) >> 16).astype(np.uint16))(file)
        file["layers/dense/vars/0"].attrs["dtype"] = "bfloat16"

    edited(path, edit)
    model = network()
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_layer("first").get_weights()[0], value)


def test_compressed_files_are_read(path):
    value = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    edited(path, replace(value, compression="gzip", chunks=(2, 2)))
    model = network()
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_layer("first").get_weights()[0], value)


def test_files_of_early_keras_3_are_read(path):
    def edit(file):
        file.move("layers", weights.OLD_LAYERS)
        inner = file[weights.OLD_LAYERS]["sequential"]
        inner.move("layers", weights.OLD_LAYERS)

    edited(path, edit)
    network().load_weights(path)


def test_extra_groups_do_not_matter(path):
    edited(path, lambda file: file.create_group("fastconv/notes"))
    network().load_weights(path)


def soft_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense_1/vars/0")


def soft_group(file):
    file.move("layers/dense", "elsewhere")
    file["layers/dense"] = h5py.SoftLink("/elsewhere")


def external_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/0")


def external_storage(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", (3, 4), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(file):
    del file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3, 4))
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


def huge_chunks(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset(
        "0", (3, 4), "f4", maxshape=(None, None), chunks=(1 << 13, 1 << 12), compression="gzip"
    )


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (soft_link, r"is a link \(SoftLink\), which is not allowed"),
        (soft_group, r"is a link \(SoftLink\)"),
        (external_link, r"is a link \(ExternalLink\)"),
        (external_storage, "kept outside the file"),
        (virtual, "kept outside the file"),
        (huge_chunks, "larger than the array: refused"),
        (replace(np.zeros((3, 4), "S4")), "must hold numbers, got type"),
        (lambda file: file["layers/dense/vars"].move("0", "7"), "kernel is not in the file"),
        (
            lambda file: (
                file["layers/dense/vars"].move("0", "x"),
                file.create_group("layers/dense/vars/0"),
            ),
            "it has 2 weights, the file has 3",
        ),
    ],
)
def test_hostile_files_are_refused(edit, match, path):
    edited(path, edit)
    model = network()
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.load_weights(path)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_a_declared_giant_is_never_allocated(path):
    def edit(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset("0", (1 << 40, 4), "f4", chunks=(1024, 4))

    edited(path, edit)
    with pytest.raises(ValueError, match=r"must have shape \(3, 4\), the file has \(1099511627776"):
        network().load_weights(path)


@pytest.mark.parametrize(
    ("magic", "offset", "value", "match"),
    [
        (b"HEAP", 16, 16, "the free list of the heap at"),  # leads to itself for ever
        (b"HEAP", 24, 1 << 40, "something lies behind its end"),
        (b"TREE", 5, 7, "is damaged"),
        (b"SNOD", 16, 1 << 60, "something lies behind its end"),
    ],
)
def test_structures_that_the_library_would_follow_for_ever(magic, offset, value, match, path):
    network().save_weights(path)
    content = bytearray(path.read_bytes())
    at = content.find(magic)
    if match.startswith("the free list"):
        start = int.from_bytes(content[at + 24 : at + 32], "little")
        content[at + 16 : at + 24] = (8).to_bytes(8, "little")
        content[start + 8 : start + 24] = (8).to_bytes(8, "little") + (16).to_bytes(8, "little")
    else:
        width = 1 if value < 256 else 8
        content[at + offset : at + offset + width] = value.to_bytes(width, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match):
        network().load_weights(path)


def test_newer_formats_of_hdf5_are_read(path, tmp_path):
    model = network()
    model.save_weights(path)
    with h5py.File(path) as old, h5py.File(tmp_path / "n.weights.h5", "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
    other = network()
    other.load_weights(tmp_path / "n.weights.h5")
    assert_same_weights(model, other)
