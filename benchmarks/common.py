"""What the programs share: the command line, facts about the machine, small statistics."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from fastconv.ops.machine import cpu_name

from .workers import FREE_PEERS, ISA_VARIABLES, Crew, WorkerDied, available_cpus


def measure_fma_peak(seconds: float = 0.3) -> float:
    """Return the GF/s of a chain-free loop of fused multiply-adds on one thread.

    Uses the widest vectors of the active instruction set. Call it in a process that is pinned.
    """
    from fastconv.kernels import isa

    return float(isa.fma_peak(seconds))


def words(text: str) -> list[str]:
    """Split a comma-separated option; "none" is the empty list."""
    return [] if text == "none" else [word for word in text.split(",") if word]


def counts(text: str) -> list[int]:
    """Split a comma-separated option of positive integers."""
    if not all(word.isdecimal() and int(word) > 0 for word in words(text) or [""]):
        raise argparse.ArgumentTypeError(f"must be positive integers, got {text!r}")
    return [int(word) for word in words(text)]


def one_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what splits a comma-separated option of words that must be in `known`."""
    allowed = list(known)

    def parse_words(text: str) -> list[str]:
        chosen = words(text)
        for word in chosen:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"must be of {','.join(allowed)}, got {word!r}")
        return chosen

    return parse_words


def argument_parser(
    program: str, doc: str | None, peers: Iterable[str], rounds: int
) -> argparse.ArgumentParser:
    """Return a parser with the options every program has."""
    known = [peer for peer in peers if peer != "fastconv"]
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{program}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--threads", type=counts, default=[1], metavar="N,N", help="numbers of threads (1)")
    if known:
        add(
            "--peers",
            type=one_of(known),
            default=known,
            metavar="P,P",
            help=f"of {','.join(known)}, or none (all that are installed)",
        )
    add(
        "--isa",
        choices=list(ISA_VARIABLES),
        help="hold fastconv, and the others where they can be, to an instruction set",
    )
    add("--rounds", type=int, help=f"turns of each library ({rounds}; 2 with --quick)")
    add("--quick", action="store_true", help="small and noisy: does everything work?")
    add("--json", type=Path, metavar="FILE", help="write all results as JSON")
    add("--plot", type=Path, metavar="FILE.png", help="write a bar chart (needs matplotlib)")
    parser.set_defaults(default_rounds=rounds)
    return parser


def parse(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, draws: bool = True
) -> argparse.Namespace:
    """Parse, and fill in what depends on other options or on the machine."""
    options = parser.parse_args(argv)
    if options.plot and not draws:
        parser.error("--plot: there is nothing to draw")
    if options.rounds is None:
        options.rounds = 2 if options.quick else options.default_rounds
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.isa:
        os.environ.update(ISA_VARIABLES[options.isa])
    cpus = available_cpus()
    if cpus and max(options.threads) > len(cpus):
        parser.error(f"--threads {max(options.threads)}: this process may use {len(cpus)} CPUs")
    return options


def heading(crew: Crew, threads: int) -> dict[str, Any]:
    """Print what runs where; return it for the JSON file."""
    facts = machine()
    described = crew.describe()
    forced = "FASTCONV_ISA" in os.environ
    facts_of_run = {
        "threads": threads,
        "isa": described["isa"],
        # One thread was measured: with several, memory and clock may allow less.
        "peak_gflops": described["peak_gflops"] * threads,
        "unheld": [peer for peer in crew.versions if forced and peer in FREE_PEERS],
        "versions": crew.versions,
        "absent": crew.absent,
    }
    print(f"\n{facts['cpu']}, {facts['cpus']} CPU(s), {facts['system']}, Python {facts['python']}")
    print(
        f"instruction set {described['isa']}, {threads} thread(s), FMA peak "
        f"{facts_of_run['peak_gflops']:.0f} GF/s, commit {facts['commit']}"
    )
    print(", ".join(f"{peer} {version}" for peer, version in crew.versions.items()))
    if facts_of_run["unheld"]:
        print(f"not held to the instruction set: {', '.join(facts_of_run['unheld'])}")
    for peer, reason in crew.absent.items():
        print(f"absent: {peer} ({reason})")
    return facts_of_run


def machine() -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cpus": len(available_cpus()) or os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit(),
    }


def commit() -> str:
    """Return the short commit of this checkout, "+" when files differ from it."""
    root = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        head = git("rev-parse", "--short", "HEAD")
        return head + ("+" if git("status", "--porcelain") else "") if head else "unknown"
    except OSError:
        return "unknown"


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else float("nan")


def finite(value: float) -> float | None:
    """Return `value`, or None for what JSON has no word for."""
    return value if math.isfinite(value) else None


def save(options: argparse.Namespace, bench: str, runs: Sequence[dict[str, Any]]) -> None:
    """Write the JSON file if it was asked for."""
    if options.json:
        document = {
            "benchmark": bench,
            "machine": machine(),
            "rounds": options.rounds,
            "runs": runs,
        }
        options.json.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


def progress(text: str) -> None:
    """Show `text` on the last line of a terminal; "" clears it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def run(main: Callable[[], int]) -> None:
    """Run a program; wrong names and the like end it with their message only."""
    try:
        code = main()
    except (ValueError, ImportError, WorkerDied) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(code)
