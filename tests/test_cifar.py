"""CIFAR-10 and CIFAR-100 from small files of the same form, and from hostile ones."""

import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from fastconv.datasets import cifar10, cifar100, download

RNG = np.random.default_rng(0)


def batch(n, **labels):
    """Return a dictionary like those in the authors' files."""
    data = RNG.integers(0, 256, (n, 3072), dtype=np.uint8)
    return {b"data": data, **{key.encode(): values for key, values in labels.items()}}


BATCHES = {
    f"data_batch_{i}": batch(2, labels=[i, i + 1], filenames=[b"a", b"b"]) for i in range(1, 6)
} | {"test_batch": batch(3, labels=[0, 9, 4])}
HUNDRED = {
    "train": batch(4, fine_labels=[0, 99, 3, 4], coarse_labels=[0, 19, 3, 4]),
    "test": batch(2, fine_labels=[5, 6], coarse_labels=[7, 8]),
}


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Empty data folder and cache, and no network."""
    monkeypatch.setenv("FASTCONV_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def no_network(origin, *args):
        raise OSError(f"no network for {origin}{args[-1]}")

    monkeypatch.setattr(download, "_download", no_network)
    return tmp_path


def write(folder, files, protocol=2):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(pickle.dumps(content, protocol))


def check_ten(splits):
    (x_train, y_train), (x_test, y_test) = splits
    assert x_train.shape == (10, 32, 32, 3) and x_test.shape == (3, 32, 32, 3)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert y_train.tolist() == [[n] for i in range(1, 6) for n in (i, i + 1)]
    assert y_test.tolist() == [[0], [9], [4]]
    planes = BATCHES["data_batch_2"][b"data"][1].reshape(3, 32, 32)
    np.testing.assert_array_equal(x_train[3], np.moveaxis(planes, 0, -1))
    assert x_train.flags.c_contiguous


@pytest.mark.parametrize(
    "place",
    [
        "data/cifar10",
        "data/cifar10/cifar-10-batches-py",
        "keras/datasets/cifar-10-batches-py-target/cifar-10-batches-py",
        "keras/datasets/cifar-10-batches-py",
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10_is_found(folders, place, protocol):
    write(folders / place, BATCHES, protocol)
    check_ten(cifar10.load_data())


def make_archive(path, folder, files):
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = pickle.dumps(content, 2)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_cifar10_from_the_archive_in_the_cache(folders, monkeypatch):
    path = folders / "keras" / "datasets" / "cifar-10-batches-py-target_archive"
    found = make_archive(path, "cifar-10-batches-py", BATCHES)
    monkeypatch.setattr(cifar10, "SHA256", found)
    check_ten(cifar10.load_data())
    assert os.listdir(path.parent) == [path.name], "nothing is extracted"
    path.write_bytes(path.read_bytes()[:3000])
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match=r"is damaged .*delete it"):
        cifar10.load_data()


@pytest.mark.parametrize(("mode", "last"), [("fine", 99), ("coarse", 19)])
def test_cifar100(folders, mode, last):
    write(folders / "data" / "cifar100", HUNDRED)
    (x_train, y_train), (x_test, y_test) = cifar100.load_data(mode)
    assert x_train.shape == (4, 32, 32, 3) and x_test.shape == (2, 32, 32, 3)
    assert y_train.tolist() == [[0], [last], [3], [4]] and y_test.shape == (2, 1)
    with pytest.raises(ValueError, match='label_mode must be one of "fine", "coarse"'):
        cifar100.load_data("super")


def test_nothing_there():
    with pytest.raises(OSError, match=r"cifar-10-python.*cifar10/cifar-10-batches-py/"):
        cifar10.load_data()


class Hostile:
    def __reduce__(self):
        return os.system, ("touch /tmp/fastconv_was_here",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Hostile(), 2), r"system, which is not allowed"),
        (pickle.dumps(np.array([{}], object), 2), "not a CIFAR file"),
        (pickle.dumps(batch(3, labels=[1, 2]), 2), r"its images are uint8 \(3, 3072\)"),
        (pickle.dumps(batch(2, labels=[1, 10]), 2), "numbers below 10"),
        (pickle.dumps({b"data": 3, b"labels": []}, 2), "not a CIFAR file"),
        (pickle.dumps(BATCHES["test_batch"], 2)[:-400], "not a CIFAR file"),
        (b"", "not a CIFAR file"),
    ],
)
def test_wrong_files(folders, content, message):
    place = folders / "data" / "cifar10"
    write(place, BATCHES)
    (place / "data_batch_3").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        cifar10.load_data()
    assert not os.path.exists("/tmp/fastconv_was_here")


def test_damaged_files_raise_clean_errors(folders):
    """Bits of a pickle turned over: read, or refused with a ValueError; nothing else happens."""
    place = folders / "data" / "cifar100"
    write(place, HUNDRED)
    good = (place / "test").read_bytes()
    head = len(good) - 2 * 3072  # not the pixels alone
    for _ in range(150):
        bad = bytearray(good)
        at = int(RNG.integers(0, len(good))) if RNG.random() < 0.3 else int(RNG.integers(0, head))
        bad[at] ^= 1 << int(RNG.integers(0, 8))
        (place / "test").write_bytes(bytes(bad))
        try:
            _, (x, y) = cifar100.load_data()
            assert x.shape == (len(y), 32, 32, 3)
        except ValueError as error:
            assert "not a CIFAR file" in str(error)
