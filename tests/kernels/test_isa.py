"""The instruction set in use: chosen at import, forced by the environment, really run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from fastconv import ops
from fastconv.kernels import isa

from .. import programs

PROGRAM = "from fastconv.kernels import isa; print(isa.active(), *isa.tile_shape())"


def test_best_is_first_and_portable_is_always_there():
    assert set(isa.available()) <= set(isa.built())
    assert isa.built()[-1] == isa.available()[-1] == "portable"


@pytest.mark.parametrize("name", isa.available())
def test_environment_forces_one(name):
    assert programs.run("-c", PROGRAM, FASTCONV_ISA=name).split()[0] == name


def test_unknown_names_are_refused_at_import():
    with pytest.raises(AssertionError, match=r"FASTCONV_ISA must be one of \[.*got 'sse9'"):
        programs.run("-c", PROGRAM, FASTCONV_ISA="sse9")
    with pytest.raises(ValueError, match=r"must be one of \[.*got 'sse9'"):
        isa.use("sse9")


def test_the_active_one_really_runs(each_isa):
    """Vector lengths differ, and the peak of one instruction set is not that of another."""
    lengths = {"portable": 4, "avx2": 8, "avx512": 16, "amx": 16}
    assert isa.active() == each_isa
    assert isa.vector_length() == lengths[each_isa]
    assert isa.tile_shape()[1] % isa.vector_length() == 0
    assert isa.fma_peak(0.01) > 0


def test_instruction_sets_with_fma_agree_bit_by_bit(rng):
    """AVX2 and AVX-512 fuse and order alike; what differs is only how many lanes there are."""
    fused = [name for name in isa.available() if name != "portable"]
    x = rng.standard_normal((2, 9, 9, 20), np.float32)
    kernel = rng.standard_normal((3, 3, 20, 40), np.float32)
    before = isa.active()
    results = set()
    for name in fused:
        isa.use(name)
        results.add(ops.conv2d(x, kernel, algorithm="direct").tobytes())
    isa.use(before)
    assert len(results) <= 1


@pytest.mark.skipif(
    not (programs.ROOT / "setup.py").exists(), reason="needs the sources beside the tests"
)
def test_setup_and_registry_name_the_same():
    tree = ast.parse((programs.ROOT / "setup.py").read_text())
    rows = next(
        node.value.keys
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "ISAS"
    )
    registry = (programs.ROOT / "fastconv/kernels/csrc/isas.def").read_text()
    assert sorted(row.value for row in rows) == sorted(re.findall(r"FC_ISA\((\w+),", registry)[1:])


@pytest.mark.skipif("avx2" not in isa.available(), reason="for CPUs with FMA instructions")
def test_multiply_adds_are_fused():
    """Compiled with another C dialect, vectors would be multiplied and added one after another."""
    if subprocess.run(["which", "objdump"], capture_output=True, check=False).returncode:
        pytest.skip("needs objdump")
    with tempfile.TemporaryFile() as file:
        subprocess.run(["objdump", "-d", isa.__file__], stdout=file, check=True)
        file.seek(0)
        assert file.read().count(b"vfmadd") > 1000


def test_show_config_says_what_is_in_use():
    output = programs.run("-c", "import fastconv; fastconv.show_config()", FASTCONV_NUM_THREADS="1")
    assert re.search(rf"instruction set: +({'|'.join(isa.available())}) ", output)
    assert re.search(r"threads: +1 \(", output)
    assert sys.version.split()[0] in output


def test_sources_name_their_files():
    """The folder of the package is where the compiled modules are."""
    assert Path(isa.__file__).parent.name == "kernels"
