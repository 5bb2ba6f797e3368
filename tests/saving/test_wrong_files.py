"""What is said about files that are wrong, and what a failed save leaves behind."""

from __future__ import annotations

import json
import os
import zipfile

import pytest

from fastconv.models import load_model
from fastconv.saving import archive, limits, state

from .networks import ENDINGS, assert_same, make_data, network, trained


@pytest.fixture(scope="module")
def data():
    return make_data()


def test_names_and_overwriting(data, tmp_path, monkeypatch):
    model = network()
    path = tmp_path / "m.keras"
    with pytest.raises(ValueError, match=r'must end in ".keras" or ".h5" or ".hdf5", got "m.foo"'):
        model.save("m.foo")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        model.save(tmp_path / "nowhere" / "m.keras")
    with pytest.raises(FileNotFoundError, match="load_model: there is no file"):
        load_model(path)
    model.save(path)
    with pytest.raises(FileExistsError, match="exists, and overwrite is False"):
        model.save(path, overwrite=False)
    with pytest.raises(ValueError, match="leave zipped out"):
        model.save(path, zipped=False)
    with pytest.raises(TypeError, match="must be given by its path, got int"):
        load_model(3)
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_model(tmp_path / "folder")
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"neither a .keras nor an .h5 file"):
        load_model(tmp_path / "x.txt")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failed_save_leaves_the_old_file(ending, tmp_path, monkeypatch):
    path = tmp_path / f"m.{ending}"
    network().save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(state, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        network().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_truncated_files(data, tmp_path):
    model = trained(data)
    for ending, match in (("keras", "not a valid ZIP archive; is it trunc"), ("h5", "not a valid")):
        path = tmp_path / f"m.{ending}"
        model.save(path)
        path.write_bytes(path.read_bytes()[:-1000])
        size = path.stat().st_size
        with pytest.raises(ValueError, match=rf"m.{ending} \({size} bytes\) is {match}"):
            load_model(path)


@pytest.mark.parametrize("member", [archive.CONFIG, archive.WEIGHTS])
def test_a_flipped_bit(member, data, tmp_path):
    path = tmp_path / "m.keras"
    trained(data).save(path)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo(member)
        at = info.header_offset + 30 + len(member) + 200
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"m.keras: the member {member} is damaged: Bad CRC-32"):
        load_model(path)


def rewritten(path, edit, compression=zipfile.ZIP_STORED):
    """Change the members of an archive."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    edit(members)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)


def in_config(change):
    def edit(members):
        config = json.loads(members[archive.CONFIG])
        change(config)
        members[archive.CONFIG] = json.dumps(config)

    return edit


def in_layer(index, **options):
    return in_config(lambda config: config["config"]["layers"][index]["config"].update(options))


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda m: m.pop(archive.CONFIG), "has no member config.json"),
        (lambda m: m.pop(archive.WEIGHTS), "has no member model.weights.h5"),
        (lambda m: m.update({archive.CONFIG: b"\xff\xfe{"}), "config.json: this is no JSON"),
        (lambda m: m.update({archive.CONFIG: b" " * (limits.JSON_BYTES + 1)}), "would unfold to"),
        (lambda m: m.update({archive.WEIGHTS: b"no"}), "weights.h5 is not a valid HDF5 file"),
        (in_layer(6, units=4), r'Dense "dense.*: kernel must have shape \(5, 4\), .* \(5, 3\)'),
        (in_layer(6, units=10**9), r"need more than the \d+ bytes that a file of this size"),
        (in_layer(6, units=10**30), r"need more than the \d+ bytes that a file of this size"),
        (in_layer(1, kernel_initializer="os.system"), "initializer identifier: os.system"),
        (in_layer(1, frobnicate=3), "frobnicate"),
        (in_config(lambda c: c.update(config=[1])), "its config must be a dictionary"),
        (in_config(lambda c: c["compile_config"].update(loss="mean_squared_eror")), "compile=Fals"),
        (
            in_config(lambda c: c["config"]["layers"][1].update(class_name="Lambda")),
            "safe_mode refuses",
        ),
        (
            in_config(lambda c: c["config"]["layers"][1].update(class_name="Conv2", module="os")),
            "layer identifier: Conv2.*It is not part of fastconv",
        ),
    ],
)  # fmt: skip
def test_wrong_archives(edit, match, data, tmp_path):
    path = tmp_path / "m.keras"
    trained(data, epochs=1).save(path)
    rewritten(path, edit)
    with pytest.raises(ValueError, match=match):
        load_model(path)


def test_newer_keys_without_effect_are_ignored(data, tmp_path):
    path = tmp_path / "m.keras"
    trained(data, epochs=1).save(path)
    rewritten(path, in_layer(1, brand_new=None))
    with pytest.warns(UserWarning, match="ignored unknown settings without effect: brand_new"):
        load_model(path)


def test_compressed_archives_and_missing_metadata(data, tmp_path):
    model = trained(data)
    path = tmp_path / "m.keras"
    model.save(path)
    rewritten(path, lambda members: members.pop(archive.METADATA), zipfile.ZIP_DEFLATED)
    assert_same(model, load_model(path))


def test_a_zip_bomb_is_not_unfolded(data, tmp_path):
    path = tmp_path / "m.keras"
    trained(data, epochs=1).save(path)
    zeros = b"\0" * (limits.FREE_BYTES + 1)
    rewritten(path, lambda m: m.update({archive.WEIGHTS: zeros}), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"model.weights.h5 would unfold to 67108865 bytes"):
        load_model(path)


def test_zip64(data, tmp_path, monkeypatch):
    """An archive written and read as one of more than 4 GB is."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 20_000)
    monkeypatch.setattr(archive, "MEMORY_BYTES", 10)  # so that it passes through a file
    model = trained(data)
    model.save(tmp_path / "m.keras")
    assert_same(model, load_model(tmp_path / "m.keras"))


def test_weights_that_are_no_model(tmp_path):
    path = tmp_path / "m.weights.h5"
    network().save_weights(path)
    with pytest.raises(ValueError, match=r"holds no model, only weights: .* use load_weights"):
        load_model(path)
