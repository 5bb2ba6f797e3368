"""Data sets: the bundled digits, the search order of MNIST, and downloads that fail."""

import gzip
import hashlib
import http.server
import importlib.util
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from fastconv.datasets import digits, download, fashion_mnist, idx, mnist

from . import programs

ROOT = Path(__file__).parent.parent
DIGITS_FILE = ROOT / "fastconv" / "datasets" / "data" / "digits.npz"

# digits


@pytest.mark.parametrize("size", [1, 5, 8, 28])
def test_digits_shapes(size):
    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=size)
    assert x_train.shape == (1438, size, size) and x_test.shape == (359, size, size)
    assert y_train.shape == (1438,) and y_test.shape == (359,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert all(a.flags.c_contiguous and a.flags.writeable for a in (x_train, x_test))


def test_digits_split_is_stratified():
    (_, y_train), (_, y_test) = digits.load_data(8)
    share = np.bincount(y_test) / np.bincount(np.concatenate([y_train, y_test]))
    assert np.abs(share - 0.2).max() < 0.004
    assert set(y_train[-100:]) == set(range(10))  # what validation_split would take


def test_digits_are_white_on_black_and_use_the_whole_range():
    (x_train, _), _ = digits.load_data()
    assert (x_train.min(), x_train.max()) == (0, 255)
    assert x_train[:, 0, 0].mean() < 5 < x_train.mean()


def test_digits_resize_is_bilinear_with_half_pixel_centres():
    """Against the definition, pixel by pixel."""
    (small, _), _ = digits.load_data(8)
    (large, _), _ = digits.load_data(13)
    with np.load(DIGITS_FILE) as arrays:
        source = arrays["x_train"][0].astype(np.float64)
    assert np.array_equal(small[0], np.floor(source * 255 / 16 + 0.5))
    at = np.clip((np.arange(13) + 0.5) * 8 / 13 - 0.5, 0, 7)
    for i, y in enumerate(at):
        for j, x in enumerate(at):
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, 7), min(x0 + 1, 7)
            top = source[y0, x0] * (x0 + 1 - x) + source[y0, x1] * (x - x0)
            bottom = source[y1, x0] * (x0 + 1 - x) + source[y1, x1] * (x - x0)
            expected = (top * (y0 + 1 - y) + bottom * (y - y0)) * 255 / 16
            assert abs(int(large[0, i, j]) - expected) <= 0.5 + 1e-9, (i, j)


def test_digits_are_the_same_everywhere():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    digest = hashlib.sha256(b"".join(a.tobytes() for a in (x_train, y_train, x_test, y_test)))
    assert digest.hexdigest()[:16] == "7a4041cfe2c1d3f3"


def test_digits_are_all_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    with np.load(DIGITS_FILE, allow_pickle=False) as arrays:
        images = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(-1, 64)
        labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    ours = np.column_stack([images, labels])
    theirs = np.column_stack([theirs.data, theirs.target])
    np.testing.assert_array_equal(
        ours[np.lexsort(ours.T)].astype(int), theirs[np.lexsort(theirs.T)].astype(int)
    )


def test_digits_file_is_small_and_made_by_the_script(tmp_path):
    assert DIGITS_FILE.stat().st_size < 60_000
    pytest.importorskip("sklearn.datasets")
    spec = importlib.util.spec_from_file_location("make_digits", ROOT / "tools" / "make_digits.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.TARGET = tmp_path / "digits.npz"
    script.main()
    with np.load(script.TARGET) as made, np.load(DIGITS_FILE) as kept:
        assert sorted(made) == sorted(kept)
        for key in made:
            np.testing.assert_array_equal(made[key], kept[key])


@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-1, ValueError), (2.5, TypeError)])
def test_digits_wrong_size(size, error):
    with pytest.raises(error, match=r"digits\.load_data: image_size must be"):
        digits.load_data(size)


# MNIST and Fashion-MNIST


SHAPES = {  # a hundredth of the real ones, for speed
    "x_train": (600, 28, 28),
    "y_train": (600,),
    "x_test": (100, 28, 28),
    "y_test": (100,),
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty data folder and cache, and no network."""
    monkeypatch.setattr(idx, "SHAPES", SHAPES)
    data, cache = tmp_path / "data", tmp_path / "keras"
    monkeypatch.setenv("FASTCONV_DATA", str(data))
    monkeypatch.setenv("KERAS_HOME", str(cache))
    nowhere = "http://127.0.0.1:9/"  # the discard port: refuses connections
    monkeypatch.setattr(mnist, "ORIGIN", nowhere + "mnist.npz")
    monkeypatch.setattr(fashion_mnist, "ORIGIN", nowhere)
    monkeypatch.setenv("no_proxy", "*")
    return data, cache


@pytest.fixture(scope="module")
def arrays():
    """Return arrays of the right shapes, every image filled with a number of its own."""
    made = {}
    for key, shape in SHAPES.items():
        values = (np.arange(shape[0]) % (10 if len(shape) == 1 else 251)).astype(np.uint8)
        made[key] = np.broadcast_to(values.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()
    return made


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.tobytes()


def write_idx(folder, arrays, suffix=".gz"):
    folder.mkdir(parents=True)
    for key, array in arrays.items():
        data = idx_bytes(array)
        (folder / (idx.IDX_FILES[key] + suffix)).write_bytes(
            gzip.compress(data, 1) if suffix else data
        )


def write_npz(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_equal(loaded, arrays):
    (x_train, y_train), (x_test, y_test) = loaded
    found = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    for key, array in found.items():
        assert array.dtype == np.uint8 and array.flags.writeable
        np.testing.assert_array_equal(array, arrays[key], err_msg=key)


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
@pytest.mark.parametrize("suffix", [".gz", ""])
def test_load_idx_from_data_folder(folders, arrays, module, suffix):
    name = module.__name__.rpartition(".")[2]
    write_idx(folders[0] / name, arrays, suffix)
    assert_equal(module.load_data(), arrays)


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_load_npz_from_data_folder(folders, arrays, module):
    name = module.__name__.rpartition(".")[2]
    write_npz(folders[0] / name / f"{name}.npz", arrays)
    assert_equal(module.load_data(), arrays)


def test_load_mnist_from_cache(folders, arrays, monkeypatch):
    monkeypatch.setattr(mnist, "SHA256", write_npz(folders[1] / "datasets" / "mnist.npz", arrays))
    assert_equal(mnist.load_data(), arrays)


def test_load_mnist_from_absolute_path(folders, arrays, tmp_path):
    write_npz(tmp_path / "my.npz", arrays)
    assert_equal(mnist.load_data(path=str(tmp_path / "my.npz")), arrays)


def test_load_fashion_mnist_from_cache(folders, arrays, monkeypatch):
    folder = folders[1] / "datasets" / "fashion-mnist"
    write_idx(folder, arrays)
    for key, file in idx.IDX_FILES.items():
        digest = hashlib.sha256((folder / f"{file}.gz").read_bytes()).hexdigest()
        monkeypatch.setitem(fashion_mnist.SHA256, key, digest)
    assert_equal(fashion_mnist.load_data(), arrays)


def test_data_folder_comes_before_cache(folders, arrays, monkeypatch):
    other = {key: np.zeros_like(array) for key, array in arrays.items()}
    monkeypatch.setattr(mnist, "SHA256", write_npz(folders[1] / "datasets" / "mnist.npz", other))
    write_idx(folders[0] / "mnist", arrays)
    assert_equal(mnist.load_data(), arrays)


def test_offline_message_says_which_file_goes_where(folders):
    _, cache = folders
    with pytest.raises(OSError) as caught:
        mnist.load_data()
    message = str(caught.value)
    assert f"put the file at {cache / 'datasets' / 'mnist.npz'}." in message
    assert (
        "set FASTCONV_DATA to a folder that has mnist/ with train-images-idx3-ubyte.gz" in message
    )
    with pytest.raises(OSError, match=r"train-images-idx3-ubyte\.gz") as caught:
        fashion_mnist.load_data()
    assert str(cache / "datasets" / "fashion-mnist" / "train-images") in str(caught.value)


def test_incomplete_data_folder(folders, arrays):
    write_idx(folders[0] / "mnist", arrays)
    (folders[0] / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks t10k-labels-idx1-ubyte \(or \.gz\)"):
        mnist.load_data()


@pytest.mark.parametrize("damage", ["cut", "noise", "longer", "shape", "type", "plain"])
def test_damaged_idx_file(folders, arrays, damage):
    write_idx(folders[0] / "mnist", arrays)
    path = folders[0] / "mnist" / "train-labels-idx1-ubyte.gz"
    good = path.read_bytes()
    raw = idx_bytes(arrays["y_train"])
    path.write_bytes(
        {
            "cut": good[: len(good) // 2],
            "noise": good[:20] + bytes(b ^ 255 for b in good[20:40]) + good[40:],
            "longer": gzip.compress(raw + b"\0"),
            "shape": gzip.compress(idx_bytes(arrays["y_test"])),
            "type": gzip.compress(raw[:2] + b"\x0d" + raw[3:]),
            "plain": raw,
        }[damage]
    )
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte\.gz is (damaged|not an IDX)"):
        mnist.load_data()


@pytest.mark.parametrize(
    "change",
    [
        {"y_train": np.zeros(599, np.uint8)},
        {"x_test": np.zeros((100, 28, 28), np.float32)},
        {"y_test": np.full(100, 10, np.uint8)},
        {"y_test": np.array([None])},
    ],
    ids=["shape", "dtype", "labels", "pickle"],
)
def test_wrong_npz(folders, arrays, change):
    write_npz(folders[0] / "mnist" / "mnist.npz", {**arrays, **change})
    with pytest.raises(ValueError, match=r"mnist\.npz"):
        mnist.load_data()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"no zip at all"])
def test_broken_npz(folders, content):
    (folders[0] / "mnist").mkdir(parents=True)
    (folders[0] / "mnist" / "mnist.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"mnist\.npz must hold the arrays x_train"):
        mnist.load_data()


def test_npy_instead_of_npz(folders, tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"must hold the arrays .*: it is a single array"):
        mnist.load_data(str(tmp_path / "one.npy"))


@pytest.mark.skipif("FASTCONV_DATA" not in os.environ, reason="needs MNIST in $FASTCONV_DATA")
def test_real_mnist():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert round(float(x_train.mean()) / 255, 4) == 0.1307
    assert round(float(x_test.mean()) / 255, 4) == 0.1325


# Downloads


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the server's `content`, well or badly according to the path."""

    def do_GET(self):
        content = self.server.content
        self.server.requests.append(self.path)
        if self.path == "/error":
            self.send_error(503)
            return
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        self.send_response(200)
        if self.path != "/unannounced":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/truncated" else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content = bytes(range(256)) * 4000  # several chunks
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.sha256 = hashlib.sha256(server.content).hexdigest()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/file", "/unannounced", "/redirect"])
def test_download(server, tmp_path, capsys, path):
    found = download.get_file("a.bin", server.url + path, server.sha256, cache_dir=str(tmp_path))
    assert found == str(tmp_path / "datasets" / "a.bin")
    assert Path(found).read_bytes() == server.content
    assert os.listdir(tmp_path / "datasets") == ["a.bin"]
    assert capsys.readouterr().out == f"Downloading {server.url}{path}\n"


def test_download_only_once(server, tmp_path, capsys):
    for expected in (1, 1):
        download.get_file("a.bin", server.url + "/file", server.sha256, cache_dir=str(tmp_path))
        assert len(server.requests) == expected
    download.get_file("a.bin", server.url + "/file", cache_dir=str(tmp_path))
    assert len(server.requests) == 1
    download.get_file("a.bin", server.url + "/file", cache_dir=str(tmp_path), force_download=True)
    assert len(server.requests) == 2


def test_download_replaces_an_outdated_file(server, tmp_path):
    target = tmp_path / "datasets" / "a.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    download.get_file("a.bin", server.url + "/file", server.sha256, cache_dir=str(tmp_path))
    assert target.read_bytes() == server.content


def test_download_uses_keras_home(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    found = download.get_file("a.bin", server.url + "/file", cache_subdir="sub")
    assert found == str(tmp_path / "home" / "sub" / "a.bin")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.cache_path("b") == str(tmp_path / ".keras" / "datasets" / "b")


@pytest.mark.parametrize("cached", [b"old", None], ids=["cached", "empty"])
@pytest.mark.parametrize(
    ("path", "right_hash", "error", "message"),
    [
        ("/file", False, ValueError, "has SHA-256 .* expected 0000"),
        ("/truncated", True, OSError, "ended after 512000 of 1024000 bytes"),
        ("/truncated", None, OSError, "ended after 512000 of 1024000 bytes"),
        ("/error", True, OSError, r"could not download .*/error \(HTTP Error 503.*put the file at"),
    ],
    ids=["hash", "truncated", "truncated-no-hash", "error"],
)
def test_failed_download(server, tmp_path, cached, path, right_hash, error, message):
    """Nothing changes in the cache, and nothing is left behind."""
    target = tmp_path / "datasets" / "a.bin"
    if cached is not None:
        target.parent.mkdir()
        target.write_bytes(cached)
    file_hash = None if right_hash is None else server.sha256 if right_hash else "0" * 64
    with pytest.raises(error, match=message):
        download.get_file(
            "a.bin",
            server.url + path,
            file_hash,
            cache_dir=str(tmp_path),
            force_download=True,
            advice=" More.",
        )
    assert os.listdir(target.parent) == ([] if cached is None else ["a.bin"])
    assert cached is None or target.read_bytes() == cached


def test_interrupted_download(server, tmp_path, monkeypatch):
    target = tmp_path / "datasets" / "a.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")
    pump = download._pump

    def interrupted(read, write, algorithm):
        def write_once(block):
            write(block)
            assert len(os.listdir(target.parent)) == 2  # it was under way, beside the old file
            raise KeyboardInterrupt

        return pump(read, write_once, algorithm)

    monkeypatch.setattr(download, "_pump", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download.get_file(
            "a.bin", server.url + "/file", cache_dir=str(tmp_path), force_download=True
        )
    assert os.listdir(target.parent) == ["a.bin"]
    assert target.read_bytes() == b"old"


def test_unwritable_cache(server, tmp_path):
    (tmp_path / "datasets").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="could not download"):
        download.get_file("a.bin", server.url + "/file", cache_dir=str(tmp_path))


@pytest.mark.parametrize("origin", ["file:///etc/passwd", "ftp://example.org/a", "a.bin"])
def test_download_only_from_the_web(tmp_path, origin):
    with pytest.raises(ValueError, match="origin must be an http"):
        download.get_file("a.bin", origin, cache_dir=str(tmp_path))


def test_import_loads_no_network_code():
    code = (
        "import sys, numpy; before = set(sys.modules); import fastconv.datasets; "
        "new = set(sys.modules) - before; "
        "print([m for m in ('urllib.request', 'http.client', 'ssl', 'gzip', 'zipfile', 'hashlib') "
        "if m in new])"
    )
    assert programs.run("-c", code).strip() == "[]"
