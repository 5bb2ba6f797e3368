"""Find edges with the two Sobel filters: convolution as a Python loop, and as one fast call.

    python examples/edge_detection.py [--image digit] [--size 256] [--output edges.png]

Saves a picture if matplotlib is installed.
"""

import argparse
import time

import numpy as np

from fastconv import ops
from fastconv.datasets import digits

SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
SOBEL_Y = SOBEL_X.T
REPEATS = 20


def conv2d_loop(image, kernel):
    """Convolve one channel, pixel by pixel, without padding."""
    kernel_height, kernel_width = kernel.shape
    height = image.shape[0] - kernel_height + 1
    width = image.shape[1] - kernel_width + 1
    output = np.zeros((height, width), np.float32)
    for i in range(height):
        for j in range(width):
            region = image[i : i + kernel_height, j : j + kernel_width]
            output[i, j] = np.sum(region * kernel)
    return output


def conv2d_fast(image, kernels):
    """Convolve one channel with all kernels at once; the result is (height, width, kernels)."""
    x = image[None, :, :, None]  # (N, H, W, C)
    filters = np.stack(kernels, axis=-1)[:, :, None, :]  # (KH, KW, C, F)
    return ops.conv2d(x, filters, padding="valid")[0]


def make_image(name, size):
    """Return a grey picture (size, size) of whole numbers 0..255 as float32."""
    if name == "digit":
        (images, _), _ = digits.load_data(image_size=size)
        return np.where(images[0] > 127, 255, 0).astype(np.float32)
    y, x = np.mgrid[:size, :size] / size
    image = np.where((x - 0.35) ** 2 + (y - 0.4) ** 2 < 0.06, 220.0, 40.0)  # a disc
    image[(abs(x - 0.7) < 0.15) & (abs(y - 0.65) < 0.2)] = 130.0  # a box
    image[abs(x + y - 1.75) < 0.03] = 255.0  # a slanted bar
    return image.astype(np.float32)


def seconds_of(function, repeats):
    """Return the result of a function and its best time."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return result, min(times)


def save_picture(path, image, edges):
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed, so no picture is saved (pip install matplotlib).")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    strength = np.hypot(edges[..., 0], edges[..., 1])
    panels = {"image": image, "Sobel x": edges[..., 0], "Sobel y": edges[..., 1], "edges": strength}
    figure, axes = pyplot.subplots(1, len(panels), figsize=(3 * len(panels), 3.3))
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        axis.imshow(panel, cmap="gray")
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path)
    print(f"Saved {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", choices=["digit", "shapes"], default="digit")
    parser.add_argument("--size", type=int, default=256, help="height and width in pixels")
    parser.add_argument("--output", default="edges.png")
    options = parser.parse_args()

    image = make_image(options.image, options.size)
    slow, slow_seconds = seconds_of(
        lambda: np.stack([conv2d_loop(image, SOBEL_X), conv2d_loop(image, SOBEL_Y)], axis=-1), 1
    )
    fast, fast_seconds = seconds_of(lambda: conv2d_fast(image, [SOBEL_X, SOBEL_Y]), REPEATS)
    # Sums of small whole numbers are exact in float32, so not even the last bit may differ.
    assert np.array_equal(slow, fast), "the fast convolution gives other numbers"
    print(f"Python loop: {slow_seconds * 1e3:.1f} ms, ops.conv2d: {fast_seconds * 1e3:.3f} ms")
    print(f"Same numbers, {slow_seconds / fast_seconds:.0f} times faster")
    save_picture(options.output, image, fast)


if __name__ == "__main__":
    main()
