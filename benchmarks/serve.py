"""The child side: one library in one process, driven by JSON lines.

Started by `workers` as ``python -m benchmarks.serve '{"bench": ..., "peer": ..., ...}'``. One line
comes in, one goes out:

- (start)   -> {"version"} or {"absent"}: the library cannot be imported
- describe  -> what `Peer.describe` says of the process
- prepare   {"spec", "rows", "limit"} -> for each variant of the problem its first results, or why
            it failed; of the first `limit` variants only, if that is given
- time      {"variant", "seconds", "warmup"} -> seconds per call
- finish    -> {"peak_rss_mb"}; drops the problem
"""

from __future__ import annotations

import base64
import gc
import importlib
import json
import os
import sys
from time import perf_counter
from typing import Any


class Server:
    """Answers requests about one peer; holds the variants of one problem at a time."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self.contenders: dict[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        return dict(self.peer.describe())

    def prepare(
        self, spec: dict[str, Any], rows: list[list[int]], limit: int | None = None
    ) -> dict[str, Any]:
        self.contenders.clear()
        gc.collect()
        try:
            makers = self.peer.contenders(spec)
        except Exception as error:
            return {"variants": {"": {"failure": _describe(error)}}}
        names = list(makers)[:limit]
        return {"variants": {name: self._first_call(name, makers[name], rows) for name in names}}

    def _first_call(self, name: str, make: Any, rows: list[list[int]]) -> dict[str, Any]:
        start = perf_counter()
        try:
            contender = make()
            made = perf_counter()
            result = (contender.first or contender.run)()
            stop = perf_counter()
            arrays = contender.arrays(result) if rows else []
        except Exception as error:  # one library's refusal must not end the comparison
            return {"failure": _describe(error)}
        self.contenders[name] = contender
        samples = [
            base64.b64encode(a.reshape(-1, a.shape[-1])[r].astype("<f4").tobytes()).decode()
            for a, r in zip(arrays, rows, strict=True)
        ]
        return {
            "first_seconds": stop - start,
            "first_call_seconds": stop - made,
            "samples": samples,
        }

    def time(self, variant: str, seconds: float, warmup: int) -> dict[str, Any]:
        """Call for about `seconds`, at least once; `value` is the last result if it is a number."""
        run = self.contenders[variant].run
        for _ in range(warmup):
            run()
        gc.collect()
        gc.disable()
        calls = []
        deadline = perf_counter() + seconds
        try:
            while True:
                start = perf_counter()
                result = run()
                stop = perf_counter()
                calls.append(stop - start)
                value = result if isinstance(result, float) else None
                del result  # so that each call finds the allocator as the one before
                if stop >= deadline:
                    break
        finally:
            gc.enable()
        return {"calls": calls, "value": value}

    def finish(self) -> dict[str, Any]:
        self.contenders.clear()
        gc.collect()
        return {"peak_rss_mb": _peak_rss_mb()}


def _describe(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _peak_rss_mb() -> float:
    """Return the high-water mark of this program's memory.

    Linux's `ru_maxrss` would include what the parent used before this program was started.
    """
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    job = json.loads(sys.argv[1])
    if job["cpus"]:
        os.sched_setaffinity(0, job["cpus"])  # before the library counts the CPUs
    # Libraries write to standard output as they please: keep the pipe for the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    peers = importlib.import_module(f"benchmarks.peers.{job['bench']}").PEERS
    try:
        peer = peers[job["peer"]](job["threads"], job["options"])
    except ImportError as error:
        answer({"absent": str(error)})
        return
    answer({"version": peer.version})
    server = Server(peer)
    for line in sys.stdin:
        request = json.loads(line)
        answer(getattr(server, request.pop("request"))(**request))


if __name__ == "__main__":
    main()
