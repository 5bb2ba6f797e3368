"""What is done instead of an error, and where each of the numbered points is tested.

The numbers in front of the cases in this folder are those of a list of 135 edge cases of Keras:
constructors (1-27), models (28-46), data (47-90), compile and state (91-105), files (106-122) and
the process (123-135).
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastconv import callbacks, initializers, layers, losses, metrics, optimizers, regularizers
from fastconv.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
    Normalization,
    UpSampling1D,
)
from fastconv.layers.weighted import KernelLayer
from fastconv.models import Sequential
from fastconv.utils import PyDataset

from .. import programs
from . import test_layers, test_models
from .test_layers import check
from .test_models import CCE, LABELS, ONE_HOT, SCCE, X, fit, model, tuples


def trained(*stack):
    made = Sequential([Input((4,)), *stack, Dense(3, activation="softmax")])
    made.compile("sgd", SCCE)
    made.fit(X[:17], LABELS[:17], batch_size=16, epochs=2, verbose=0)
    return made


def frozen_after_compile():
    made = trained()
    made.trainable = False
    before = made.get_weights()[0]
    made.fit(X, LABELS, verbose=0)
    return np.array_equal(before, made.get_weights()[0])


def popped_after_compile():
    made = trained()
    made.pop()
    made.add(Dense(5, activation="softmax"))
    return len(made.fit(X, LABELS, verbose=0).epoch)


def shared():
    flat = Flatten()
    return len(Sequential([Input((4,)), flat, flat]).layers)


def unbuilt():
    lines = []
    Sequential([Dense(1)]).summary(print_fn=lines.append)
    return "build((None, ...))" in "\n".join(lines)


def maximum_of_nan():
    return np.isnan(MaxPooling2D(2)(np.array([1, 2, np.nan, 3]).reshape(1, 2, 2, 1))).all()


def many_products():
    """Sum 2.3e9 products in arrays far smaller: counted in 32 bits they would be negative."""
    y = Conv2D(1, 10, kernel_initializer="ones")(np.ones((1, 1200, 1200, 16), np.float32))
    return y.shape, round(float(y.min()), 2), round(float(y.max()), 2)


def endless_and_ended():
    def three():
        for _ in range(3):
            yield X[:5], LABELS[:5]

    return len(fit(three(), None, steps_per_epoch=5, epochs=3).epoch)


def optimizer_for(used):
    first, second = (model() for _ in range(2))
    for made in (first, second):
        made.compile(used, SCCE)
        made.fit(X, LABELS, verbose=0)


class Broken(PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            raise KeyError("no such image")
        return X[:5], LABELS[:5]


#: What is done; what it gives; words of the warning, if there is one.
DONE = {
    "5 NumPy integers": (lambda: Conv2D(np.int64(2), np.int64(3)).kernel_size, (3, 3), ""),
    "12 strides and dilation": (
        lambda: Conv2D(1, 3, strides=2, dilation_rate=2)(np.ones((1, 9, 9, 1))).shape,
        (1, 3, 3, 1),
        "",
    ),
    "17 rate 1": (lambda: Dropout(1)(np.ones(3), training=True).tolist(), [0, 0, 0], ""),
    "22 whole rate": (lambda: optimizers.Adam(1).learning_rate, 1.0, ""),
    "22 rate of NumPy": (lambda: optimizers.Adam(np.float32(0.5)).learning_rate, 0.5, ""),
    "25 decay": (lambda: optimizers.Adam(decay=1e-6).name[:4], "adam", "decay InverseTimeDecay"),
    "26 whole momentum": (lambda: optimizers.SGD(momentum=0).momentum, 0.0, ""),
    "27 a tuple of one": (lambda: UpSampling1D((2,)).size, 2, ""),
    "30 shared without weights": (shared, 2, ""),
    "33 predict before build": (
        lambda: Sequential([Dense(2)]).predict(X, verbose=0).shape,
        (20, 2),
        "",
    ),
    "34 summary before build": (unbuilt, True, ""),
    "35 weights before build": (lambda: Sequential([Dense(1)]).get_weights(), [], ""),
    "42 pop after compile": (popped_after_compile, 1, "new since compile() state zero"),
    "44 more than 2**31 products": (many_products, ((1, 1191, 1191, 1), 1600, 1600), ""),
    "45 frozen after compile": (frozen_after_compile, True, "no weights to train"),
    "46 softmax of one": (
        lambda: Sequential([Input((4,)), Dense(1, activation="softmax", name="s")]).output_shape,
        (None, 1),
        "s softmax size 1 sigmoid binary_crossentropy",
    ),
    "51 float64": (lambda: Dense(1)(np.ones((1, 2))).dtype.name, "float32", ""),
    "52 integers": (lambda: Dense(1)(np.ones((1, 2), np.uint8)).dtype.name, "float32", ""),
    "52 booleans": (lambda: Dense(1)(np.ones((1, 2), bool)).dtype.name, "float32", ""),
    "55 lists in fit": (lambda: len(fit(X.tolist(), LABELS.tolist()).epoch), 1, ""),
    "56 a list": (lambda: Dense(1)([[1, 2, 3]]).shape, (1, 1), ""),
    "57 big-endian": (lambda: Dense(1)(X.astype(">f4")).shape, (20, 1), ""),
    "57 Fortran's order": (lambda: Dense(1)(np.asfortranarray(X)).shape, (20, 1), ""),
    "60 NaN in a window": (maximum_of_nan, True, ""),
    "61 no samples": (lambda: Conv2D(4, 3)(np.zeros((0, 8, 8, 1))).shape, (0, 6, 6, 4), ""),
    "63 predict no samples": (lambda: model().predict(X[:0]).shape, (0, 3), ""),
    "70c not adapted": (
        lambda: trained(Normalization(name="n")).built,
        True,
        "n has seen no data adapt",
    ),
    "70e batch of one": (
        lambda: trained(BatchNormalization(name="b")).built,
        True,
        "one sample 17 batch_size=16 b zeros",
    ),
    "71 labels (n, 1)": (lambda: len(fit(y=LABELS[:, None]).epoch), 1, ""),
    "77 batch larger than data": (lambda: len(fit(batch_size=99).epoch), 1, ""),
    "78 no epochs": (lambda: fit(epochs=0).history, {}, ""),
    "81 list of class_weight": (lambda: len(fit(class_weight=[1, 2, 3]).epoch), 1, ""),
    "82 both weights": (
        lambda: len(fit(class_weight={0: 2.0}, sample_weight=np.ones(20)).epoch),
        1,
        "",
    ),
    "86 exhausted": (endless_and_ended, 1, "3 of 5 batches"),
    "94 one metric": (
        lambda: sorted(model(CCE, metrics="accuracy").fit(X, ONE_HOT, verbose=0).history),
        ["accuracy", "loss"],
        "",
    ),
    "132 without docstrings and asserts": (
        lambda: programs.run(
            "-OO",
            "-c",
            "from fastconv.layers import Dense, Input; from fastconv.models import Sequential; "
            "m = Sequential([Input((2,)), Dense(1)]); m.compile('sgd', 'mse'); "
            "print(len(m.fit([[1, 2]], [3], verbose=0).epoch))",
        ).strip(),
        "1",
        "",
    ),
}


@pytest.mark.parametrize("number", DONE)
def test_done_without_an_error(number):
    call, expected, words = DONE[number]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert result == expected
    told = [str(warning.message) for warning in caught]
    assert len(told) == bool(words), told
    assert all(word in told[0] for word in words.split()), told


REFUSED = {
    "30 shared with weights": (
        lambda: Sequential([Input((4,)), *[Dense(4, name="d")] * 2]),
        "d used twice without weights",
    ),
    "57 masked": (lambda: Dense(1)(np.ma.masked_array(X, X > 0.5)), "masked array fill"),
    "97 one optimizer for two": (
        lambda: optimizer_for(optimizers.Adam(name="mine")),
        "mine already other variables Adam()",
    ),
    "101 unknown monitor": (
        lambda: fit(callbacks=[callbacks.EarlyStopping("val_foo")]),
        "EarlyStopping val_foo mode known metrics loss",
    ),
    "85 a list of four": (
        lambda: fit(iter([[X, LABELS, LABELS, LABELS]]), None),
        "(x, y) 4",
    ),
    "14 argument of a loss": (
        lambda: losses.CategoricalCrossentropy(from_logit=True),
        'CategoricalCrossentropy no argument "from_logit" did you mean "from_logits"',
    ),
    "14 argument of a metric": (lambda: metrics.AUC(num_treshold=3), "AUC num_thresholds"),
    "14 argument of an initializer": (lambda: initializers.RandomNormal(std=1), "std stddev"),
    "14 argument of a regularizer": (lambda: regularizers.L1L2(l3=1), 'L1L2 no argument "l3"'),
    "14 argument of none": (lambda: initializers.Zeros(3), "Zeros takes no arguments"),
    "15 loss": (lambda: losses.get("mea_squared_error"), "loss did you mean mean_squared_error"),
    "15 metric": (lambda: metrics.get("acuracy"), "metric did you mean accuracy"),
    "15 layer": (lambda: layers.deserialize("Desne"), "layer did you mean Dense"),
}


@pytest.mark.parametrize("number", REFUSED)
def test_refused(number):
    check(*REFUSED[number])


def test_a_misspelt_layer_says_what_was_meant():
    with pytest.raises(AttributeError, match='Did you mean "MaxPooling2D"'):
        _ = layers.MaxPoling2D
    with pytest.raises(ImportError, match='Did you mean "MaxPooling2D"'):
        from fastconv.layers import MaxPoling2D  # noqa: F401


def test_a_failing_data_set_says_which_batch():
    with pytest.raises(KeyError, match="no such image") as caught:
        fit(Broken(), None)
    notes = getattr(caught.value, "__notes__", None)  # from Python 3.11 on
    assert notes in (None, ["fit: x failed to give batch 1."])


def test_an_endless_generator_is_suspected():
    """Point 87; that fit warns is in tests/models/test_data.py, here that steps end it."""
    assert len(fit(tuples(X, LABELS), None, steps_per_epoch=2).epoch) == 1


#: Points with a test of their own elsewhere: its file and its name.
ELSEWHERE = {
    87: ("models/test_data.py", "test_an_endless_generator_without_steps_is_suspected"),
    88: ("models/test_data.py", "test_data_sets_hear_of_epochs_and_say_which_batch_failed"),
    89: ("models/test_loops.py", "test_an_interrupt_waits_for_the_end_of_the_step"),
    108: ("saving/test_wrong_files.py", "test_a_failed_save_leaves_the_old_file"),
    115: ("saving/test_models.py", "test_own_classes"),
    116: ("saving/test_wrong_files.py", "test_a_zip_bomb_is_not_unfolded"),
    117: ("saving/test_weights.py", "test_hostile_files_are_refused"),
    118: ("saving/test_weights.py", "test_newer_formats_of_hdf5_are_read"),
    119: ("test_cifar.py", "test_wrong_files"),
    120: ("saving/test_wrong_files.py", "test_newer_keys_without_effect_are_ignored"),
    122: ("saving/test_wrong_files.py", "test_zip64"),
    123: ("kernels/test_threads.py", "test_affinity_limits_the_count"),
    124: ("kernels/test_threads.py", "test_a_forked_child_does_not_hang"),
    125: ("kernels/test_threads.py", "test_several_python_threads_at_once"),
    127: ("kernels/test_isa.py", "test_environment_forces_one"),
    129: ("kernels/test_threads.py", "test_bad_counts"),
    131: ("test_progress.py", "test_ascii_output_falls_back"),
    134: ("kernels/test_threads.py", "test_denormals_are_flushed_inside_and_kept_outside"),
}

#: Points without a test, and why.
UNTESTED = {
    58: "documented: arrays must not be changed while fit reads them",
    126: "OpenMP is linked on purpose, the system's; nothing to assert",
    128: "the operating system's answer about AMX cannot be forced in a test",
    130: "43 asks for too much memory; the error is NumPy's, with the size",
    133: "as 89; the floating-point state is restored by each kernel, see 134",
    135: "kernels take buffers, not NumPy's C interface",
}


def test_every_point_has_its_place():
    tables = [DONE, REFUSED, test_layers.CASES]
    tables += [getattr(test_models, n) for n in ("DATA", "COMPILE", "WARNINGS", "FILES")]
    cased = {int(match[0]) for table in tables for key in table if (match := re.match(r"\d+", key))}
    assert set(range(1, 136)) - cased - set(ELSEWHERE) - set(UNTESTED) == set()


@pytest.mark.parametrize("point", ELSEWHERE)
def test_tests_elsewhere_exist(point):
    file, name = ELSEWHERE[point]
    source = (Path(__file__).parent.parent / file).read_text(encoding="utf-8")
    assert f"def {name}(" in source


def test_a_base_class_says_what_to_define():
    class Mine(KernelLayer):
        pass

    with pytest.raises(NotImplementedError, match=r"Mine \S+ must define linear\(x, activation\)"):
        Mine().linear(X, None)
