"""A part of what `python -m tests.fuzz_files --count 10000` tries, the same in each run."""

from __future__ import annotations

from tests import fuzz_files


def test_bad_files_are_refused_cleanly():
    outcomes, problems = fuzz_files.run(0, 1000)
    assert not problems
    assert outcomes["ValueError"] > 100
    assert set(outcomes) <= {"loaded", "ValueError", "TypeError", "Misfit", "OSError"}
