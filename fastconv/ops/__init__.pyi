from .activation import (
    ACTIVATIONS,
    activation,
    activation_backward,
    activation_needs_input,
    elu,
    elu_backward,
    leaky_relu,
    leaky_relu_backward,
    make_activation,
    relu,
    relu_backward,
    sigmoid,
)
from .activation_kinds import Activation
from .adaptive_pooling import (
    adaptive_average_pool,
    adaptive_average_pool_backward,
    adaptive_max_pool,
    adaptive_max_pool_backward,
)
from .affine import affine_transform, affine_transform_backward
from .conv1d import (
    conv1d,
    conv1d_backward_filter,
    conv1d_backward_input,
    depthwise_conv1d,
    depthwise_conv1d_backward_filter,
    depthwise_conv1d_backward_input,
)
from .conv2d import conv2d, conv2d_backward_filter, conv2d_backward_input, explain_conv2d
from .conv3d import conv3d, conv3d_backward_filter, conv3d_backward_input
from .conv_nd import (
    conv,
    conv_backward_filter,
    conv_backward_input,
    depthwise_conv,
    depthwise_conv_backward_filter,
    depthwise_conv_backward_input,
)
from .cross_entropy import sigmoid_cross_entropy, softmax_cross_entropy
from .dense import dense, dense_backward_filter, dense_backward_input, matmul
from .depthwise_conv2d import (
    depthwise_conv2d,
    depthwise_conv2d_backward_filter,
    depthwise_conv2d_backward_input,
)
from .elementwise import dropout, scale_shift
from .im2col import col2im, im2col
from .normalization import (
    batch_norm,
    batch_norm_backward,
    batch_norm_inference_backward,
    batch_norm_train,
)
from .optimizer_steps import Updates, adam_step, rmsprop_step, sgd_step, sum_of_squares
from .packed import PackedKernel
from .padding import crop, zero_pad
from .pooling import (
    average_pool2d,
    average_pool2d_backward,
    global_average_pool2d,
    global_average_pool2d_backward,
    global_max_pool2d,
    global_max_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    zero_pad2d,
)
from .pooling_nd import average_pool, average_pool_backward, max_pool, max_pool_backward
from .resizing import resize, resize_backward, upsample, upsample_backward
from .row_normalization import normalize_groups, normalize_groups_backward
from .rows import Rows, RowSource, bias_backward, take_rows
from .softmax import (
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
    sparsemax,
    sparsemax_backward,
)
from .transposed_conv import (
    conv_transpose,
    conv_transpose_backward_filter,
    conv_transpose_backward_input,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "PackedKernel",
    "RowSource",
    "Rows",
    "Updates",
    "activation",
    "activation_backward",
    "activation_needs_input",
    "adam_step",
    "adaptive_average_pool",
    "adaptive_average_pool_backward",
    "adaptive_max_pool",
    "adaptive_max_pool_backward",
    "affine_transform",
    "affine_transform_backward",
    "average_pool",
    "average_pool2d",
    "average_pool2d_backward",
    "average_pool_backward",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_inference_backward",
    "batch_norm_train",
    "bias_backward",
    "col2im",
    "conv",
    "conv1d",
    "conv1d_backward_filter",
    "conv1d_backward_input",
    "conv2d",
    "conv2d_backward_filter",
    "conv2d_backward_input",
    "conv3d",
    "conv3d_backward_filter",
    "conv3d_backward_input",
    "conv_backward_filter",
    "conv_backward_input",
    "conv_transpose",
    "conv_transpose_backward_filter",
    "conv_transpose_backward_input",
    "crop",
    "dense",
    "dense_backward_filter",
    "dense_backward_input",
    "depthwise_conv",
    "depthwise_conv1d",
    "depthwise_conv1d_backward_filter",
    "depthwise_conv1d_backward_input",
    "depthwise_conv2d",
    "depthwise_conv2d_backward_filter",
    "depthwise_conv2d_backward_input",
    "depthwise_conv_backward_filter",
    "depthwise_conv_backward_input",
    "dropout",
    "elu",
    "elu_backward",
    "explain_conv2d",
    "global_average_pool2d",
    "global_average_pool2d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "im2col",
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "make_activation",
    "matmul",
    "max_pool",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool_backward",
    "normalize_groups",
    "normalize_groups_backward",
    "relu",
    "relu_backward",
    "resize",
    "resize_backward",
    "rmsprop_step",
    "scale_shift",
    "sgd_step",
    "sigmoid",
    "sigmoid_cross_entropy",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "sparsemax",
    "sparsemax_backward",
    "sum_of_squares",
    "take_rows",
    "upsample",
    "upsample_backward",
    "zero_pad",
    "zero_pad2d",
]
