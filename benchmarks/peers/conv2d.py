"""One convolution in each library: forward, either gradient, or both.

`spec` is `problems.Problem.spec()` with the direction; its arrays come from `inputs`. Directions:
forward y, input dx, kernel dkernel, backward (dx, dkernel).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..inputs import standard_normal
from .base import (
    Contender,
    FastconvPeer,
    JaxPeer,
    NcnnPeer,
    OnnxRuntimePeer,
    OpenVinoPeer,
    Peer,
    TensorFlowPeer,
    TorchPeer,
    namespace,
)

Makers = dict[str, Callable[[], Contender]]


def _arrays(p: SimpleNamespace) -> dict[str, np.ndarray]:
    """Return the arrays the direction needs: all but the one it computes."""
    shapes = {"x": p.input_shape, "kernel": p.kernel_shape, "dy": p.output_shape}
    absent = {"forward": "dy", "input": "x", "kernel": "kernel", "backward": ""}[p.direction]
    return {name: standard_normal(name, shapes[name]) for name in shapes if name != absent}


def _listed(results: Any) -> list[np.ndarray]:
    return [np.asarray(result) for result in results]


class Fastconv(FastconvPeer):
    def contenders(self, spec: dict[str, Any]) -> Makers:
        p = namespace(spec)
        arrays = _arrays(p)
        return {
            f"{algorithm} {precision}": partial(self._make, p, arrays, algorithm, precision)
            for precision in p.precisions
            for algorithm in p.algorithms
        }

    def _make(
        self, p: SimpleNamespace, arrays: dict[str, np.ndarray], algorithm: str, precision: str
    ) -> Contender:
        from fastconv import config, ops

        x, kernel, dy = (arrays.get(name) for name in ("x", "kernel", "dy"))
        input_shape, kernel_shape = tuple(p.input_shape), tuple(p.kernel_shape)
        how = {
            "strides": tuple(p.strides),
            "padding": p.padding,
            "dilation": tuple(p.dilation),
            "groups": p.groups,
            "algorithm": algorithm,
        }
        # As in a model: where weights do not change, what is made of them is kept.
        packed = None if kernel is None else ops.PackedKernel(kernel)
        run = {
            "forward": lambda: (ops.conv2d(x, packed, **how),),
            "input": lambda: (ops.conv2d_backward_input(dy, kernel, input_shape, **how),),
            "kernel": lambda: (ops.conv2d_backward_filter(x, dy, kernel_shape, **how),),
            "backward": lambda: (
                ops.conv2d_backward_input(dy, kernel, input_shape, **how),
                ops.conv2d_backward_filter(x, dy, kernel_shape, **how),
            ),
        }[p.direction]

        def at_precision() -> Any:
            config.set_float32_matmul_precision(precision)
            return run()

        return Contender(at_precision, _listed)


class Torch(TorchPeer):
    """Both memory formats; weights are laid out for the format ahead of time.

    At "medium" precision also with bfloat16 arrays, whose conversion is not timed.
    """

    def contenders(self, spec: dict[str, Any]) -> Makers:
        p = namespace(spec)
        arrays = _arrays(p)
        return {
            f"{layout} {dtype}": partial(self._make, p, arrays, layout, dtype)
            for dtype in ("float32", "bfloat16")[: 1 + ("medium" in p.precisions)]
            for layout in ("contiguous_format", "channels_last")
        }

    def _make(
        self, p: SimpleNamespace, arrays: dict[str, np.ndarray], layout: str, dtype: str
    ) -> Contender:
        torch, pad = self.torch, self.torch.nn.functional.pad
        format_, type_ = getattr(torch, layout), getattr(torch, dtype)
        axes = {"x": (0, 3, 1, 2), "kernel": (3, 2, 0, 1), "dy": (0, 3, 1, 2)}
        tensors = {
            name: torch.from_numpy(array)
            .to(type_)
            .permute(axes[name])
            .contiguous(memory_format=format_)
            for name, array in arrays.items()
        }
        (top, bottom), (left, right) = p.pads
        # PyTorch pads alike on both sides; other padding is a pass of its own, as in its users'
        # code, and is timed.
        even = top == bottom and left == right
        pads = [top, left] if even else [0, 0]
        where = (p.strides, pads, p.dilation)

        def padded(x: Any) -> Any:
            return x if even else pad(x, (left, right, top, bottom))

        if p.direction == "forward":
            x, kernel = tensors["x"], tensors["kernel"]

            def forward() -> Any:
                with torch.inference_mode():
                    y = torch.nn.functional.conv2d(padded(x), kernel, None, *where, p.groups)
                return (y,)

            return Contender(forward, lambda ys: [ys[0].permute(0, 2, 3, 1).float().numpy()])

        mask = [p.direction in ("input", "backward"), p.direction in ("kernel", "backward"), False]
        # The operator wants all three arrays, but reads no values of the one it is not given.
        n, h, w, c = p.input_shape
        kh, kw, per_group, f = p.kernel_shape
        x = tensors.get(
            "x", torch.empty((n, c, h, w), dtype=type_).contiguous(memory_format=format_)
        )
        kernel = tensors.get(
            "kernel",
            torch.empty((f, per_group, kh, kw), dtype=type_).contiguous(memory_format=format_),
        )
        dy = tensors["dy"]

        def backward() -> Any:
            with torch.inference_mode():
                dx, dkernel, _ = torch.ops.aten.convolution_backward(
                    dy, padded(x), kernel, None, *where, False, [0, 0], p.groups, mask
                )
            if not even and dx is not None:
                dx = dx[:, :, top : top + h, left : left + w]
            return dx, dkernel

        def arrays_of(results: Any) -> list[np.ndarray]:
            back = ((0, 2, 3, 1), (2, 3, 1, 0))
            return [
                result.permute(axes).float().numpy()
                for result, axes in zip(results, back, strict=True)
                if result is not None
            ]

        return Contender(backward, arrays_of)


class TensorFlow(TensorFlowPeer):
    """NHWC in a tf.function; the raw gradient operators that tf.nn.conv2d's gradient calls."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        p = namespace(spec)
        return {"": partial(self._make, p, _arrays(p))}

    def _make(self, p: SimpleNamespace, arrays: dict[str, np.ndarray]) -> Contender:
        tf = self.tf
        kernel_shape = list(p.kernel_shape)
        if p.depthwise:
            kh, kw, _, f = kernel_shape
            kernel_shape = [kh, kw, p.C, f // p.C]
        tensors = {
            name: tf.constant(array.reshape(kernel_shape) if name == "kernel" else array)
            for name, array in arrays.items()
        }
        how: dict[str, Any] = {
            "strides": [1, *p.strides, 1],
            "dilations": [1, *p.dilation, 1],
            "padding": p.padding.upper() if isinstance(p.padding, str) else "EXPLICIT",
        }
        if how["padding"] == "EXPLICIT":
            how["explicit_paddings"] = [0, 0, *p.pads[0], *p.pads[1], 0, 0]
        raw, prefix = tf.raw_ops, "DepthwiseConv2dNative" if p.depthwise else "Conv2D"
        conv, input_gradient, kernel_gradient = (
            getattr(raw, prefix + suffix) for suffix in ("", "BackpropInput", "BackpropFilter")
        )

        def dx(kernel: Any, dy: Any) -> Any:
            return input_gradient(
                input_sizes=list(p.input_shape), filter=kernel, out_backprop=dy, **how
            )

        def dkernel(x: Any, dy: Any) -> Any:
            return kernel_gradient(input=x, filter_sizes=kernel_shape, out_backprop=dy, **how)

        graph = {
            "forward": lambda x, kernel: (conv(input=x, filter=kernel, **how),),
            "input": lambda kernel, dy: (dx(kernel, dy),),
            "kernel": lambda x, dy: (dkernel(x, dy),),
            "backward": lambda x, kernel, dy: (dx(kernel, dy), dkernel(x, dy)),
        }[p.direction]
        function = tf.function(graph)

        def arrays_of(results: Any) -> list[np.ndarray]:
            listed = _listed(results)
            if p.direction in ("kernel", "backward"):
                listed[-1] = listed[-1].reshape(p.kernel_shape)
            return listed

        return Contender(lambda: function(**tensors), arrays_of)


class Jax(JaxPeer):
    """Jitted lax.conv_general_dilated in NHWC / HWIO, and its vjp."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        p = namespace(spec)
        return {"": partial(self._make, p, _arrays(p))}

    def _make(self, p: SimpleNamespace, arrays: dict[str, np.ndarray]) -> Contender:
        jax, zeros = self.jax, self.jax.numpy.zeros

        def conv(x: Any, kernel: Any) -> Any:
            return jax.lax.conv_general_dilated(
                x,
                kernel,
                p.strides,
                [tuple(pad) for pad in p.pads],
                rhs_dilation=p.dilation,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=p.groups,
            )

        # A convolution is linear in either argument: the point of the gradient does not matter.
        def dx(kernel: Any, dy: Any) -> Any:
            return jax.vjp(lambda x: conv(x, kernel), zeros(p.input_shape))[1](dy)[0]

        def dkernel(x: Any, dy: Any) -> Any:
            return jax.vjp(lambda kernel: conv(x, kernel), zeros(p.kernel_shape))[1](dy)[0]

        function = jax.jit(
            {
                "forward": lambda x, kernel: (conv(x, kernel),),
                "input": lambda kernel, dy: (dx(kernel, dy),),
                "kernel": lambda x, dy: (dkernel(x, dy),),
                "backward": lambda x, kernel, dy: (dx(kernel, dy), dkernel(x, dy)),
            }[p.direction]
        )
        device = {name: jax.device_put(array) for name, array in arrays.items()}
        return Contender(lambda: jax.block_until_ready(function(**device)), _listed)


def _onnx_model(p: SimpleNamespace, kernel: np.ndarray) -> bytes:
    """Return a model of one Conv node, x (N, C, H, W) to y; its kernel can be packed ahead."""
    import onnx

    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    (top, bottom), (left, right) = p.pads
    node = helper.make_node(
        "Conv",
        ["x", "kernel"],
        ["y"],
        strides=p.strides,
        dilations=p.dilation,
        group=p.groups,
        pads=[top, left, bottom, right],
    )
    shapes = {name: [shape[axis] for axis in (0, 3, 1, 2)] for name, shape in _images(p).items()}
    x, y = (helper.make_tensor_value_info(name, real, shapes[name]) for name in ("x", "y"))
    constant = onnx.numpy_helper.from_array(_kernel_first(kernel), "kernel")
    graph = helper.make_graph([node], p.name, [x], [y], [constant])
    # An old file format that every ONNX Runtime of the last years reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _images(p: SimpleNamespace) -> dict[str, Any]:
    return {"x": p.input_shape, "y": p.output_shape}


def _channels_first(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _kernel_first(kernel: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


class _ForwardOnly(Peer):
    """Libraries that only predict: images channels first, kernels packed ahead."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        p = namespace(spec)
        if p.direction != "forward":
            return {}
        arrays = _arrays(p)
        return {
            name: partial(self._make, p, arrays["x"], arrays["kernel"], name)
            for name in self._variants(p)
        }

    def _variants(self, p: SimpleNamespace) -> tuple[str, ...]:
        return ("",)

    def _make(
        self, p: SimpleNamespace, x: np.ndarray, kernel: np.ndarray, variant: str
    ) -> Contender:
        raise NotImplementedError(f"{type(self).__name__} must define _make().")


class OnnxRuntime(_ForwardOnly, OnnxRuntimePeer):
    def _make(
        self, p: SimpleNamespace, x: np.ndarray, kernel: np.ndarray, variant: str
    ) -> Contender:
        session = self.session(_onnx_model(p, kernel))
        binding = session.io_binding()
        value = self.runtime.OrtValue.ortvalue_from_numpy(_channels_first(x))
        binding.bind_ortvalue_input("x", value)
        binding.bind_output("y", "cpu")

        def run() -> Any:
            session.run_with_iobinding(binding)
            return binding

        return Contender(run, lambda done: [done.get_outputs()[0].numpy().transpose(0, 2, 3, 1)])


class OpenVino(_ForwardOnly, OpenVinoPeer):
    """At "medium" precision also with bfloat16 products, which it takes float32 arrays for."""

    def _variants(self, p: SimpleNamespace) -> tuple[str, ...]:
        return ("f32", "bf16")[: 1 + ("medium" in p.precisions)]

    def _make(
        self, p: SimpleNamespace, x: np.ndarray, kernel: np.ndarray, variant: str
    ) -> Contender:
        model = self.openvino.Core().read_model(_onnx_model(p, kernel))
        request = self.compiled(model, variant).create_infer_request()
        images = _channels_first(x)
        request.set_input_tensor(self.openvino.Tensor(images, shared_memory=True))

        def run() -> Any:
            request.infer()
            return images, request  # the tensor does not keep the array it looks at

        return Contender(run, lambda done: [done[1].get_output_tensor().data.transpose(0, 2, 3, 1)])


class Ncnn(_ForwardOnly, NcnnPeer):
    """One image after another: ncnn knows no batches. With its Winograd and without."""

    def _variants(self, p: SimpleNamespace) -> tuple[str, ...]:
        return ("winograd", "direct") if (p.KH, p.KW) == (3, 3) else ("direct",)

    def _make(
        self, p: SimpleNamespace, x: np.ndarray, kernel: np.ndarray, variant: str
    ) -> Contender:
        (top, bottom), (left, right) = p.pads
        kind = "Convolution" if p.groups == 1 else "ConvolutionDepthWise"
        # https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
        sizes = {0: p.F, 1: p.KW, 11: p.KH, 2: p.dilation[1], 12: p.dilation[0], 6: kernel.size}
        sizes |= {3: p.strides[1], 13: p.strides[0], 4: left, 15: right, 14: top, 16: bottom}
        sizes |= {7: p.groups} if p.groups > 1 else {}
        words = " ".join(f"{key}={value}" for key, value in sizes.items())
        layers = f"Input x 0 1 x\n{kind} conv 1 1 x y {words}\n"
        weights = np.zeros(1, "<i4").tobytes() + _kernel_first(kernel).tobytes()
        net = self.net(f"7767517\n2 2\n{layers}", weights, winograd=variant == "winograd")
        images = [self.ncnn.Mat(image).clone() for image in _channels_first(x)]

        def run() -> Any:
            results = []
            for image in images:
                extractor = net.create_extractor()
                extractor.input("x", image)
                results.append(extractor.extract("y")[1])
            return results

        return Contender(run, lambda mats: [np.stack(mats).transpose(0, 2, 3, 1)])


PEERS = {
    "fastconv": Fastconv,
    "torch": Torch,
    "tensorflow": TensorFlow,
    "jax": Jax,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "ncnn": Ncnn,
}
