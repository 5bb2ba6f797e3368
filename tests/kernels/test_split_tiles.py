"""The AMX strip of split floats, which few machines can run, on emulated tiles."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .. import programs

CSRC = programs.ROOT / "fastconv/kernels/csrc"
COMPILER = shutil.which("cc")


@pytest.mark.skipif(
    COMPILER is None or not CSRC.exists(), reason="needs a compiler and the sources"
)
@pytest.mark.parametrize("fused", ["off", "fast"])
def test_amx_strip_stores_what_vectors_store(tmp_path, fused):
    program = tmp_path / "emulated_amx"
    source = Path(__file__).with_name("emulated_amx.c")
    flags = ["-std=gnu11", "-O1", f"-ffp-contract={fused}", f"-I{CSRC}"]
    command = [COMPILER, *flags, str(source), "-o", str(program), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
