"""The parent side: starts a process per library and lets them take turns.

Turns are interleaved in rounds, so that a slow spell of the machine hits every library alike. The
time that counts is the median over the rounds of the medians over the calls of each turn.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: Pause before each turn, in which the thread pool of the library before stops spinning.
SETTLE_SECONDS = 0.02

#: How each library, or the BLAS and OpenMP below it, is told its number of threads.
THREAD_VARIABLES = (
    "FASTCONV_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",
)

#: No accelerators, no chatter.
FIXED_VARIABLES = {
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


#: Libraries that know no switch for the instruction set.
FREE_PEERS = ("onnxruntime", "ncnn")

#: How the others are held to one.
ISA_VARIABLES = {
    isa: {
        "FASTCONV_ISA": isa,
        "ONEDNN_MAX_CPU_ISA": onednn,  # TensorFlow, PyTorch
        "DNNL_MAX_CPU_ISA": onednn,
        "ATEN_CPU_CAPABILITY": isa,
        "MKL_ENABLE_INSTRUCTIONS": isa.upper(),
        "OPENBLAS_CORETYPE": openblas,
        "XLA_FLAGS": f"--xla_cpu_max_isa={isa.upper()}",
    }
    for isa, onednn, openblas in (
        ("avx2", "AVX2", "Haswell"),
        ("avx512", "AVX512_CORE", "SkylakeX"),
    )
}


class WorkerDied(RuntimeError):
    """The process ended without an answer."""


def available_cpus() -> list[int]:
    """Return the CPUs this process may use; [] where the system has no affinity masks."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class Worker:
    """A process that runs `benchmarks.serve` for one library."""

    def __init__(self, bench: str, peer: str, threads: int, options: dict[str, Any]) -> None:
        self._job = {
            "bench": bench,
            "peer": peer,
            "threads": threads,
            # The last CPUs: the first one usually serves the interrupts.
            "cpus": available_cpus()[-threads:],
            "options": options,
        }
        self.restart()

    def restart(self) -> None:
        """Start the process (again) and wait until its library is imported."""
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._job["threads"]))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serve", json.dumps(self._job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **FIXED_VARIABLES, **threads, "PYTHONPATH": path},
            text=True,
        )
        hello = self._answer()
        self.import_seconds = time.perf_counter() - start
        self.version: str | None = hello.get("version")
        self.absent: str | None = hello.get("absent")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and return its answer.

        Raises
        ------
        WorkerDied
            With the last line the process wrote to standard error.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the missing answer says it better
            self._process.stdin.write(json.dumps({"request": request, **arguments}) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._log.seek(0)
            said = self._log.read().decode(errors="replace").strip().splitlines()
            raise WorkerDied(f"process ended with code {code}: {said[-1] if said else ''}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process; it stops at the end of its input."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Contender:
    """One variant of one library on one problem, and what was measured of it."""

    def __init__(self, peer: str, variant: str, answer: dict[str, Any]) -> None:
        self.peer = peer
        self.variant = variant
        self.failure: str | None = answer.get("failure")
        self.first_seconds: float = answer.get("first_seconds", 0.0)
        self.first_call_seconds: float = answer.get("first_call_seconds", 0.0)
        self.value: float | None = None
        self.turns: list[list[float]] = []
        self._samples = answer.get("samples", [])

    def results(self, shapes: Iterable[tuple[int, ...]]) -> list[np.ndarray]:
        """Return the sampled rows of the first results."""
        return [
            np.frombuffer(base64.b64decode(sample), "<f4").reshape(shape)
            for sample, shape in zip(self._samples, shapes, strict=True)
        ]

    @property
    def median(self) -> float:
        """Seconds per call; infinite for one that failed."""
        if self.failure or not self.turns:
            return float("inf")
        return statistics.median(statistics.median(turn) for turn in self.turns)

    @property
    def minimum(self) -> float:
        return min((min(turn) for turn in self.turns), default=float("inf"))


class Crew:
    """The processes of one benchmark at one number of threads; fastconv is always the first."""

    def __init__(
        self, bench: str, peers: Sequence[str], threads: int, options: dict[str, Any]
    ) -> None:
        self.workers: dict[str, Worker] = {}
        self.absent: dict[str, str] = {}
        try:
            for peer in ("fastconv", *peers):
                self._start(bench, peer, threads, options)
        except BaseException:
            self.close()
            raise

    def _start(self, bench: str, peer: str, threads: int, options: dict[str, Any]) -> None:
        try:
            worker = Worker(bench, peer, threads, options)
        except WorkerDied as error:
            if peer == "fastconv":
                raise
            self.absent[peer] = str(error)
            return
        if worker.absent is None:
            self.workers[peer] = worker
            return
        worker.close()
        if peer == "fastconv":
            raise ImportError(worker.absent)
        self.absent[peer] = worker.absent

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()

    @property
    def versions(self) -> dict[str, str]:
        return {peer: str(worker.version) for peer, worker in self.workers.items()}

    def describe(self) -> dict[str, Any]:
        """Return what fastconv's process says of itself."""
        return self.workers["fastconv"].ask("describe")

    def prepare(self, spec: dict[str, Any], rows: Sequence[Sequence[int]] = ()) -> list[Contender]:
        """Set the problem up in every process; `rows` of the first results are kept."""
        contenders = []
        for peer, worker in self.workers.items():
            try:
                if not worker.alive:
                    worker.restart()
                variants = worker.ask("prepare", spec=spec, rows=rows)["variants"]
            except WorkerDied as error:
                variants = {"": {"failure": str(error)}}
            contenders += [Contender(peer, name, variants[name]) for name in variants]
        return contenders

    def race(
        self, contenders: Sequence[Contender], rounds: int, seconds: float, warmup: int
    ) -> None:
        """Time all contenders in `rounds` interleaved turns; each round another one begins."""
        for start in range(rounds):
            offset = start % max(len(contenders), 1)
            for contender in (*contenders[offset:], *contenders[:offset]):
                if contender.failure:
                    continue
                time.sleep(SETTLE_SECONDS)
                try:
                    answer = self.workers[contender.peer].ask(
                        "time", variant=contender.variant, seconds=seconds, warmup=warmup
                    )
                except WorkerDied as error:
                    contender.failure = str(error)
                    continue
                contender.turns.append(answer["calls"])
                contender.value = answer["value"]

    def finish(self) -> dict[str, float]:
        """Drop the problem everywhere; return each process's peak memory in MB."""

        def peak(worker: Worker) -> float:
            try:
                return float(worker.ask("finish")["peak_rss_mb"])
            except WorkerDied:
                return float("nan")

        return {peer: peak(worker) for peer, worker in self.workers.items()}
