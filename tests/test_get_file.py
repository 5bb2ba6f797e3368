"""utils.get_file: local addresses, hashes, and archives good and bad."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from fastconv.utils import get_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "datasets"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"content")
    return tmp_path / "a.txt"


def test_local_file_is_copied_once(source, cache):
    path = get_file(origin=source.as_uri())
    assert path == str(cache / "a.txt") and Path(path).read_bytes() == b"content"
    source.write_bytes(b"other")
    assert Path(get_file(origin=source.as_uri())).read_bytes() == b"content"
    assert Path(get_file(origin=source.as_uri(), force_download=True)).read_bytes() == b"other"
    assert get_file("b", source.as_uri(), cache_subdir="x") == str(cache.parent / "x" / "b")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_hash(source, algorithm):
    digest = hashlib.new(algorithm, b"content").hexdigest()
    get_file(origin=source.as_uri(), file_hash=digest.upper())
    source.write_bytes(b"other")
    get_file(origin=source.as_uri(), md5_hash=digest)
    with pytest.raises(ValueError, match="expected"):
        get_file("new", source.as_uri(), file_hash=digest)


def pack(path, names):
    """Write an archive; a name that begins with "@" is a link."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name in names:
                packed.writestr(name, b"x")
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name in names:
                info = tarfile.TarInfo(name.lstrip("@"))
                info.size = 1
                if name.startswith("@"):
                    info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc", 0
                tar.addfile(info, io.BytesIO(b"x"))
    return path.as_uri()


@pytest.mark.parametrize("end", ["zip", "tar.gz"])
def test_archives(tmp_path, cache, end):
    origin = pack(tmp_path / f"pictures.{end}", ["one.txt", "sub/two.txt"])
    folder = Path(get_file(origin=origin, extract=True))
    assert folder == cache / f"pictures.{end}"
    assert (folder / "one.txt").read_bytes() == (folder / "sub" / "two.txt").read_bytes() == b"x"
    named = get_file("p.bin", origin, extract=True)
    assert named == str(cache / "p_extracted")
    assert get_file("q", origin, extract=True) == str(cache / "q")
    assert (cache / "q_archive").exists()


@pytest.mark.parametrize(
    ("end", "names", "message"),
    [
        ("zip", ["../out.txt"], "leads out of the folder"),
        ("tar", ["a/../../out.txt"], "leads out of the folder"),
        ("tar", ["/tmp/fastconv_out.txt"], "leads out of the folder"),
        ("tar", ["@link"], "is a link or a device"),
    ],
)
def test_unsafe_archives(tmp_path, cache, end, names, message):
    origin = pack(tmp_path / f"bad.{end}", names)
    with pytest.raises(ValueError, match=message):
        get_file("bad", origin, extract=True)
    assert not (cache / "out.txt").exists() and not Path("/tmp/fastconv_out.txt").exists()


def test_wrong_arguments(source):
    with pytest.raises(ValueError, match="origin must be the address"):
        get_file("a")
    with pytest.raises(ValueError, match="without a folder"):
        get_file("../a", source.as_uri())
    with pytest.raises(ValueError, match="without a folder"):
        get_file(origin="http://example.org/")
    with pytest.raises(ValueError, match=r"origin must be an http\(s\) address"):
        get_file(origin="ftp://example.org/a")
    with pytest.raises(ValueError, match="archive_format must be one of"):
        get_file(origin=source.as_uri(), archive_format="rar")
    with pytest.raises(ValueError, match="cannot be unpacked: it is no archive"):
        get_file(origin=source.as_uri(), extract=True)
