"""Autotune: which algorithms run when, what is kept of it, and tables in files. No real times."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest

import fastconv
from fastconv import config, files, layers, ops
from fastconv.kernels import isa
from fastconv.ops import bound, machine
from fastconv.ops.algorithms import ConvAlgorithm, autotune, plan_conv2d
from fastconv.ops.conv2d import make_problem

DIRECTIONS = "forward", "backward_input", "backward_filter"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A process that has measured nothing."""
    for name, value in {"_table": {}, "_enabled": False, "_loads": 0}.items():
        monkeypatch.setattr(autotune, name, value)


def problem(N=1, H=12, C=64, F=64, **options):
    options = {"strides": 1, "padding": "same", "dilation": 1, "groups": 1} | options
    return make_problem("test", (N, H, H, C), (3, 3, C // options["groups"], F), **options)


@pytest.fixture
def fastest(monkeypatch):
    """A function that lets one algorithm win all measurements; those made since are its list."""
    measured = []

    def let(name):
        def measure(p, direction, images, able):
            measured.append((p, direction, images, [a.name for a in able]))
            return autotune.Timing(images, 1, {a.name: 1.0 + (a.name != name) for a in able})

        monkeypatch.setattr(autotune, "_measure", measure)
        return measured

    config.set_autotune(True)
    return let


class Timed(ConvAlgorithm):
    """Takes the given seconds, one after the other, then the last one for ever."""

    def __init__(self, name, *seconds):
        self.name, self.left, self.runs = name, list(seconds), 0

    def backward_filter(self, p, *arrays):
        self.runs += 1
        self.problem, self.arrays = p, arrays
        Timed.now += self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def bind_forward(self, *arguments):
        return lambda packed: self.backward_filter(*arguments)

    bind_backward_input = bind_forward


@pytest.fixture
def clock(monkeypatch):
    Timed.now = 0.0
    monkeypatch.setattr(autotune, "_clock", lambda: Timed.now)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_least_time_wins_and_is_measured_once(clock, direction):
    # The first run builds and touches; one disturbed run does not decide.
    able = Timed("steady", 9.0, 1.0), Timed("best", 0.1, 2.0, 2.0, 0.75, 3.0), Timed("slow", 8.0)
    timing = autotune.timing(problem(), direction, 4, able)
    assert timing.best == "best"
    assert timing.seconds == {"steady": 1.0, "best": 0.75, "slow": 8.0}
    assert timing.images == 4
    assert timing.threads == config.get_num_threads()
    assert able[0].runs == able[1].runs > able[2].runs  # which had no chance after its first
    runs = [algorithm.runs for algorithm in able]
    assert autotune.timing(problem(), direction, 1, able) is timing
    assert [algorithm.runs for algorithm in able] == runs


def test_one_candidate_has_no_turns(clock):
    only = Timed("only", 1.0)
    autotune.timing(problem(), "forward", 1, [only])
    assert only.runs == 3


def test_short_runs_are_repeated(clock):
    able = Timed("a", 1e-6), Timed("b", 2e-6)
    seconds = autotune.timing(problem(), "forward", 1, able).seconds
    assert seconds == pytest.approx({"a": 1e-6, "b": 2e-6})
    assert able[0].runs > autotune.TURNS * 100


def test_runs_are_of_the_sizes_of_the_problem(clock, monkeypatch):
    p = problem(C=6, F=10)
    shapes = {
        "forward": [(5, 12, 12, 6), (3, 3, 6, 10), (5, 12, 12, 10)],
        "backward_input": [(5, 12, 12, 10), (3, 3, 6, 10), (5, 12, 12, 6)],
        "backward_filter": [(5, 12, 12, 6), (5, 12, 12, 10), (3, 3, 6, 10)],
    }
    for direction in DIRECTIONS:
        only = Timed("only", 1.0)
        autotune.timing(p, direction, 5, [only])
        assert only.problem.N == 5
        given = [a.shape for a in only.arrays if isinstance(a, np.ndarray)]
        assert given == shapes[direction]
    # No second copy of what is huge, and no empty batch.
    monkeypatch.setattr(autotune, "MOST_BYTES", 3 * 4 * 12 * 12 * 16)
    for images, expected in ((0, 1), (2, 2), (100, 3)):
        autotune._table.clear()
        only = Timed("only", 1.0)
        autotune.timing(p, "forward", images, [only])
        assert only.problem.x_shape[0] == expected


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_real_algorithms_run(each_isa, direction):
    config.set_autotune(True)
    for p in (problem(2, 7, 16, 16), problem(1, 6, 8, 8, groups=8), problem(0, 5, 3, 4, strides=2)):
        chosen = plan_conv2d(p, direction)
        assert chosen.unsupported_reason(p, direction) is None
    assert {key.isa for key in autotune._table} == {each_isa}


def test_off_unless_asked_for():
    assert not config.autotune()
    plan_conv2d(problem(), "forward")
    assert not autotune._table
    with pytest.raises(TypeError, match="set_autotune: enabled must be a bool, got str"):
        config.set_autotune("yes")


def everywhere(measured):
    """Return what was measured last, but for what needs a certain CPU."""
    return [name for name in measured[-1][-1] if not name.startswith("split")]


def test_only_what_is_able_and_accurate_enough_is_measured(fastest):
    measured = fastest("im2col")
    assert plan_conv2d(problem(C=24), "forward").name == "im2col"
    assert everywhere(measured) == ["winograd2", "direct", "im2col"]
    with config.float32_matmul_precision("high"):
        plan_conv2d(problem(C=24), "forward")
    assert everywhere(measured) == ["winograd2", "winograd3", "winograd4", "direct", "im2col"]
    assert len(measured) == 2


def test_choice_is_the_same_for_any_batch_size(fastest):
    """Except for the kernel's gradient, which is a sum over the batch."""
    measured = fastest("im2col")
    assert [plan_conv2d(problem(n), "forward").name for n in (8, 1, 64)] == ["im2col"] * 3
    assert [plan_conv2d(problem(n), "backward_input").name for n in (2, 1)] == ["im2col"] * 2
    assert [images for *_, images, _ in measured] == [8, 2]
    fastest("direct")
    assert plan_conv2d(problem(1), "forward").name == "im2col"
    assert plan_conv2d(problem(4), "backward_filter").name == "direct"
    fastest("winograd2")
    assert plan_conv2d(problem(5), "backward_filter").name == "winograd2"
    config.set_autotune(False)
    fresh = plan_conv2d(problem(1), "forward")
    config.set_autotune(True)
    assert plan_conv2d(problem(1), "forward") is not fresh


def test_threads_that_measure_at_once_agree(monkeypatch):
    both = threading.Barrier(2)
    winners = iter(["direct", "im2col"])

    def measure(p, direction, images, able):
        both.wait(timeout=60)
        name = next(winners)
        return autotune.Timing(images, 1, {a.name: 1.0 + (a.name != name) for a in able})

    monkeypatch.setattr(autotune, "_measure", measure)
    config.set_autotune(True)
    chosen = []
    threads = [
        threading.Thread(target=lambda: chosen.append(plan_conv2d(problem(), "forward").name))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chosen) == 2
    assert chosen[0] == chosen[1]


def test_explain_says_what_was_measured(fastest):
    fastest("im2col")
    text = ops.explain_conv2d((4, 12, 12, 64), (3, 3, 64, 64), padding="same")
    lines = {line.split(":")[0].strip(): line for line in text.splitlines()}
    assert "measured with 4 image(s) on 1 thread(s)" in text
    assert "1000000.0 us measured" in lines["im2col"]
    assert lines["im2col"].endswith("<- chosen: the least time")
    assert "2000000.0 us measured" in lines["direct"]
    assert "no, less accurate" in lines["winograd4"]
    assert "predicted" not in text


def test_compiled_steps_notice_the_switch(fastest, rng):
    model = fastconv.Sequential([layers.Input((12, 12, 64)), layers.Conv2D(64, 3)])
    x = rng.standard_normal((2, 12, 12, 64)).astype(np.float32)
    kernel, bias = model.get_weights()

    def result(algorithm):
        return ops.conv2d(x, kernel, bias, algorithm=algorithm)

    config.set_autotune(False)
    before = [np.asarray(model(x)) for _ in range(3)][-1]
    assert not np.array_equal(before, result("im2col"))
    fastest("im2col")
    config.set_autotune(True)
    for _ in range(3):  # as it is, compiled, and compiled before
        np.testing.assert_array_equal(model(x), result("im2col"))
    config.set_autotune(False)
    np.testing.assert_array_equal(model(x), before)


def test_choices_go_to_a_file_and_back(fastest, tmp_path):
    fastest("im2col")
    path = tmp_path / "choices.json"
    problems = [problem(2), problem(groups=2), problem(3, padding=((1, 0), (2, 3)))]
    for p in problems:
        for direction in DIRECTIONS:
            plan_conv2d(p, direction)
    config.save_autotune(path)
    table, autotune._table = autotune._table, {}
    before = bound.settings()
    measured = fastest("direct")
    assert plan_conv2d(problem(), "forward").name == "direct"  # the file's choice counts for more
    measured.clear()
    assert config.load_autotune(str(path)) == 9
    assert autotune._table == table
    assert bound.settings() != before
    assert {plan_conv2d(p, d).name for p in problems for d in DIRECTIONS} == {"im2col"}
    assert not measured
    assert [f.name for f in tmp_path.iterdir()] == ["choices.json"]


def test_choices_of_another_machine_are_not_used(fastest, tmp_path, monkeypatch):
    fastest("im2col")
    plan_conv2d(problem(), "forward")
    config.save_autotune(tmp_path / "choices.json")
    for owner, name, other in (
        (machine, "cpu_name", lambda: "another CPU"),
        (autotune, "__version__", "0.0.1"),
        (isa, "active", lambda: "another instruction set"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, other)
            patch.setattr(autotune, "_table", {})
            assert config.load_autotune(tmp_path / "choices.json") == 0
            measured = fastest("direct")
            measured.clear()
            assert plan_conv2d(problem(), "forward").name == "direct"
            assert len(measured) == 1


def test_choices_between_other_algorithms_are_measured_anew(fastest, tmp_path):
    fastest("im2col")
    plan_conv2d(problem(), "forward")
    path = tmp_path / "choices.json"
    config.save_autotune(path)
    document = json.loads(path.read_text())
    document["entries"][0]["seconds"]["winograd4"] = 0.001  # which is not accurate enough
    path.write_text(json.dumps(document))
    autotune._table.clear()
    assert config.load_autotune(path) == 1
    assert plan_conv2d(problem(), "forward").name == "im2col"


def test_failed_save_leaves_the_old_file(fastest, tmp_path, monkeypatch):
    fastest("im2col")
    plan_conv2d(problem(), "forward")
    path = tmp_path / "choices.json"
    config.save_autotune(path)
    old = path.read_text()

    def fail(*arguments):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk is full"):
        config.save_autotune(path)
    monkeypatch.undo()
    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


def changed(document, *keys, value):
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value


ENTRY = "entries", 0


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["format"], "fastconv autotune 0", '"format" is not "fastconv autotune 1"'),
        (["cpu"], 7, "the file: cpu must be a str, got int"),
        (["entries"], {}, "entries must be a list, got dict"),
        (["more"], 1, "must have the keys format, version, cpu, entries"),
        ([*ENTRY], 3, "entry 0 must be a dict, got int"),
        ([*ENTRY, "direction"], "forwards", 'entry 0: direction .*Did you mean "forward"'),
        ([*ENTRY, "problem", "N"], 1.5, "entry 0: problem: N must be a int, got float"),
        ([*ENTRY, "problem", "strides"], [1], "strides must have 2 items, got 1"),
        ([*ENTRY, "problem", "pads"], [[1, 1], [1, "1"]], "pads: 1: 1 must be a int, got str"),
        ([*ENTRY, "problem", "precision"], "exact", "entry 0: precision must be one of"),
        ([*ENTRY, "problem"], {"N": 1}, "problem must have the keys N, H, W"),
        ([*ENTRY, "seconds"], {}, "entry 0: seconds must be finite"),
        ([*ENTRY, "seconds", "direct"], -1.0, "entry 0: seconds must be finite"),
        ([*ENTRY, "seconds", "direct"], float("nan"), "entry 0: seconds must be finite"),
        ([*ENTRY, "seconds", "direct"], "1", "entry 0: seconds: direct must be a float, got str"),
    ],
)
def test_wrong_files_are_refused_by_name(fastest, tmp_path, keys, value, message):
    fastest("im2col")
    plan_conv2d(problem(), "forward")
    path = tmp_path / "choices.json"
    config.save_autotune(path)
    document = json.loads(path.read_text())
    changed(document, *keys, value=value)
    path.write_text(json.dumps(document))
    table, state = dict(autotune._table), autotune.state()
    with pytest.raises(ValueError, match=f"load_autotune: .*choices.json .*{message}"):
        config.load_autotune(path)
    assert (autotune._table, autotune.state()) == (table, state)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\0", '{"format"', "[" * 100_000])
def test_what_is_no_table_is_refused(tmp_path, text):
    path = tmp_path / "choices.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is no table of choices"):
        config.load_autotune(path)


def test_wrong_paths(tmp_path):
    with pytest.raises(ValueError, match=r'must end in "\.json"'):
        config.save_autotune(tmp_path / "model.keras")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        config.save_autotune(tmp_path / "nowhere" / "choices.json")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        config.load_autotune(tmp_path / "choices.json")
    with pytest.raises(TypeError, match="load_autotune: the file must be given by its path"):
        config.load_autotune(3)
    assert files.as_path("test", tmp_path / "a.json", (".json",)).endswith("a.json")
