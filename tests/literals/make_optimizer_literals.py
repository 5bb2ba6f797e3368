"""Write optimizers.json: what Keras's optimizers and schedules compute, in double precision.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/literals/make_optimizer_literals.py

Needs Keras 3 (made with 3.15) and JAX. The tests read the file and need neither.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

TARGET = Path(__file__).parent / "optimizers.json"
STEPS = 5
EXPONENTIAL = {
    "module": "keras.optimizers.schedules",
    "class_name": "ExponentialDecay",
    "registered_name": None,
    "config": {"initial_learning_rate": 0.05, "decay_steps": 2, "decay_rate": 0.5},
}
# The gradients' norms lie between 0.2 and 2.9, so that each limit clips some steps and not others.
SHARED = {
    "weight_decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 1.2},
    "global_clipnorm": {"global_clipnorm": 1.5},
    "clipvalue": {"clipvalue": 0.6},
    "decay_and_clip": {"weight_decay": 0.1, "global_clipnorm": 1.5},
    "schedule": {"learning_rate": EXPONENTIAL, "weight_decay": 0.1},
}
OWN = {
    "SGD": {
        "plain": {},
        "momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.8, "nesterov": True},
    },
    "Adam": {
        "plain": {},
        "betas": {"beta_1": 0.7, "beta_2": 0.95},
        "epsilon": {"epsilon": 0.1},
        "amsgrad": {"amsgrad": True, "beta_2": 0.5},
    },
    "AdamW": {"plain": {}, "amsgrad": {"amsgrad": True, "beta_2": 0.5}},
    "RMSprop": {
        "plain": {},
        "rho": {"rho": 0.5},
        "momentum": {"momentum": 0.9},
        "epsilon": {"epsilon": 0.1},
        "centered": {"centered": True},
        "centered_momentum": {"centered": True, "momentum": 0.9},
    },
    "Adagrad": {"plain": {}, "start": {"initial_accumulator_value": 0.5, "epsilon": 0.1}},
    "Adadelta": {"plain": {"learning_rate": 1.0}, "rho": {"rho": 0.5, "epsilon": 0.01}},
    "Adamax": {"plain": {}, "betas": {"beta_1": 0.7, "beta_2": 0.5, "epsilon": 0.1}},
    "Nadam": {"plain": {}, "betas": {"beta_1": 0.7, "beta_2": 0.5, "epsilon": 0.1}},
    "Lamb": {"plain": {}, "betas": {"beta_1": 0.7, "beta_2": 0.5, "epsilon": 0.1}},
    "Lion": {"plain": {}, "betas": {"beta_1": 0.5, "beta_2": 0.7}},
    "Ftrl": {
        "plain": {},
        "power": {"learning_rate_power": -0.8, "initial_accumulator_value": 0.5},
        "penalties": {
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.4,
        },
    },
}
# Some of what all optimizers share, for those that do not run it through the fused kernels.
ELEMENTWISE = ("Adagrad", "Adadelta", "Adamax", "Nadam", "Lamb", "Lion", "Ftrl")
OVER_STEPS = {
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2, "clipnorm": 0.8},
    "both": {
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 2,
        "loss_scale_factor": 4.0,
        "learning_rate": EXPONENTIAL,
    },
}


def cases_of(class_name: str) -> dict[str, dict]:
    """Return the configurations to run for an optimizer."""
    shared = dict(SHARED)
    if class_name in ELEMENTWISE:
        shared = {name: SHARED[name] for name in ("clipvalue", "decay_and_clip")}
    if class_name in ("SGD", "Adam", "Nadam"):
        shared |= OVER_STEPS
    return {**OWN[class_name], **shared}


SCHEDULES = [
    ("ExponentialDecay", [0.1, 10, 0.5]),
    ("ExponentialDecay", [0.1, 10, 0.5, True]),
    ("InverseTimeDecay", [0.1, 10, 0.5]),
    ("InverseTimeDecay", [0.1, 10, 0.5, True]),
    ("PiecewiseConstantDecay", [[3, 10, 20], [1.0, 0.5, 0.1, 0.05]]),
    ("PolynomialDecay", [0.1, 10, 0.01]),
    ("PolynomialDecay", [0.1, 10, 0.01, 2.0]),
    ("PolynomialDecay", [0.1, 10, 0.01, 0.5, True]),
    ("CosineDecay", [0.1, 20]),
    ("CosineDecay", [0.1, 20, 0.1]),
    ("CosineDecay", [0.01, 20, 0.1, "warm", 0.1, 4]),
    ("CosineDecayRestarts", [0.1, 5]),
    ("CosineDecayRestarts", [0.1, 5, 1.0, 0.5, 0.1]),
    ("CosineDecayRestarts", [0.1, 5, 1.5, 0.9, 0.1]),
]
SCHEDULE_STEPS = [0, 1, 2, 3, 4, 6, 7, 9, 10, 11, 16, 20, 21, 24, 33, 100]


def make_arrays() -> dict[str, list]:
    """Return the first values of a kernel and a bias, and their gradients in every step."""
    rng = np.random.default_rng(0)
    scales = np.array([0.3, 1.0, 0.2, 0.6, 1.1])
    return {
        "kernel": np.round(rng.normal(size=(3, 2)), 3).tolist(),
        "bias": np.round(rng.normal(size=2), 3).tolist(),
        "kernel_gradients": np.round(
            rng.normal(size=(STEPS, 3, 2)) * scales[:, None, None], 3
        ).tolist(),
        "bias_gradients": np.round(rng.normal(size=(STEPS, 2)) * scales[:, None], 3).tolist(),
    }


def run_optimizer(class_name: str, config: dict, arrays: dict[str, list]) -> dict:
    """Return the values after each step, and the optimizer's state after the last."""
    config = {"learning_rate": 0.05, **config}
    # Not by get(): Keras does not find Lamb by its name.
    optimizer = getattr(keras.optimizers, class_name).from_config(dict(config))
    kernel = keras.Variable(np.array(arrays["kernel"]), dtype="float64", name="kernel")
    bias = keras.Variable(np.array(arrays["bias"]), dtype="float64", name="bias")
    optimizer.build([kernel, bias])
    kernels, biases = [], []
    for step in range(STEPS):
        gradients = [arrays["kernel_gradients"][step], arrays["bias_gradients"][step]]
        gradients = [keras.ops.convert_to_tensor(g, "float64") for g in gradients]
        optimizer.apply_gradients(zip(gradients, [kernel, bias], strict=True))
        kernels.append(np.asarray(kernel.value).tolist())
        biases.append(np.asarray(bias.value).tolist())
    return {
        "class_name": class_name,
        "config": config,
        "kernel": kernels,
        "bias": biases,
        "state": [np.asarray(variable.value).tolist() for variable in optimizer.variables],
    }


def run_schedule(class_name: str, arguments: list) -> dict:
    """Return the learning rates at SCHEDULE_STEPS."""
    schedule = getattr(keras.optimizers.schedules, class_name)(*arguments)
    rates = [float(schedule(np.float64(step))) for step in SCHEDULE_STEPS]
    return {
        "class_name": class_name,
        "arguments": arguments,
        "config": schedule.get_config(),
        "rates": rates,
    }


def main() -> None:
    """Write the file."""
    keras.config.set_floatx("float64")
    arrays = make_arrays()
    cases = {
        f"{class_name}-{case}": run_optimizer(class_name, config, arrays)
        for class_name in OWN
        for case, config in cases_of(class_name).items()
    }
    result = {
        "keras": keras.__version__,
        "arrays": arrays,
        "configs": {name: getattr(keras.optimizers, name)().get_config() for name in OWN},
        "optimizers": cases,
        "schedule_steps": SCHEDULE_STEPS,
        "schedules": [run_schedule(*schedule) for schedule in SCHEDULES],
    }
    lines = json.dumps(result, separators=(",", ":")).replace('},"', '},\n"')
    TARGET.write_text(lines + "\n")
    print(f"{TARGET}: {len(cases)} optimizers, {len(SCHEDULES)} schedules")


if __name__ == "__main__":
    main()
