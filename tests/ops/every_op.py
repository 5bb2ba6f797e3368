"""One call of every op, with arrays, for tests that ask the same of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastconv import ops


class Call(NamedTuple):
    """`run(**arrays)` calls one op; every array is an argument of that op."""

    run: Callable[..., Any]
    arrays: dict[str, np.ndarray]

    def __call__(self, **replaced):
        return self.run(**{**self.arrays, **replaced})


SAME = {"padding": "same"}
S2 = {"strides": 2, "padding": "same"}


def in_place(step, **options):
    """Wrap an optimiser step as a function that returns what it changed, leaving w as it was."""

    def run(w, g, **slots):
        changed = [np.array(array, np.float32, order="C") for array in (w, *slots.values())]
        step(changed[0], g, *changed[1:], **options)
        return tuple(changed)

    return run


def every_op(N=5, H=9, W=8, C=6, F=10, seed=17):
    """Return {name: Call} on a batch of N images; a name begins with that of the op."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    OH, OW = -(-H // 2), -(-W // 2)
    x, kernel, bias, other = normal(N, H, W, C), normal(3, 3, C, F), normal(F), normal(N, H, W, C)
    dy, dy2 = normal(N, H, W, F), normal(N, OH, OW, F)
    depthwise, depthwise_bias, depthwise_dy = (
        normal(3, 3, C, 2),
        normal(2 * C),
        normal(N, H, W, 2 * C),
    )
    pooled_dy = normal(N, OH, OW, C)
    argmax = rng.integers(0, 4, pooled_dy.shape).astype(np.int32)
    volume = normal(N, 3, H, W, C)
    taps, steps = normal(3, C, F), normal(N, W, C)
    cube, cube_dy = normal(2, 3, 2, C // 2, F), normal(N, 3, H, W, F)
    mirror = normal(3, 2, F, C)
    mirror_dy = ops.conv_transpose(x, mirror, strides=2)
    adapted, adapted_argmax = ops.adaptive_max_pool(x, (4, 5), return_argmax=True)
    pooled_volume, volume_argmax = ops.max_pool(volume, **SAME, return_argmax=True)
    K = H * W
    rows, matrix, dense_dy = normal(N, K), normal(K, F), normal(N, F)
    logits, one_hot = normal(N, F), np.eye(F, dtype=np.float32)[rng.integers(0, F, N)]
    labels, weights = rng.integers(0, F, N), np.abs(normal(N))
    gamma, beta, mean, variance = normal(C), normal(C), normal(C), np.abs(normal(C)) + 1
    w, g, m, v = normal(K, F), normal(K, F), normal(K, F), np.abs(normal(K, F)) + 1
    matrices = normal(N, 2, 3) + np.eye(2, 3, dtype=np.float32)

    calls = {
        "conv2d": (lambda x, kernel, bias: ops.conv2d(x, kernel, bias, **SAME, activation="relu"),
                   {"x": x, "kernel": kernel, "bias": bias}),
        "conv2d strided": (lambda x, kernel: ops.conv2d(x, kernel, **S2),
                           {"x": x, "kernel": kernel}),
        "conv2d grouped": (lambda x, kernel: ops.conv2d(x, kernel, groups=2),
                           {"x": x, "kernel": normal(3, 3, C // 2, F)}),
        "conv2d_backward_input": (
            lambda dy, kernel: ops.conv2d_backward_input(dy, kernel, x.shape, **SAME),
            {"dy": dy, "kernel": kernel}),
        "conv2d_backward_filter": (
            lambda x, dy: ops.conv2d_backward_filter(x, dy, kernel.shape, **SAME),
            {"x": x, "dy": dy}),
        "conv2d_backward_input strided": (
            lambda dy, kernel: ops.conv2d_backward_input(dy, kernel, x.shape, **S2),
            {"dy": dy2, "kernel": kernel}),
        "conv2d_backward_filter strided": (
            lambda x, dy: ops.conv2d_backward_filter(x, dy, kernel.shape, **S2),
            {"x": x, "dy": dy2}),
        "bias_backward": (ops.bias_backward, {"dy": dy}),
        "depthwise_conv2d": (
            lambda x, kernel, bias: ops.depthwise_conv2d(x, kernel, bias, **SAME),
            {"x": x, "kernel": depthwise, "bias": depthwise_bias}),
        "depthwise_conv2d_backward_input": (
            lambda dy, kernel: ops.depthwise_conv2d_backward_input(dy, kernel, x.shape, **SAME),
            {"dy": depthwise_dy, "kernel": depthwise}),
        "depthwise_conv2d_backward_filter": (
            lambda x, dy: ops.depthwise_conv2d_backward_filter(x, dy, depthwise.shape, **SAME),
            {"x": x, "dy": depthwise_dy}),
        "max_pool2d": (lambda x: ops.max_pool2d(x, **SAME, return_argmax=True), {"x": x}),
        "max_pool2d_backward": (
            lambda dy, argmax: ops.max_pool2d_backward(dy, argmax, x.shape, **SAME),
            {"dy": pooled_dy, "argmax": argmax}),
        "average_pool2d": (lambda x: ops.average_pool2d(x, 3, **S2), {"x": x}),
        "average_pool2d_backward": (
            lambda dy: ops.average_pool2d_backward(dy, x.shape, 3, **S2), {"dy": pooled_dy}),
        "global_average_pool2d": (ops.global_average_pool2d, {"x": x}),
        "global_average_pool2d_backward": (
            lambda dy: ops.global_average_pool2d_backward(dy, x.shape), {"dy": normal(N, C)}),
        "global_max_pool2d": (lambda x: ops.global_max_pool2d(x, return_argmax=True), {"x": x}),
        "global_max_pool2d_backward": (
            lambda dy, argmax: ops.global_max_pool2d_backward(dy, argmax, x.shape),
            {"dy": normal(N, C), "argmax": rng.integers(0, H * W, (N, C)).astype(np.int32)}),
        "zero_pad2d": (lambda x: ops.zero_pad2d(x, ((1, 2), (0, 3))), {"x": x}),
        "conv": (lambda x, kernel, bias: ops.conv(x, kernel, bias, **S2),
                 {"x": x, "kernel": kernel, "bias": bias}),
        "conv_backward_input": (
            lambda dy, kernel: ops.conv_backward_input(dy, kernel, x.shape, **S2),
            {"dy": dy2, "kernel": kernel}),
        "conv_backward_filter": (
            lambda x, dy: ops.conv_backward_filter(x, dy, kernel.shape, **S2),
            {"x": x, "dy": dy2}),
        "conv1d": (lambda x, kernel: ops.conv1d(x, kernel, padding="causal"),
                   {"x": steps, "kernel": taps}),
        "conv1d_backward_input": (
            lambda dy, kernel: ops.conv1d_backward_input(dy, kernel, steps.shape, **SAME),
            {"dy": normal(N, W, F), "kernel": taps}),
        "conv1d_backward_filter": (
            lambda x, dy: ops.conv1d_backward_filter(x, dy, taps.shape, **SAME),
            {"x": steps, "dy": normal(N, W, F)}),
        "conv3d": (lambda x, kernel, bias: ops.conv3d(x, kernel, bias, groups=2, **SAME),
                   {"x": volume, "kernel": cube, "bias": bias}),
        "conv3d_backward_input": (
            lambda dy, kernel: ops.conv3d_backward_input(
                dy, kernel, volume.shape, groups=2, **SAME),
            {"dy": cube_dy, "kernel": cube}),
        "conv3d_backward_filter": (
            lambda x, dy: ops.conv3d_backward_filter(x, dy, cube.shape, groups=2, **SAME),
            {"x": volume, "dy": cube_dy}),
        "conv_transpose": (
            lambda x, kernel, bias: ops.conv_transpose(x, kernel, bias, strides=2),
            {"x": x, "kernel": mirror, "bias": bias}),
        "conv_transpose_backward_input": (
            lambda dy, kernel: ops.conv_transpose_backward_input(dy, kernel, x.shape, strides=2),
            {"dy": mirror_dy, "kernel": mirror}),
        "conv_transpose_backward_filter": (
            lambda x, dy: ops.conv_transpose_backward_filter(x, dy, mirror.shape, strides=2),
            {"x": x, "dy": mirror_dy}),
        "depthwise_conv": (lambda x, kernel: ops.depthwise_conv(x, kernel, **S2),
                           {"x": x, "kernel": depthwise}),
        "depthwise_conv_backward_input": (
            lambda dy, kernel: ops.depthwise_conv_backward_input(dy, kernel, x.shape, **SAME),
            {"dy": depthwise_dy, "kernel": depthwise}),
        "depthwise_conv_backward_filter": (
            lambda x, dy: ops.depthwise_conv_backward_filter(x, dy, depthwise.shape, **SAME),
            {"x": x, "dy": depthwise_dy}),
        "depthwise_conv1d": (lambda x, kernel: ops.depthwise_conv1d(x, kernel, **SAME),
                             {"x": steps, "kernel": depthwise[0]}),
        "depthwise_conv1d_backward_input": (
            lambda dy, kernel: ops.depthwise_conv1d_backward_input(
                dy, kernel, steps.shape, **SAME),
            {"dy": normal(N, W, 2 * C), "kernel": depthwise[0]}),
        "depthwise_conv1d_backward_filter": (
            lambda x, dy: ops.depthwise_conv1d_backward_filter(x, dy, (3, C, 2), **SAME),
            {"x": steps, "dy": normal(N, W, 2 * C)}),
        "adaptive_average_pool": (lambda x: ops.adaptive_average_pool(x, (2, 4, 4)),
                                  {"x": volume}),
        "adaptive_average_pool_backward": (
            lambda dy: ops.adaptive_average_pool_backward(dy, x.shape, (4, 5)), {"dy": adapted}),
        "adaptive_max_pool": (lambda x: ops.adaptive_max_pool(x, (2, 4, 4)), {"x": volume}),
        "adaptive_max_pool_backward": (
            lambda dy: ops.adaptive_max_pool_backward(dy, adapted_argmax, x.shape, (4, 5)),
            {"dy": adapted}),
        "zero_pad": (lambda x: ops.zero_pad(x, ((1, 0), (0, 2), (3, 1))), {"x": volume}),
        "crop": (lambda x: ops.crop(x, ((1, 0), (0, 2), (3, 1))), {"x": volume}),
        "max_pool": (lambda x: ops.max_pool(x, **SAME), {"x": volume}),
        "max_pool_backward": (
            lambda dy: ops.max_pool_backward(dy, volume_argmax, volume.shape, **SAME),
            {"dy": pooled_volume}),
        "average_pool": (lambda x: ops.average_pool(x, 3, **S2), {"x": volume}),
        "average_pool_backward": (
            lambda dy: ops.average_pool_backward(dy, volume.shape, 2, **SAME),
            {"dy": pooled_volume}),
        "resize": (lambda x: ops.resize(x, (H + 3, W - 2), "bicubic"), {"x": x}),
        "resize_backward": (lambda dy: ops.resize_backward(dy, (H - 3, W + 2)), {"dy": x}),
        "upsample": (lambda x: ops.upsample(x, (2, 1, 3)), {"x": volume}),
        "upsample_backward": (lambda dy: ops.upsample_backward(dy, (1, 3, 2)), {"dy": volume}),
        "im2col": (lambda x: ops.im2col(x, 3, **SAME), {"x": x}),
        "matmul": (ops.matmul, {"a": rows, "b": matrix}),
        "dense": (lambda x, kernel, bias: ops.dense(x, kernel, bias, activation="relu"),
                  {"x": rows, "kernel": matrix, "bias": bias}),
        "dense_backward_input": (ops.dense_backward_input, {"dy": dense_dy, "kernel": matrix}),
        "dense_backward_filter": (ops.dense_backward_filter, {"x": rows, "dy": dense_dy}),
        "col2im": (lambda columns: ops.col2im(columns, x.shape, 3, **S2),
                   {"columns": normal(N * OH * OW, 9 * C)}),
        "softmax": (ops.softmax, {"x": logits}),
        "softmax of columns": (lambda x: ops.softmax(x, axis=1), {"x": x}),
        "softmax_backward": (ops.softmax_backward, {"dy": dense_dy, "y": one_hot}),
        "log_softmax": (ops.log_softmax, {"x": logits}),
        "log_softmax_backward": (ops.log_softmax_backward, {"dy": dense_dy, "y": logits}),
        "sigmoid": (ops.sigmoid, {"x": x}),
        "activation tanh": (lambda x: ops.activation(x, "tanh"), {"x": x}),
        "activation_backward tanh": (lambda dy, y: ops.activation_backward(dy, None, y, "tanh"),
                                     {"dy": other, "y": np.tanh(x)}),
        "elu": (lambda x: ops.elu(x, 0.5), {"x": x}),
        "sparsemax": (ops.sparsemax, {"x": logits}),
        "sparsemax_backward": (
            ops.sparsemax_backward, {"dy": dense_dy, "y": np.asarray(ops.sparsemax(logits))}),
        "normalize_groups": (
            lambda x, gamma, beta: ops.normalize_groups(x, gamma, beta, 1e-3),
            {"x": x, "gamma": np.tile(gamma, (H, 1)), "beta": np.tile(beta, (H, 1))}),
        "normalize_groups_backward": (
            lambda dy, x, gamma: ops.normalize_groups_backward(
                dy, x, gamma, np.zeros((len(x), H)), np.ones((len(x), H))),
            {"dy": other, "x": x, "gamma": np.tile(gamma, (H, 1))}),
        "elu_backward": (lambda dy, y: ops.elu_backward(dy, y, 0.5), {"dy": other, "y": x}),
        "leaky_relu": (ops.leaky_relu, {"x": x}),
        "leaky_relu_backward": (ops.leaky_relu_backward, {"dy": other, "x": x}),
        "relu": (lambda x: ops.relu(x, 0.1, 2.0, 0.5), {"x": x}),
        "relu_backward": (lambda dy, x: ops.relu_backward(dy, x, 0.1, 2.0, 0.5),
                          {"dy": other, "x": x}),
        "softmax_cross_entropy": (
            lambda logits, labels, weights: ops.softmax_cross_entropy(logits, labels, weights),
            {"logits": logits, "labels": labels, "weights": weights}),
        "softmax_cross_entropy of rows": (
            ops.softmax_cross_entropy, {"logits": logits, "labels": one_hot}),
        "sigmoid_cross_entropy": (
            ops.sigmoid_cross_entropy, {"logits": logits, "labels": one_hot, "weights": weights}),
        "batch_norm": (ops.batch_norm, {"x": x, "gamma": gamma, "beta": beta, "mean": mean,
                                        "variance": variance}),
        "batch_norm_train": (ops.batch_norm_train, {"x": x, "gamma": gamma, "beta": beta}),
        "batch_norm_backward": (
            ops.batch_norm_backward,
            {"dy": other, "x": x, "gamma": gamma, "mean": mean, "variance": variance}),
        "batch_norm_inference_backward": (
            ops.batch_norm_inference_backward,
            {"dy": other, "x": x, "gamma": gamma, "mean": mean, "variance": variance}),
        "affine_transform": (ops.affine_transform, {"x": x, "matrices": matrices}),
        "affine_transform constant": (
            lambda x, matrices: ops.affine_transform(x, matrices, "nearest", "constant", 2.0),
            {"x": x, "matrices": matrices}),
        "affine_transform_backward": (
            ops.affine_transform_backward, {"dy": other, "matrices": matrices}),
        "dropout": (lambda x: ops.dropout(x, 0.5, 123), {"x": x}),
        "scale_shift": (lambda x: ops.scale_shift(x, 0.5, -1.0), {"x": x}),
        "take_rows": (ops.take_rows, {"x": x, "indices": rng.permutation(N)[: N // 2 + 1]}),
        "sum_of_squares": (ops.sum_of_squares, {"x": w}),
        "total": (ops.total, {"x": w}),
        "sgd_step": (in_place(ops.sgd_step, learning_rate=0.1, momentum=0.9, nesterov=True),
                     {"w": w, "g": g, "velocity": m}),
        "adam_step": (in_place(ops.adam_step, alpha=0.1, beta_1=0.9, beta_2=0.99, epsilon=1e-7),
                      {"w": w, "g": g, "m": m, "v": v}),
        "rmsprop_step": (in_place(ops.rmsprop_step, learning_rate=0.1, rho=0.9, epsilon=1e-7),
                         {"w": w, "g": g, "v": v}),
    }  # fmt: skip
    return {name: Call(*call) for name, call in calls.items()}


def float_arguments():
    """Return (op, argument) for every floating-point array argument of every op."""
    return [
        (name, argument)
        for name, call in every_op(N=1).items()
        for argument, array in call.arrays.items()
        if array.dtype == np.float32
    ]
