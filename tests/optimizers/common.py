"""Variables, gradients and optimizers that the tests of this folder share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.optimizers import SGD, Adagrad, Adam, AdamW, Ftrl, Nadam, RMSprop

LITERALS = json.loads((Path(__file__).parents[1] / "literals" / "optimizers.json").read_text())
ARRAYS = {key: np.array(value, np.float32) for key, value in LITERALS["arrays"].items()}
ALL = [getattr(optimizers, name) for name in LITERALS["configs"]]
WITH_ALL_SLOTS = [
    SGD(momentum=0.9),
    SGD(momentum=0.9, use_ema=True),
    Adam(amsgrad=True),
    AdamW(amsgrad=True),
    RMSprop(momentum=0.9, centered=True),
    Adagrad(use_ema=True),
    Nadam(weight_decay=0.1),
    Ftrl(0.1, beta=0.5),
]


def make_variables():
    return [
        Variable(ARRAYS["kernel"], "kernel", path="dense/kernel"),
        Variable(ARRAYS["bias"], "bias", path="dense/bias"),
    ]


def gradients(step):
    return [ARRAYS["kernel_gradients"][step].copy(), ARRAYS["bias_gradients"][step].copy()]


def train(optimizer, variables, steps=range(5)):
    for step in steps:
        optimizer.apply(gradients(step), variables)
