"""The programs of benchmarks/: they run, and what they call exact, equal or as expected is so."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="the benchmarks lie beside the tests in a checkout only")

import fastconv
from benchmarks import (
    accuracy,
    bench_conv2d,
    bench_gemm,
    bench_inference,
    bench_training,
    first_step,
    fit_costs,
    plan_regret,
    problems,
    table,
    truth,
)
from benchmarks.inputs import pattern_images, standard_normal
from benchmarks.networks import NETWORKS, keras_words
from benchmarks.peers.training import PEERS as TRAINING_PEERS

from . import programs, reference

ALONE = ["--quick", "--peers", "none"]


@pytest.mark.parametrize(
    ("program", "arguments", "headers"),
    [
        (bench_conv2d, ["lenet5_c?_5x5", *ALONE], ["GF/s", "geometric means"]),
        (bench_gemm, ["square_256", *ALONE], ["GF/s", "geometric means"]),
        (bench_training, ["--net", "lenet5", *ALONE], ["images/s", "start s"]),
        (bench_inference, ["--net", "lenet5", "--batch", "1,3", *ALONE], ["images/s", "way"]),
        (
            bench_inference,
            ["--net", "lenet5", "--startup", "--rounds", "1", *ALONE],
            ["median s", "first prediction"],
        ),
    ],
)
def test_program_runs_and_its_file_becomes_markdown(program, arguments, headers, tmp_path, capsys):
    path = tmp_path / "run.json"
    assert program.main([*arguments, "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert all(header in printed for header in headers)
    assert "failed" not in printed
    assert table.main([str(path)]) == 0
    marked = capsys.readouterr().out
    assert "| --- |" in marked
    assert json.loads(path.read_text())["machine"]["commit"] in marked


def test_table_refuses_what_is_no_table():
    document = {"benchmark": "plan_regret", "machine": {}, "runs": []}
    with pytest.raises(ValueError, match="benchmark must be"):
        list(table.markdown(document))


def test_plan_regret_counts_every_candidate(tmp_path, capsys):
    path = tmp_path / "regret.json"
    arguments = ["article_conv2_3x3", "--batch", "2", "--quick", "--json", str(path)]
    assert plan_regret.main(arguments) == 0
    assert "geometric mean" in capsys.readouterr().out
    rows = json.loads(path.read_text())["runs"][0]["rows"]
    assert [row["direction"] for row in rows] == ["forward", "input", "kernel"]
    for row in rows:
        times = row["median_us"]
        assert {"direct", "im2col", row["chosen"], row["best"]} <= set(times)
        assert times[row["best"]] == min(times.values())
        assert row["regret"] == pytest.approx(times[row["chosen"]] / times[row["best"]])


def test_step_overhead_finds_the_kernels_of_a_step(tmp_path):
    """In a process of its own: it has all kernels timed."""
    path = tmp_path / "overhead.json"
    printed = programs.run(
        "-m", "benchmarks.step_overhead", "--net", "lenet5", "--quick", "--json", str(path),
        cwd=str(programs.ROOT))  # fmt: skip
    assert "step of fit" in printed and "model(x)" in printed
    rows = json.loads(path.read_text())["runs"][0]["rows"]
    assert {"forward", "backward", "optimizer", "take rows"} <= set(rows[0]["parts_us"])
    for row in rows:
        assert 0 < row["kernels_us"] < row["median_us"]


def test_first_step_is_timed_in_new_processes(tmp_path, capsys):
    path = tmp_path / "first.json"
    assert first_step.main(["--net", "lenet5,article", "--quick", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "first/later" in printed
    rows = json.loads(path.read_text())["runs"][0]["rows"]
    batches = [(net, batch) for net in ("lenet5", "article") for batch in NETWORKS[net].batches]
    assert [(row["net"], row["batch"]) for row in rows] == batches
    for row in rows:
        assert all(row[key] > 0 for key in first_step.COLUMNS)
        assert row["least_before_ms"] <= row["before_ms"]
    assert first_step.in_new_process(os.getpid) != os.getpid()


def test_what_cannot_be_drawn_is_refused(capsys):
    for program in (first_step, accuracy, fit_costs):
        with pytest.raises(SystemExit):
            program.main(["--plot", "picture.png"])
        assert "nothing to draw" in capsys.readouterr().err


def test_accuracy_compares_every_candidate_with_a_chain(tmp_path, capsys):
    path = tmp_path / "accuracy.json"
    assert accuracy.main(["article_conv2_3x3", "--json", str(path)]) == 0
    assert "worst / chain's" in capsys.readouterr().out
    rows = json.loads(path.read_text())["runs"][0]["rows"]
    assert {row["direction"] for row in rows} == {"forward", "input", "kernel"}
    assert {"direct", "im2col", "winograd2"} <= {row["algorithm"] for row in rows}
    assert all(0.1 < row["excess"] < 1.5 for row in rows)


def test_fit_costs_prints_every_constant(capsys):
    assert fit_costs.main(["lenet5_c3_5x5", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in fit_costs.constants())
    assert len(fit_costs.constants()) >= 2


def test_fit_finds_the_weights_that_made_the_times():
    rng = np.random.default_rng(0)
    counts = rng.random((60, 4)) * [1e6, 1e5, 1e6, 0]
    cycles = counts @ np.array([0.5, 7.0, 0.0, 1.0])
    fitted = fit_costs.fit(counts, cycles, np.array([1.0, 1.0, 0.3, 2.0]))
    # Held to the present values a little; the last one no timing depends on.
    assert fitted == pytest.approx([0.5, 7.0, 0.0, 2.0], rel=0.05, abs=0.02)


PROBLEM = problems.Problem(
    "odd", 2, 7, 6, 4, 6, 3, 2, (2, 1), ((1, 2), (0, 1)), dilation=(1, 2), groups=2
)


@pytest.mark.parametrize("direction", ["forward", "input", "kernel"])
def test_truth_is_the_reference(direction):
    p = PROBLEM
    shapes = {"x": p.input_shape, "kernel": p.kernel_shape, "dy": p.output_shape}
    arrays = {name: standard_normal(name, shape) for name, shape in shapes.items()}
    x, kernel, dy = (array.astype(np.float64) for array in arrays.values())
    want = {
        "forward": lambda: reference.conv2d(x, kernel, **p.geometry),
        "input": lambda: reference.conv2d_backward_input(dy, kernel, p.input_shape, **p.geometry),
        "kernel": lambda: reference.conv2d_backward_filter(x, dy, p.kernel_shape, **p.geometry),
    }[direction]()
    exact = truth.conv2d_truth(p, direction)
    rows = want.reshape(-1, want.shape[-1])[exact.rows[0]]
    np.testing.assert_allclose(exact.values[0], rows, rtol=1e-12, atol=1e-12)


def test_precision_classes_by_measured_error():
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 300, 512), dtype=np.float32).astype(np.float64)
    exact = (x * w).sum(0)

    def graded(result):
        error = np.sqrt(np.mean((result - exact) ** 2) / np.mean(exact**2))
        return truth.precision_of(error, error / truth.chain_error(len(x)))

    chain = np.zeros(512, np.float32)
    for product in x * w:
        chain = (chain + product).astype(np.float32)
    assert graded(chain) == "highest"
    short = [(v.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32) for v in (x, w)]
    assert graded((short[0].astype(np.float64) * short[1]).sum(0)) == "medium"
    assert graded(exact + 1e-5 * rng.standard_normal(512) * exact.std()) == "high"


def test_chain_error_grows_as_a_random_walk():
    assert truth.chain_error(40_000) == pytest.approx(2 * truth.chain_error(10_000), rel=1e-6)
    assert truth.chain_error(4096) == pytest.approx(2 * truth.chain_error(1024), rel=0.2)


def test_summed_counts_the_products_of_one_element():
    p = replace(PROBLEM, strides=(1, 1), dilation=(1, 1), groups=1)
    n, oh, ow, _ = p.output_shape
    assert [p.summed(word) for word in ("y", "dx", "dkernel")] == [24, 36, n * oh * ow]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_agree_in_keras_and_pytorch_words(name):
    torch = pytest.importorskip("torch")
    from benchmarks.networks import torch_words

    model = keras_words.KERAS_NETWORKS[name](fastconv)
    keras_words.load_weights(model)
    images, labels = pattern_images(2, NETWORKS[name].shape)
    assert labels.shape == (2,)
    assert images.min() >= 0
    assert images.max() <= 1
    ours = np.asarray(model(images))
    with torch.inference_mode():
        turned = torch.from_numpy(torch_words.channels_first(name, images).copy(order="C"))
        theirs = torch_words.inference_model(torch, name)(turned).numpy()
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert np.ptp(ours, axis=1).min() > 1e-3  # not the same for all classes


def test_every_network_is_written_in_all_dialects():
    from benchmarks.networks.torch_words import TORCH_NETWORKS

    assert set(NETWORKS) == set(keras_words.KERAS_NETWORKS) == set(TORCH_NETWORKS)
    assert next(iter(TRAINING_PEERS)) == "fastconv"
