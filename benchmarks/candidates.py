"""Times every algorithm that may compute a convolution: what `plan_regret` and `fit_costs` ask."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastconv.ops.algorithms import CONV2D_ALGORITHMS, ConvProblem, plan_conv2d
from fastconv.ops.precision import float32_matmul_precision

from . import common, kernels_suite
from .problems import Problem
from .truth import DIRECTIONS, OPS_DIRECTIONS
from .workers import Crew


@dataclass(frozen=True)
class Candidates:
    """One problem in one direction, and the seconds of all algorithms that take it."""

    name: str
    #: As bench_conv2d calls it.
    direction: str
    problem: ConvProblem
    seconds: dict[str, float]
    #: The plan's choice.
    chosen: str

    @property
    def best(self) -> str:
        return min(self.seconds, key=lambda name: self.seconds[name])

    @property
    def regret(self) -> float:
        """How many times as long the plan's choice takes as the best."""
        return self.seconds[self.chosen] / self.seconds[self.best]

    def row(self) -> dict[str, Any]:
        """Return what goes into a JSON file."""
        microseconds = {name: seconds * 1e6 for name, seconds in self.seconds.items()}
        return {
            "problem": self.name,
            "direction": self.direction,
            "precision": self.problem.precision,
            "chosen": self.chosen,
            "best": self.best,
            "regret": self.regret,
            "median_us": microseconds,
        }


def conv_problem(p: Problem, precision: str) -> ConvProblem:
    """Return the problem as the plan sees it."""
    from fastconv.ops.conv2d import make_problem

    geometry = (p.strides, p.padding, p.dilation, p.groups)
    with float32_matmul_precision(precision):
        return make_problem(p.name, p.input_shape, p.kernel_shape, *geometry)


def able(problem: ConvProblem, direction: str) -> list[str]:
    """Return the algorithms that the plan chooses from."""
    word = OPS_DIRECTIONS[direction]
    return [
        algorithm.name
        for algorithm in CONV2D_ALGORITHMS
        if algorithm.unsupported_reason(problem, word) is None
        and algorithm.inaccurate_reason(problem, word) is None
    ]


def argument_parser(program: str, doc: str | None) -> argparse.ArgumentParser:
    """Return the parser of a program that times candidates."""
    return kernels_suite.convolution_parser(program, doc, [], rounds=3)


def directions(options: argparse.Namespace) -> list[str]:
    """Return the directions of the command line; "backward" means both gradients."""
    single = {one for one in options.direction if one != "backward"}
    both = {"input", "kernel"} if "backward" in options.direction else set()
    return [one for one in DIRECTIONS if one in single | both]


def measure(crew: Crew, options: argparse.Namespace) -> Iterator[Candidates]:
    """Yield all problems of the command line, timed; the crew is fastconv's process alone."""
    seconds = kernels_suite.turn_seconds(options)
    asked = directions(options)
    cases = [
        (p, direction, precision)
        for p in kernels_suite.chosen_convolutions(options)
        for direction in asked
        for precision in options.precision
    ]
    for number, (p, direction, precision) in enumerate(cases, 1):
        common.progress(f"[{number}/{len(cases)}] {p.name} {direction}")
        problem = conv_problem(p, precision)
        how = {
            "direction": direction,
            "algorithms": able(problem, direction),
            "precisions": [precision],
        }
        contenders = crew.prepare(p.spec() | how)
        crew.race(contenders, options.rounds, seconds, warmup=1)
        crew.finish()
        for contender in contenders:
            if contender.failure:
                raise RuntimeError(f"{p.name} {direction} {contender.variant}: {contender.failure}")
        yield Candidates(
            name=f"{p.name} N={p.N}",
            direction=direction,
            problem=problem,
            seconds={c.variant.split()[0]: c.median for c in contenders},
            chosen=plan_conv2d(problem, OPS_DIRECTIONS[direction]).name,
        )
    common.progress("")


def use_isa(described: str) -> None:
    """Let the plan of this process choose for the instruction set of the crew's."""
    from fastconv.kernels import isa

    isa.use(described)
