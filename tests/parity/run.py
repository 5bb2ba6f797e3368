"""One case of the parity suite, run by fastconv or by Keras: the same lines for both."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from .cases import Case

BATCH = 3
ADAM_STEPS = 5


def seeded(case: Case, *more: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr((case.id, *more)).encode()))


def make_layer(library: Any, cls: str, arguments: dict[str, Any], **more: Any) -> Any:
    """Return the layer; the argument `layer` of a wrapper is the name and arguments of another."""
    if "layer" in arguments:
        inner = make_layer(library, *arguments["layer"], name="inner")
        arguments = {**arguments, "layer": inner}
    return getattr(library.layers, cls)(**arguments, **more)


def make_model(library: Any, case: Case) -> Any:
    """Return inputs -> Dense -> the layer -> Flatten -> Dense: gradients pass through the layer."""
    layers = library.layers
    dtype = "int32" if case.layer == "Embedding" else "float32"
    inputs = [layers.Input(shape, dtype=dtype) for shape in case.shapes]
    stems = inputs
    if dtype == "float32":
        stems = [layers.Dense(shape[-1])(x) for shape, x in zip(case.shapes, inputs, strict=True)]
    layer = make_layer(library, case.layer, case.arguments, name=case.id)
    y = layer(stems if len(stems) > 1 else stems[0])
    outputs = [y, layers.Dense(2, name="head")(layers.Flatten()(y))]
    return library.models.Model(inputs if len(inputs) > 1 else inputs[0], outputs)


def make_inputs(case: Case) -> list[np.ndarray]:
    rng = seeded(case, "inputs")
    shapes = [(BATCH, *shape) for shape in case.shapes]
    if case.layer == "Embedding":
        return [rng.integers(0, case.arguments["input_dim"], shapes[0], dtype=np.int32)]
    return [rng.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]


def make_weights(case: Case, weights: list[Any]) -> list[np.ndarray]:
    """Return random weights, none of them zero; variances stay positive, counts are integers."""
    rng = seeded(case, "weights")
    values = []
    for weight in weights:
        value = rng.uniform(0.2, 0.8, tuple(weight.shape))
        if weight.name == "count":
            value = np.full(value.shape, 8)
        elif weight.name not in ("moving_variance", "variance", "gamma"):
            value *= rng.choice([-1, 1], value.shape)
        values.append(value.astype(np.float32))
    return values


def set_weights(model: Any, weights: list[np.ndarray]) -> None:
    """Set the weights; Keras's Normalization has to be told to look at its own."""
    model.set_weights(weights)
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def digest(case: Case, values: list[np.ndarray], before: list[np.ndarray]) -> list[float]:
    """Return, for each weight, two random sums of its change and its magnitude."""
    rng = seeded(case, "digest")
    numbers = []
    for value, start in zip(values, before, strict=True):
        change = np.asarray(value, np.float64) - start
        signs = rng.uniform(-1, 1, (2, *change.shape))
        numbers += [*(signs * change).sum(axis=tuple(range(1, signs.ndim))), np.abs(change).sum()]
    return [float(number) for number in numbers]


def train(library: Any, case: Case, model: Any, optimizer: Any, steps: int) -> dict[str, Any]:
    """Return the losses of some steps, and a digest of the weights after them."""
    weights = make_weights(case, model.weights)
    set_weights(model, weights)
    trained = library.models.Model(model.inputs, model.outputs[1])
    trained.compile(optimizer, "mse")
    x = make_inputs(case)
    y = seeded(case, "targets").uniform(-1, 1, (BATCH, 2)).astype(np.float32)
    losses = [
        float(np.mean(trained.train_on_batch(x if len(x) > 1 else x[0], y))) for _ in range(steps)
    ]
    return {"losses": losses, "weights": digest(case, model.get_weights(), weights)}


def run(library: Any, case: Case) -> dict[str, Any]:
    """Return what a library makes of a case: shape and values of the layer's output, training."""
    model = make_model(library, case)
    x = make_inputs(case)
    set_weights(model, make_weights(case, model.weights))
    y, head = model(x if len(x) > 1 else x[0], training=False)
    y, head = np.asarray(y), np.asarray(head)
    picked = seeded(case, "picked").permutation(y.size)[:40]
    results: dict[str, Any] = {
        "shape": list(y.shape),
        "forward": y.ravel()[picked].tolist() + head.ravel().tolist(),
    }
    if case.trains:
        optimizers = library.optimizers
        results["sgd"] = train(library, case, model, optimizers.SGD(0.05), 1)
        # A large epsilon: Adam turns the rounding of gradients that are zero into steps.
        adam = optimizers.Adam(0.01, epsilon=1e-3)
        results["adam"] = train(library, case, model, adam, ADAM_STEPS)
    return results
