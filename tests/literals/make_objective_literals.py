"""Write objectives.json: what Keras's losses, their gradients and its metrics are.

    KERAS_BACKEND=jax python -m tests.literals.make_objective_literals

Needs Keras 3 (made with 3.15) and JAX. The tests read the file and need neither.
"""

from __future__ import annotations

import json
from pathlib import Path

import jax
import keras
import numpy as np

from .objective_cases import LOSSES, METRICS, UNWEIGHTED, batches, make, spread

TARGET = Path(__file__).parent / "objectives.json"


def run_loss(name: str) -> dict:
    """Return value, weighted value and the weighted value's gradient."""
    class_name, options, kind = LOSSES[name]
    loss = getattr(keras.losses, class_name)(**options)
    y, p, w = make(kind)
    weights = None if name in UNWEIGHTED else w
    value, gradient = jax.value_and_grad(lambda q: loss(y, q, weights))(p)
    return {
        "plain": float(loss(y, p)),
        "weighted": float(value),
        "gradient": np.round(np.asarray(gradient, np.float64).reshape(-1)[:60], 9).tolist(),
    }


def run_metric(name: str) -> dict:
    """Return the results over batches, without and with weights, and the config."""
    class_name, options, kind = METRICS[name]
    results = {}
    for weighted in (False, True):
        metric = getattr(keras.metrics, class_name)(**options, name="metric")
        y, p, w = make(kind)
        w = spread(w, kind, y)
        if "IoU" in class_name:
            w = w.astype(np.int32)
        for yy, pp, ww in batches(y, p, w if weighted else None):
            metric.update_state(yy, pp, sample_weight=ww)
        result = np.asarray(metric.result(), np.float64)
        results["weighted" if weighted else "plain"] = result.tolist()
    return {**results, "config": metric.get_config()}


def main() -> None:
    """Write the file."""
    result = {
        "keras": keras.__version__,
        "losses": {name: run_loss(name) for name in LOSSES},
        "metrics": {name: run_metric(name) for name in METRICS},
    }
    text = json.dumps(
        result, separators=(",", ":"), default=lambda array: np.asarray(array).tolist()
    )
    lines = text.replace('},"', '},\n"')
    TARGET.write_text(lines + "\n")
    print(f"{TARGET}: {len(LOSSES)} losses, {len(METRICS)} metrics")


if __name__ == "__main__":
    main()
