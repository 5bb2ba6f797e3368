"""TEMPORARY NumPy stand-ins for the kernels; deleted once kernels are wired in. Same signatures."""
import numpy as np
from . import checks, shapes

def _pad(x, pads, value=0.0):
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)

def _windows(xp, kh, kw, strides, dilation, oh, ow):
    n, h, w, c = xp.shape
    sn, s0, s1, sc = xp.strides
    return np.lib.stride_tricks.as_strided(xp, (n, oh, ow, kh, kw, c),
        (sn, s0 * strides[0], s1 * strides[1], s0 * dilation[0], s1 * dilation[1], sc))

def _geometry(where, shape, window, strides, padding, dilation=(1, 1)):
    s = checks.as_pair(where, "strides", strides); d = checks.as_pair(where, "dilation", dilation)
    pads = shapes.resolve_padding(where, padding, shape[1:3], window, s, d)
    oh, ow = shapes.output_shape(where, shape[1:3], window, s, d, pads)
    return s, d, pads, oh, ow

def conv2d(x, kernel, bias=None, *, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, activation=None, algorithm="auto"):
    x = checks.as_float32("conv2d", "x", x, 4); kernel = checks.as_float32("conv2d", "kernel", kernel, 4)
    kh, kw, cg, f = kernel.shape
    if x.shape[3] != cg * groups:
        raise ValueError(f"conv2d: x has C={x.shape[3]} but kernel {kernel.shape} with groups={groups} needs C={cg*groups}.")
    s, d, pads, oh, ow = _geometry("conv2d", x.shape, (kh, kw), strides, padding, dilation)
    win = _windows(_pad(x, pads), kh, kw, s, d, oh, ow)
    fg = f // groups
    y = np.concatenate([np.tensordot(win[..., g*cg:(g+1)*cg], kernel[..., g*fg:(g+1)*fg], 3) for g in range(groups)], -1)
    if bias is not None: y = y + bias
    y = np.ascontiguousarray(y, np.float32)
    return y if activation is None else globals()["activation"](y, activation)

def conv2d_backward_input(dy, kernel, input_shape, *, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, algorithm="auto"):
    kh, kw, cg, f = kernel.shape
    s, d, pads, oh, ow = _geometry("conv2d_backward_input", input_shape, (kh, kw), strides, padding, dilation)
    n, h, w, c = input_shape
    dxp = np.zeros((n, h + sum(pads[0]), w + sum(pads[1]), c), np.float32)
    win = _windows(dxp, kh, kw, s, d, oh, ow); fg = f // groups
    for g in range(groups):
        for i in range(kh):
            for j in range(kw):
                win[:, :, :, i, j, g*cg:(g+1)*cg] += dy[..., g*fg:(g+1)*fg] @ kernel[i, j, :, g*fg:(g+1)*fg].T
    return np.ascontiguousarray(dxp[:, pads[0][0]:pads[0][0]+h, pads[1][0]:pads[1][0]+w])

def conv2d_backward_filter(x, dy, kernel_shape, *, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, algorithm="auto"):
    kh, kw, cg, f = kernel_shape
    s, d, pads, oh, ow = _geometry("conv2d_backward_filter", x.shape, (kh, kw), strides, padding, dilation)
    win = _windows(_pad(x, pads), kh, kw, s, d, oh, ow); fg = f // groups
    return np.concatenate([np.tensordot(win[..., g*cg:(g+1)*cg], dy[..., g*fg:(g+1)*fg], ((0, 1, 2), (0, 1, 2))) for g in range(groups)], -1).astype(np.float32)

def bias_backward(dy):
    """dbias (F,) = sum of dy (..., F) over all leading axes."""
    return dy.reshape(-1, dy.shape[-1]).sum(0, dtype=np.float32)

def depthwise_conv2d(x, kernel, bias=None, *, strides=(1, 1), padding="valid", dilation=(1, 1), activation=None):
    kh, kw, c, m = kernel.shape
    s, d, pads, oh, ow = _geometry("depthwise_conv2d", x.shape, (kh, kw), strides, padding, dilation)
    win = _windows(_pad(x, pads), kh, kw, s, d, oh, ow)
    y = np.einsum("nhwijc,ijcm->nhwcm", win, kernel).reshape(x.shape[0], oh, ow, c * m)
    if bias is not None: y = y + bias
    y = np.ascontiguousarray(y, np.float32)
    return y if activation is None else globals()["activation"](y, activation)

def depthwise_conv2d_backward_input(dy, kernel, input_shape, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    kh, kw, c, m = kernel.shape; n, h, w, _ = input_shape
    s, d, pads, oh, ow = _geometry("x", input_shape, (kh, kw), strides, padding, dilation)
    dxp = np.zeros((n, h + sum(pads[0]), w + sum(pads[1]), c), np.float32)
    win = _windows(dxp, kh, kw, s, d, oh, ow); dy = dy.reshape(n, oh, ow, c, m)
    for i in range(kh):
        for j in range(kw):
            win[:, :, :, i, j] += np.einsum("nhwcm,cm->nhwc", dy, kernel[i, j])
    return np.ascontiguousarray(dxp[:, pads[0][0]:pads[0][0]+h, pads[1][0]:pads[1][0]+w])

def depthwise_conv2d_backward_filter(x, dy, kernel_shape, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    kh, kw, c, m = kernel_shape
    s, d, pads, oh, ow = _geometry("x", x.shape, (kh, kw), strides, padding, dilation)
    win = _windows(_pad(x, pads), kh, kw, s, d, oh, ow)
    return np.einsum("nhwijc,nhwcm->ijcm", win, dy.reshape(x.shape[0], oh, ow, c, m)).astype(np.float32)

def max_pool2d(x, pool_size=(2, 2), *, strides=None, padding="valid", return_argmax=False):
    """argmax: int32 (N, OH, OW, C), position inside the window kh*KW + kw of the first maximum."""
    x = checks.as_float32("max_pool2d", "x", x, 4)
    k = checks.as_pair("max_pool2d", "pool_size", pool_size)
    s, d, pads, oh, ow = _geometry("max_pool2d", x.shape, k, k if strides is None else strides, padding)
    win = _windows(_pad(x, pads, -np.inf), *k, s, d, oh, ow).reshape(x.shape[0], oh, ow, k[0]*k[1], -1)
    arg = win.argmax(3).astype(np.int32)
    y = np.ascontiguousarray(np.take_along_axis(win, arg[:, :, :, None], 3)[:, :, :, 0])
    return (y, arg) if return_argmax else y

def max_pool2d_backward(dy, argmax, input_shape, pool_size=(2, 2), *, strides=None, padding="valid"):
    n, h, w, c = input_shape; k = checks.as_pair("max_pool2d", "pool_size", pool_size)
    s, d, pads, oh, ow = _geometry("max_pool2d", input_shape, k, k if strides is None else strides, padding)
    dxp = np.zeros((n, h + sum(pads[0]), w + sum(pads[1]), c), np.float32)
    win = _windows(dxp, *k, s, d, oh, ow)
    for i in range(k[0]):
        for j in range(k[1]):
            win[:, :, :, i, j] += dy * (argmax == i * k[1] + j)
    return np.ascontiguousarray(dxp[:, pads[0][0]:pads[0][0]+h, pads[1][0]:pads[1][0]+w])

def average_pool2d(x, pool_size=(2, 2), *, strides=None, padding="valid"):
    x = checks.as_float32("average_pool2d", "x", x, 4)
    k = checks.as_pair("average_pool2d", "pool_size", pool_size)
    s, d, pads, oh, ow = _geometry("average_pool2d", x.shape, k, k if strides is None else strides, padding)
    total = _windows(_pad(x, pads), *k, s, d, oh, ow).sum((3, 4))
    count = _windows(_pad(np.ones_like(x), pads), *k, s, d, oh, ow).sum((3, 4))
    return (total / count).astype(np.float32)

def average_pool2d_backward(dy, input_shape, pool_size=(2, 2), *, strides=None, padding="valid"):
    n, h, w, c = input_shape; k = checks.as_pair("average_pool2d", "pool_size", pool_size)
    s, d, pads, oh, ow = _geometry("average_pool2d", input_shape, k, k if strides is None else strides, padding)
    count = _windows(_pad(np.ones(input_shape, np.float32), pads), *k, s, d, oh, ow).sum((3, 4))
    dxp = np.zeros((n, h + sum(pads[0]), w + sum(pads[1]), c), np.float32)
    win = _windows(dxp, *k, s, d, oh, ow)
    for i in range(k[0]):
        for j in range(k[1]):
            win[:, :, :, i, j] += dy / count
    return np.ascontiguousarray(dxp[:, pads[0][0]:pads[0][0]+h, pads[1][0]:pads[1][0]+w])

def global_average_pool2d(x): return x.mean((1, 2), dtype=np.float32)
def global_average_pool2d_backward(dy, input_shape):
    n, h, w, c = input_shape
    return np.ascontiguousarray(np.broadcast_to((dy / (h * w))[:, None, None], input_shape), np.float32)
def global_max_pool2d(x, *, return_argmax=False):
    y = max_pool2d(x, x.shape[1:3], return_argmax=True)
    return (y[0][:, 0, 0], y[1][:, 0, 0]) if return_argmax else y[0][:, 0, 0]
def global_max_pool2d_backward(dy, argmax, input_shape):
    return max_pool2d_backward(dy[:, None, None], argmax[:, None, None], input_shape, input_shape[1:3])

def zero_pad2d(x, padding):
    """padding ((top, bottom), (left, right))."""
    return _pad(x, padding)

def matmul(a, b): return np.matmul(a, b)
def dense(x, kernel, bias=None, *, activation=None):
    """x (..., K) @ kernel (K, F) + bias."""
    y = x.reshape(-1, x.shape[-1]) @ kernel
    if bias is not None: y = y + bias
    y = y.reshape(*x.shape[:-1], -1)
    return y if activation is None else globals()["activation"](y, activation)
def dense_backward_input(dy, kernel): return dy @ kernel.T
def dense_backward_filter(x, dy): return x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])

def im2col(x, kernel_size, *, strides=(1, 1), padding="valid", dilation=(1, 1)):
    k = checks.as_pair("im2col", "kernel_size", kernel_size)
    s, d, pads, oh, ow = _geometry("im2col", x.shape, k, strides, padding, dilation)
    return _windows(_pad(x, pads), *k, s, d, oh, ow).reshape(x.shape[0] * oh * ow, -1).copy()

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True)); return (e / e.sum(axis, keepdims=True)).astype(np.float32)
def sigmoid(x): return (1 / (1 + np.exp(-x))).astype(np.float32)

def softmax_cross_entropy(logits, labels, weights=None):
    """logits (M, C); labels int (M,) or float32 (M, C); weights (M,) scales each row's gradient only.
    Returns loss float32 (M,) (unweighted) and dlogits (M, C) = weights * (softmax * sum(labels) - labels)."""
    if labels.ndim == 1: labels = np.eye(logits.shape[1], dtype=np.float32)[labels]
    z = logits - logits.max(1, keepdims=True); logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    d = np.exp(logp) * labels.sum(1, keepdims=True) - labels
    return -(labels * logp).sum(1), (d if weights is None else d * weights[:, None]).astype(np.float32)
def sigmoid_cross_entropy(logits, labels, weights=None):
    """logits, labels (M, C). Returns loss (M,) = mean over C, dlogits (M, C) = weights * (sigmoid - labels) / C."""
    l = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-abs(logits)))
    d = (sigmoid(logits) - labels) / logits.shape[1]
    return l.mean(1), (d if weights is None else d * weights[:, None]).astype(np.float32)

ACTIVATIONS = {  # name: (forward(x), backward(dy, x, y), needs_input)
    "linear": (lambda x: x, lambda dy, x, y: dy, False),
    "relu": (lambda x: np.maximum(x, 0), lambda dy, x, y: dy * (y > 0), False),
    "sigmoid": (sigmoid, lambda dy, x, y: dy * y * (1 - y), False),
    "tanh": (np.tanh, lambda dy, x, y: dy * (1 - y * y), False),
    "softmax": (softmax, lambda dy, x, y: y * (dy - (dy * y).sum(-1, keepdims=True)), False),
}
def activation(x, name): return ACTIVATIONS[name][0](x)
def activation_backward(dy, x, y, name):
    """x (pre-activation) may be None unless activation_needs_input(name)."""
    return ACTIVATIONS[name][1](dy, x, y)
def activation_needs_input(name): return ACTIVATIONS[name][2]
def leaky_relu(x, negative_slope=0.2): return np.where(x > 0, x, x * np.float32(negative_slope))
def leaky_relu_backward(dy, x, negative_slope=0.2): return np.where(x > 0, dy, dy * np.float32(negative_slope))
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    y = np.where(x >= threshold, x, np.float32(negative_slope) * (x - np.float32(threshold)))
    return (y if max_value is None else np.where(x >= max_value, np.float32(max_value), y)).astype(np.float32)
def relu_backward(dy, x, negative_slope=0.0, max_value=None, threshold=0.0):
    d = np.where(x > threshold, dy, dy * np.float32(negative_slope))
    return (d if max_value is None else np.where(x >= max_value, 0, d)).astype(np.float32)

def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    """x (..., C); gamma/beta may be None. Inference."""
    s = 1 / np.sqrt(variance + np.float32(epsilon)); s = s if gamma is None else s * gamma
    return ((x - mean) * s + (0 if beta is None else beta)).astype(np.float32)
def batch_norm_train(x, gamma, beta, epsilon=1e-3):
    """Returns y, mean (C,), variance (C,) (biased)."""
    a = tuple(range(x.ndim - 1)); m = x.mean(a); v = x.var(a)
    return batch_norm(x, gamma, beta, m, v, epsilon), m, v
def batch_norm_backward(dy, x, gamma, mean, variance, epsilon=1e-3):
    """Gradients through the batch statistics: dx, dgamma, dbeta."""
    a = tuple(range(x.ndim - 1)); inv = 1 / np.sqrt(variance + epsilon); xh = (x - mean) * inv
    dg, db = (dy * xh).sum(a), dy.sum(a); n = x.size // x.shape[-1]
    dx = (1 if gamma is None else gamma) * inv * (dy - db / n - xh * dg / n)
    return dx.astype(np.float32), dg.astype(np.float32), db.astype(np.float32)
def batch_norm_inference_backward(dy, x, gamma, mean, variance, epsilon=1e-3):
    """Gradients with fixed statistics: dx, dgamma, dbeta."""
    a = tuple(range(x.ndim - 1)); inv = 1 / np.sqrt(variance + epsilon)
    return (dy * ((1 if gamma is None else gamma) * inv)).astype(np.float32), (dy * (x - mean) * inv).sum(a).astype(np.float32), dy.sum(a)

def dropout(x, rate, seed):
    """seed: int (64-bit), one per call. Returns y and mask (float32, 0 or 1/(1-rate)), same bits everywhere."""
    keep = (np.random.Generator(np.random.PCG64(seed)).random(x.shape, np.float32) >= rate)
    mask = keep * np.float32(0 if rate >= 1 else 1 / (1 - rate)); return x * mask, mask
def scale_shift(x, scale, offset=0.0):
    """x * scale + offset, scalars (Rescaling)."""
    return (x * np.float32(scale) + np.float32(offset)).astype(np.float32)

# Optimiser steps update w and the slots IN PLACE. g' = clip(g * grad_scale, +-clip_value); then
# w -= w * decay (decoupled, decay = learning_rate * weight_decay), then the update with g'.
def _g(g, grad_scale, clip_value):
    g = g * np.float32(grad_scale); return g if clip_value is None else np.clip(g, -clip_value, clip_value)
def sgd_step(w, g, velocity=None, *, learning_rate, momentum=0.0, nesterov=False, decay=0.0, grad_scale=1.0, clip_value=None):
    g = _g(g, grad_scale, clip_value); w -= w * np.float32(decay)
    if velocity is None: w -= np.float32(learning_rate) * g; return
    velocity *= np.float32(momentum); velocity -= np.float32(learning_rate) * g
    w += np.float32(momentum) * velocity - np.float32(learning_rate) * g if nesterov else velocity
def adam_step(w, g, m, v, v_hat=None, *, alpha, beta_1, beta_2, epsilon, decay=0.0, grad_scale=1.0, clip_value=None):
    """alpha = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)."""
    g = _g(g, grad_scale, clip_value); w -= w * np.float32(decay)
    m += (g - m) * np.float32(1 - beta_1); v += (g * g - v) * np.float32(1 - beta_2)
    if v_hat is not None: np.maximum(v_hat, v, out=v_hat)
    w -= np.float32(alpha) * m / (np.sqrt(v if v_hat is None else v_hat) + np.float32(epsilon))
def rmsprop_step(w, g, v, momentum_slot=None, average=None, *, learning_rate, rho, momentum=0.0, epsilon, decay=0.0, grad_scale=1.0, clip_value=None):
    g = _g(g, grad_scale, clip_value); w -= w * np.float32(decay)
    v += (g * g - v) * np.float32(1 - rho); d = v
    if average is not None: average += (g - average) * np.float32(1 - rho); d = v - average * average
    inc = np.float32(learning_rate) * g / np.sqrt(d + np.float32(epsilon))
    if momentum_slot is not None: momentum_slot *= np.float32(momentum); momentum_slot += inc; inc = momentum_slot
    w -= inc
def sum_of_squares(x):
    """float (double precision), deterministic."""
    return float(np.dot(x.ravel().astype(np.float64), x.ravel().astype(np.float64)))
def take_rows(x, indices):
    """x[indices] as float32 rows (threaded gather of a batch)."""
    return np.ascontiguousarray(x[indices], np.float32)
