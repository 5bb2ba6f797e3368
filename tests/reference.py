"""The truth: every op as plain NumPy loops in float64, written to be read.

Imports nothing from fastconv. Images are (N, H, W, C), kernels (KH, KW, C // groups, F). Loops run
over window taps, and over output positions where that is easier to read; the rest goes through
NumPy so that tests stay quick.
Gradients are written as the transpose of the forward loop and are checked against central
differences in test_reference.py.
"""

from __future__ import annotations

import math

import numpy as np


def same_padding(n, k, s, d):
    """Zeros before and after an axis so that there are ceil(n / s) outputs; the odd one is last."""
    outputs = -(-n // s)
    total = max((outputs - 1) * s + (k - 1) * d + 1 - n, 0)
    return total // 2, total - total // 2


def resolve(size, window, strides, padding, dilation):
    """Return ((top, bottom), (left, right)) and (OH, OW)."""
    if padding == "valid":
        pads = (0, 0), (0, 0)
    elif padding == "same":
        pads = tuple(map(same_padding, size, window, strides, dilation))
    else:
        pads = padding
    outputs = tuple(
        (n + sum(pad) - (k - 1) * d - 1) // s + 1
        for n, k, s, d, pad in zip(size, window, strides, dilation, pads, strict=True)
    )
    return pads, outputs


def output_size(size, window, strides=(1, 1), padding="valid", dilation=(1, 1)):
    return resolve(size, window, strides, padding, dilation)[1]


def taps(size, window, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Yield (oh, ow, kh, kw, ih, iw): output (oh, ow) reads pixel (ih, iw) at tap (kh, kw).

    Row-major in the outputs, then in the window. Taps that fall on the padding are left out.
    """
    ((top, _), (left, _)), (OH, OW) = resolve(size, window, strides, padding, dilation)
    for oh in range(OH):
        for ow in range(OW):
            for kh in range(window[0]):
                for kw in range(window[1]):
                    ih = oh * strides[0] - top + kh * dilation[0]
                    iw = ow * strides[1] - left + kw * dilation[1]
                    if 0 <= ih < size[0] and 0 <= iw < size[1]:
                        yield oh, ow, kh, kw, ih, iw


def tap_slices(size, window, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """Yield (kh, kw, outputs, pixels): all that `taps` yields for one tap, as slices.

    `outputs` and `pixels` index (:, rows, columns) of y and x, as many of one as of the other.
    """
    pads, outputs = resolve(size, window, strides, padding, dilation)

    def along(axis, k):
        """The outputs whose tap k lies on the image, and their pixels, along one axis."""
        s = strides[axis]
        first = k * dilation[axis] - pads[axis][0]  # the pixel that output 0 reads
        start = max(0, -(first // s))
        stop = min(outputs[axis], (size[axis] - 1 - first) // s + 1)
        if start >= stop:
            return slice(0, 0), slice(0, 0)
        return slice(start, stop), slice(first + start * s, first + (stop - 1) * s + 1, s)

    for kh in range(window[0]):
        for kw in range(window[1]):
            (oh, ih), (ow, iw) = along(0, kh), along(1, kw)
            yield kh, kw, (slice(None), oh, ow), (slice(None), ih, iw)


def group_slices(groups, C, F):
    """Yield the channels and the filters of each group."""
    for g in range(groups):
        yield (
            slice(g * C // groups, (g + 1) * C // groups),
            slice(g * F // groups, (g + 1) * F // groups),
        )


# --- convolution -----------------------------------------------------------------------------


def conv2d(x, kernel, bias=None, *, groups=1, **geometry):
    """Geometry, here and below: strides, padding, dilation."""
    x, kernel = np.float64(x), np.float64(kernel)
    KH, KW, _, F = kernel.shape
    y = np.zeros((len(x), *output_size(x.shape[1:3], (KH, KW), **geometry), F))
    for kh, kw, out, seen in tap_slices(x.shape[1:3], (KH, KW), **geometry):
        for c, f in group_slices(groups, x.shape[3], F):
            y[(*out, f)] += x[(*seen, c)] @ kernel[kh, kw, :, f]
    return y if bias is None else y + np.float64(bias)


def conv2d_backward_input(dy, kernel, input_shape, *, groups=1, **geometry):
    dy, kernel = np.float64(dy), np.float64(kernel)
    KH, KW, _, F = kernel.shape
    dx = np.zeros(input_shape)
    for kh, kw, out, seen in tap_slices(input_shape[1:3], (KH, KW), **geometry):
        for c, f in group_slices(groups, input_shape[3], F):
            dx[(*seen, c)] += dy[(*out, f)] @ kernel[kh, kw, :, f].T
    return dx


def conv2d_backward_filter(x, dy, kernel_shape, *, groups=1, **geometry):
    x, dy = np.float64(x), np.float64(dy)
    KH, KW, _, F = kernel_shape
    dkernel = np.zeros(kernel_shape)
    for kh, kw, out, seen in tap_slices(x.shape[1:3], (KH, KW), **geometry):
        for c, f in group_slices(groups, x.shape[3], F):
            dkernel[kh, kw, :, f] = np.tensordot(x[(*seen, c)], dy[(*out, f)], ((0, 1, 2),) * 2)
    return dkernel


def bias_backward(dy):
    return np.float64(dy).reshape(-1, dy.shape[-1]).sum(axis=0)


def depthwise_conv2d(x, kernel, bias=None, **geometry):
    """Kernel (KH, KW, C, M); filter m of channel c is output channel c * M + m."""
    x, kernel = np.float64(x), np.float64(kernel)
    KH, KW, C, M = kernel.shape
    OH, OW = output_size(x.shape[1:3], (KH, KW), **geometry)
    y = np.zeros((len(x), OH, OW, C, M))
    for kh, kw, out, seen in tap_slices(x.shape[1:3], (KH, KW), **geometry):
        y[out] += x[seen][..., None] * kernel[kh, kw]
    y = y.reshape(len(x), OH, OW, C * M)
    return y if bias is None else y + np.float64(bias)


def depthwise_conv2d_backward_input(dy, kernel, input_shape, **geometry):
    kernel = np.float64(kernel)
    KH, KW, C, M = kernel.shape
    dy = np.float64(dy).reshape(*dy.shape[:3], C, M)
    dx = np.zeros(input_shape)
    for kh, kw, out, seen in tap_slices(input_shape[1:3], (KH, KW), **geometry):
        dx[seen] += (dy[out] * kernel[kh, kw]).sum(axis=-1)
    return dx


def depthwise_conv2d_backward_filter(x, dy, kernel_shape, **geometry):
    x = np.float64(x)
    KH, KW, C, M = kernel_shape
    dy = np.float64(dy).reshape(*dy.shape[:3], C, M)
    dkernel = np.zeros(kernel_shape)
    for kh, kw, out, seen in tap_slices(x.shape[1:3], (KH, KW), **geometry):
        dkernel[kh, kw] = (x[seen][..., None] * dy[out]).sum(axis=(0, 1, 2))
    return dkernel


def im2col(x, kernel_size, **geometry):
    """Rows are output positions (N * OH * OW), columns are (KH, KW, C); padding is 0."""
    x = np.float64(x)
    OH, OW = output_size(x.shape[1:3], kernel_size, **geometry)
    columns = np.zeros((len(x), OH, OW, *kernel_size, x.shape[3]))
    for oh, ow, kh, kw, ih, iw in taps(x.shape[1:3], kernel_size, **geometry):
        columns[:, oh, ow, kh, kw] = x[:, ih, iw]
    return columns.reshape(len(x) * OH * OW, kernel_size[0] * kernel_size[1] * x.shape[3])


def col2im(columns, input_shape, kernel_size, **geometry):
    """The adjoint of im2col: every column entry is added to the pixel it was copied from."""
    OH, OW = output_size(input_shape[1:3], kernel_size, **geometry)
    columns = np.float64(columns).reshape(input_shape[0], OH, OW, *kernel_size, input_shape[3])
    x = np.zeros(input_shape)
    for oh, ow, kh, kw, ih, iw in taps(input_shape[1:3], kernel_size, **geometry):
        x[:, ih, iw] += columns[:, oh, ow, kh, kw]
    return x


# --- pooling ---------------------------------------------------------------------------------


def max_pool2d(x, pool_size, **geometry):
    """Return y and argmax, the position kh * KW + kw of the first maximum (the first NaN)."""
    x = np.float64(x)
    shape = (len(x), *output_size(x.shape[1:3], pool_size, **geometry), x.shape[3])
    y, argmax = np.full(shape, -np.inf), np.full(shape, -1)
    for oh, ow, kh, kw, ih, iw in taps(x.shape[1:3], pool_size, **geometry):
        value, best = x[:, ih, iw], y[:, oh, ow]
        first = argmax[:, oh, ow] == -1  # also when every value is -inf, padding never wins
        better = first | (value > best) | (np.isnan(value) & ~np.isnan(best))
        best[better] = value[better]
        argmax[:, oh, ow][better] = kh * pool_size[1] + kw
    return y, argmax


def max_pool2d_backward(dy, argmax, input_shape, pool_size, **geometry):
    dx = np.zeros(input_shape)
    for oh, ow, kh, kw, ih, iw in taps(input_shape[1:3], pool_size, **geometry):
        dx[:, ih, iw] += dy[:, oh, ow] * (argmax[:, oh, ow] == kh * pool_size[1] + kw)
    return dx


def pool_counts(size, pool_size, **geometry):
    """How many pixels of the image each window covers; padding is not counted."""
    counts = np.zeros(output_size(size, pool_size, **geometry))
    for oh, ow, *_ in taps(size, pool_size, **geometry):
        counts[oh, ow] += 1
    return counts


def average_pool2d(x, pool_size, **geometry):
    x = np.float64(x)
    counts = pool_counts(x.shape[1:3], pool_size, **geometry)
    total = np.zeros((len(x), *counts.shape, x.shape[3]))
    for oh, ow, _, _, ih, iw in taps(x.shape[1:3], pool_size, **geometry):
        total[:, oh, ow] += x[:, ih, iw]
    return total / counts[:, :, None]


def average_pool2d_backward(dy, input_shape, pool_size, **geometry):
    counts = pool_counts(input_shape[1:3], pool_size, **geometry)
    share = np.float64(dy) / counts[:, :, None]
    dx = np.zeros(input_shape)
    for oh, ow, _, _, ih, iw in taps(input_shape[1:3], pool_size, **geometry):
        dx[:, ih, iw] += share[:, oh, ow]
    return dx


# --- dense -----------------------------------------------------------------------------------


def dense(x, kernel, bias=None):
    y = np.einsum("...k,kf->...f", np.float64(x), np.float64(kernel))
    return y if bias is None else y + np.float64(bias)


def dense_backward_input(dy, kernel):
    return np.einsum("...f,kf->...k", np.float64(dy), np.float64(kernel))


def dense_backward_filter(x, dy):
    x, dy = np.float64(x), np.float64(dy)
    return x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])


# --- cross-entropy ---------------------------------------------------------------------------


def log_softmax(x, axis=-1):
    shifted = np.float64(x) - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def softmax(x, axis=-1):
    return np.exp(log_softmax(x, axis))


def softmax_backward(dy, y, axis=-1):
    """dx_i = sum_j dy_j * dy_j/dx_i = y_i * (dy_i - sum_j dy_j * y_j)."""
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax_backward(dy, y, axis=-1):
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


def softmax_cross_entropy(logits, labels, weights=None):
    """Return loss (M,), unweighted, and dlogits (M, C) of sum(weights * loss)."""
    labels = np.asarray(labels)
    if labels.ndim == 1:
        labels = np.eye(logits.shape[1])[labels]
    weights = np.ones(len(logits)) if weights is None else np.float64(weights)
    log_p = log_softmax(logits)
    loss = -(labels * log_p).sum(axis=1)
    dlogits = np.exp(log_p) * labels.sum(axis=1, keepdims=True) - labels
    return loss, dlogits * weights[:, None]


def sigmoid_cross_entropy(logits, labels, weights=None):
    """Return loss (M,), the unweighted mean over C, and dlogits (M, C) of sum(weights * loss)."""
    z, labels = np.float64(logits), np.float64(labels)
    weights = np.ones(len(z)) if weights is None else np.float64(weights)
    # -labels * log(sigmoid(z)) - (1 - labels) * log(1 - sigmoid(z)), without overflow
    loss = labels * np.logaddexp(0, -z) + (1 - labels) * np.logaddexp(0, z)
    dlogits = (np.exp(-np.logaddexp(0, -z)) - labels) / z.shape[1]
    return loss.mean(axis=1), dlogits * weights[:, None]


# --- batch normalization ---------------------------------------------------------------------


def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    """Normalise the last axis with given statistics; gamma and beta may be None."""
    y = (np.float64(x) - mean) / np.sqrt(np.float64(variance) + epsilon)
    return y * (1.0 if gamma is None else gamma) + (0.0 if beta is None else beta)


def batch_norm_train(x, gamma, beta, epsilon=1e-3):
    """Return y, mean (C,) and the biased variance (C,) of the batch."""
    rows = np.float64(x).reshape(-1, x.shape[-1])
    mean = rows.mean(axis=0)
    variance = ((rows - mean) ** 2).mean(axis=0)
    return batch_norm(x, gamma, beta, mean, variance, epsilon), mean, variance


def batch_norm_inference_backward(dy, x, gamma, mean, variance, epsilon=1e-3):
    """Gradients with the statistics held fixed: dx, dgamma, dbeta."""
    dy = np.float64(dy)
    leading = tuple(range(dy.ndim - 1))
    inv = 1 / np.sqrt(np.float64(variance) + epsilon)
    x_hat = (np.float64(x) - mean) * inv
    dx = dy * (1.0 if gamma is None else np.float64(gamma)) * inv
    return dx, (dy * x_hat).sum(axis=leading), dy.sum(axis=leading)


def batch_norm_backward(dy, x, gamma, mean, variance, epsilon=1e-3):
    """Gradients through the batch's own mean and variance: dx, dgamma, dbeta."""
    dx, dgamma, dbeta = batch_norm_inference_backward(dy, x, gamma, mean, variance, epsilon)
    inv = 1 / np.sqrt(np.float64(variance) + epsilon)
    x_hat = (np.float64(x) - mean) * inv
    count = dx.size // dx.shape[-1]
    through_statistics = (dbeta + x_hat * dgamma) / count
    return dx - (1.0 if gamma is None else gamma) * inv * through_statistics, dgamma, dbeta


# --- activations -----------------------------------------------------------------------------

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

erfc = np.vectorize(math.erfc, otypes=[float])


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.where(x >= max_value, max_value, y)


def relu_derivative(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """At a kink, the derivative from the left of the threshold and from the right of max_value."""
    slope = np.where(x > threshold, 1.0, negative_slope)
    return slope if max_value is None else np.where(x >= max_value, 0.0, slope)


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def sigmoid_derivative(x):
    return np.exp(-np.logaddexp(0, -x) - np.logaddexp(0, x))


def softplus(x):
    return np.logaddexp(0, x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_derivative(x, alpha=1.0):
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


def gelu_derivative(x):
    return 0.5 * erfc(-x / math.sqrt(2)) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def mish_derivative(x):
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


def tanh_shrink(x):
    """x - tanh(x); where all digits cancel, four terms of its series."""
    series = x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315 - 62 * x**9 / 2835
    return np.where(np.abs(x) < 0.03, series, x - np.tanh(x))


def inside(x, limit):
    """1 where |x| < limit, 0 elsewhere: the derivative of clip(x, -limit, limit)."""
    return np.where(np.abs(x) < limit, 1.0, 0.0)


#: name: (f(x), df/dx), elementwise. softmax and log_softmax mix a row: see above.
ACTIVATIONS = {
    "linear": (lambda x: x, np.ones_like),
    "relu": (relu, relu_derivative),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: inside(x - 3, 3)),
    "leaky_relu": (lambda x: relu(x, 0.2), lambda x: relu_derivative(x, 0.2)),
    "elu": (elu, elu_derivative),
    "celu": (elu, elu_derivative),
    "selu": (
        lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
        lambda x: SELU_SCALE * elu_derivative(x, SELU_ALPHA),
    ),
    "sigmoid": (sigmoid, sigmoid_derivative),
    "log_sigmoid": (lambda x: -softplus(-x), lambda x: sigmoid(-x)),
    "hard_sigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, lambda x: inside(x, 3) / 6),
    "tanh": (np.tanh, lambda x: 4 * sigmoid_derivative(2 * x)),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), lambda x: inside(x, 1)),
    "tanh_shrink": (tanh_shrink, lambda x: np.tanh(x) ** 2),
    "softplus": (softplus, sigmoid),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "exponential": (np.exp, np.exp),
    "silu": (
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * sigmoid_derivative(x),
    ),
    "hard_silu": (
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda x: np.clip(x + 3, 0, 6) / 6 + x * inside(x, 3) / 6,
    ),
    "gelu": (lambda x: 0.5 * x * erfc(-x / math.sqrt(2)), gelu_derivative),
    "mish": (lambda x: x * np.tanh(softplus(x)), mish_derivative),
    "squareplus": (
        lambda x: (x + np.sqrt(x * x + 4)) / 2,
        lambda x: (1 + x / np.sqrt(x * x + 4)) / 2,
    ),
    "hard_shrink": (lambda x: x * (1 - inside(x, 0.5)), lambda x: 1 - inside(x, 0.5)),
    "soft_shrink": (lambda x: x - np.clip(x, -0.5, 0.5), lambda x: 1 - inside(x, 0.5)),
    "sparse_plus": (
        lambda x: np.where(x >= 1, x, np.maximum(x + 1, 0) ** 2 / 4),
        lambda x: np.clip((x + 1) / 2, 0, 1),
    ),
    "sparse_sigmoid": (lambda x: np.clip((x + 1) / 2, 0, 1), lambda x: inside(x, 1) / 2),
}
for alias, name in {"swish": "silu", "hard_swish": "hard_silu"}.items():
    ACTIVATIONS[alias] = ACTIVATIONS[name]


# --- optimiser steps -------------------------------------------------------------------------
# Pure twins of the in-place steps: they return the new weights followed by the new slots.


def prepare(w, g, decay, grad_scale, clip_value):
    """Scale and clip the gradient, then decay the weights; every step begins so."""
    g = np.float64(g) * grad_scale
    if clip_value is not None:
        g = np.clip(g, -clip_value, clip_value)
    return np.float64(w) * (1 - decay), g


def sgd_step(
    w, g, velocity=None, *, learning_rate, momentum=0.0, nesterov=False,
    decay=0.0, grad_scale=1.0, clip_value=None,
):  # fmt: skip
    w, g = prepare(w, g, decay, grad_scale, clip_value)
    if velocity is None:
        return (w - learning_rate * g,)
    velocity = momentum * np.float64(velocity) - learning_rate * g
    step = momentum * velocity - learning_rate * g if nesterov else velocity
    return w + step, velocity


def adam_step(
    w, g, m, v, v_hat=None, *, alpha, beta_1, beta_2, epsilon,
    decay=0.0, grad_scale=1.0, clip_value=None,
):  # fmt: skip
    """alpha = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t), with t from 1."""
    w, g = prepare(w, g, decay, grad_scale, clip_value)
    m = beta_1 * np.float64(m) + (1 - beta_1) * g
    v = beta_2 * np.float64(v) + (1 - beta_2) * g * g
    if v_hat is None:
        return w - alpha * m / (np.sqrt(v) + epsilon), m, v
    v_hat = np.maximum(v_hat, v)
    return w - alpha * m / (np.sqrt(v_hat) + epsilon), m, v, v_hat


def rmsprop_step(
    w, g, v, momentum_slot=None, average=None, *, learning_rate, rho, momentum=0.0, epsilon,
    decay=0.0, grad_scale=1.0, clip_value=None,
):  # fmt: skip
    """The slots come back in the order of the arguments, those that were given."""
    w, g = prepare(w, g, decay, grad_scale, clip_value)
    v = rho * np.float64(v) + (1 - rho) * g * g
    slots, denominator = [v], v
    if average is not None:
        average = rho * np.float64(average) + (1 - rho) * g
        denominator = v - average * average
    step = learning_rate * g / np.sqrt(denominator + epsilon)
    if momentum_slot is not None:
        step = momentum * np.float64(momentum_slot) + step
        slots.append(step)
    if average is not None:
        slots.append(average)
    return w - step, *slots
