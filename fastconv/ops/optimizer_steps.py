"""Optimiser steps: the only ops that write into their arguments, the weights and the slots.

Each first scales and clips the gradient, g' = clip(g * grad_scale, -clip_value, clip_value), and
takes the share `decay` of every weight away (decoupled weight decay: learning rate times rate of
decay); then it updates with g'. All of it is one pass over the arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import optimizer_steps
from ..kernels.optimizer_steps import Updates as Updates
from . import checks

Float32 = NDArray[np.float32]

_FLOAT32 = np.dtype(np.float32)


def sgd_step(
    w: Any,
    g: Any,
    velocity: Any = None,
    *,
    learning_rate: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """Gradient descent: w -= learning_rate * g', or with a velocity v.

    v = momentum * v - learning_rate * g', then w += v or, with Nesterov's momentum,
    w += momentum * v - learning_rate * g'.

    Parameters
    ----------
    w : float32 array, updated
    g : float32 array, shaped like w
    velocity : float32 array, shaped like w, updated; optional
        Without it momentum is not used.
    learning_rate, momentum, nesterov
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError
        An array is not float32.
    ValueError
        Shapes differ, or an array to update is not contiguous.
    """
    one = _updates("sgd_step", [w], [g], [{"velocity": velocity}])
    one.sgd(learning_rate, [decay], [grad_scale], _limit(clip_value), momentum, nesterov)


def adam_step(
    w: Any,
    g: Any,
    m: Any,
    v: Any,
    v_hat: Any = None,
    *,
    alpha: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """Adam as in Keras: w -= alpha * m / (sqrt(v) + epsilon).

    m += (g' - m) * (1 - beta_1), v += (g'^2 - v) * (1 - beta_2) before that; with v_hat (AMSGrad)
    the largest v so far takes the place of v. Kingma & Ba, "Adam: a method for stochastic
    optimization", ICLR 2015; Reddi, Kale & Kumar, "On the convergence of Adam and beyond",
    ICLR 2018.

    Parameters
    ----------
    w, m, v : float32 arrays of one shape, updated
    g : float32 array, shaped like w
    v_hat : float32 array, shaped like w, updated; optional
    alpha : float
        learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) at step t = 1, 2, ...
    beta_1, beta_2, epsilon
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError, ValueError
        As for `sgd_step`.
    """
    one = _updates("adam_step", [w], [g], [{"m": m, "v": v, "v_hat": v_hat}])
    one.adam(alpha, [decay], [grad_scale], _limit(clip_value), beta_1, beta_2, epsilon)


def rmsprop_step(
    w: Any,
    g: Any,
    v: Any,
    momentum_slot: Any = None,
    average: Any = None,
    *,
    learning_rate: float,
    rho: float,
    momentum: float = 0.0,
    epsilon: float,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """RMSprop as in Keras: w -= step, or through a moment.

    v += (g'^2 - v) * (1 - rho); step = learning_rate * g' / sqrt(v + epsilon). With `average`
    (centered), which follows g' as v does its square, v - average^2 takes the place of v; with
    `momentum_slot` m, m = momentum * m + step takes the place of the step. Tieleman & Hinton,
    Lecture 6.5 of "Neural networks for machine learning", 2012.

    Parameters
    ----------
    w, v : float32 arrays of one shape, updated
    g : float32 array, shaped like w
    momentum_slot, average : float32 array, shaped like w, updated; optional
    learning_rate, rho, momentum, epsilon
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError, ValueError
        As for `sgd_step`.
    """
    slots = {"v": v, "momentum_slot": momentum_slot, "average": average}
    one = _updates("rmsprop_step", [w], [g], [slots])
    one.rmsprop(learning_rate, [decay], [grad_scale], _limit(clip_value), rho, momentum, epsilon)


def bind_updates(weights: Any, gradients: Any, slots: Any) -> Updates:
    """Return all weights of a model with their gradients and slots, to be updated in one pass.

    Parameters
    ----------
    weights, gradients : sequence of float32 arrays
        Kept, not copied: each step reads the gradients that are in them then.
    slots : sequence of dict of str to float32 array or None
        Of each weight, in the order in which `sgd_step`, `adam_step`, `rmsprop_step` take them.

    Returns
    -------
    Updates
        Its methods `sgd`, `adam` and `rmsprop` do those steps with each weight.

    Raises
    ------
    TypeError, ValueError
        As for `sgd_step`.
    """
    return _updates("bind_updates", weights, gradients, slots)


def sum_of_squares(x: Any) -> float:
    """Return the sum of squares of all elements, added up in double precision in a fixed order."""
    return optimizer_steps.sum_of_squares(checks.as_float32("sum_of_squares", "x", x).reshape(-1))


def _limit(clip_value: float | None) -> float:
    return math.inf if clip_value is None else clip_value


def _updates(where: str, weights: Any, gradients: Any, slots: Any) -> Updates:
    """Return flat views of the arrays, checked."""
    flat: list[tuple[Float32, Float32, tuple[Float32 | None, ...]]] = []
    for w, g, named in zip(weights, gradients, slots, strict=True):
        shape = getattr(w, "shape", ())
        flat_w = _to_update(where, "w", w, shape)
        flat_g = checks.as_float32(where, "g", g)
        if flat_g.shape != shape:
            raise ValueError(f"{where}: g must have the shape of w, {shape}, got {flat_g.shape}.")
        of_w = [
            None if slot is None else _to_update(where, name, slot, shape)
            for name, slot in named.items()
        ]
        flat.append((flat_w, flat_g.reshape(-1), tuple(of_w)))
    return Updates(*map(list, zip(*flat, strict=True)))


def _to_update(where: str, name: str, array: Any, shape: tuple[int, ...]) -> Float32:
    if type(array) is not np.ndarray or array.dtype != _FLOAT32:
        what = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{where}: {name} is updated in place and must be float32, got {what}.")
    if array.shape != shape:
        raise ValueError(f"{where}: {name} must have the shape of w, {shape}, got {array.shape}.")
    flags = array.flags
    if not (flags.c_contiguous and flags.writeable and flags.aligned):
        raise ValueError(
            f"{where}: {name} is updated in place and must be contiguous and writable."
        )
    return array.reshape(-1)
