"""Clipping of gradients by their norm, as factors that the updates apply in passing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .. import ops


def gradient_scales(
    gradients: Sequence[np.ndarray],
    clipnorm: float | None,
    global_clipnorm: float | None,
    share: float = 1.0,
) -> list[float]:
    """Return `share`, times what brings that share of a gradient down to the largest norm allowed.

    Parameters
    ----------
    gradients : float32 arrays
    clipnorm : float, optional
        Largest Euclidean norm of one gradient.
    global_clipnorm : float, optional
        Largest Euclidean norm of all gradients together.
    share : float > 0
    """
    if clipnorm is not None:
        return [_scale(ops.sum_of_squares(gradient), clipnorm, share) for gradient in gradients]
    if global_clipnorm is not None:
        total = math.fsum(ops.sum_of_squares(gradient) for gradient in gradients)
        return [_scale(total, global_clipnorm, share)] * len(gradients)
    return [share] * len(gradients)


def _scale(sum_of_squares: float, limit: float, share: float) -> float:
    """Return limit / norm, at most `share`; NaN, as in Keras, if the norm is not finite."""
    norm = math.sqrt(sum_of_squares)
    if norm * share <= limit:
        return share
    return limit / norm if math.isfinite(norm) else math.nan
