"""compile_for_inference: the bits of `predict` at one moment, whatever happens to the model."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from fastconv import config, layers
from fastconv.layers import Input
from fastconv.models import FrozenModel, Model, Sequential, pool
from fastconv.utils import set_random_seed

from .helpers import SCCE
from .test_execution import MODELS, article, data, randomized, residual


@pytest.mark.parametrize("make", MODELS)
def test_the_bits_of_predict(make: Any) -> None:
    model = randomized(make())
    x, _ = data()
    frozen = model.compile_for_inference()
    wanted = model.predict(x, verbose=0)
    for _ in range(3):
        np.testing.assert_array_equal(frozen(x), wanted)
        np.testing.assert_array_equal(frozen(x[:1]), wanted[:1])
    for size in (1, 7, 32, None):
        np.testing.assert_array_equal(frozen.predict(x, batch_size=size), wanted)


@pytest.mark.parametrize("make", MODELS)
def test_later_weights_do_not_reach_it(make: Any) -> None:
    model = make()
    x, _ = data(4)
    frozen = model.compile_for_inference()
    before = [frozen(x) for _ in range(3)][-1]
    model.set_weights([weight + 0.5 for weight in model.get_weights()])
    assert not np.array_equal(model(x), before)
    np.testing.assert_array_equal(frozen(x), before)


def test_shared_weights_are_copied_once() -> None:
    model = randomized(residual())
    frozen = model.compile_for_inference()
    bias = 8  # of the first layer, which had none
    held = {
        id(variable): variable.value.size
        for step in frozen._plan.program(False).steps
        for variable in step.layer.weights
    }
    norms = sum(w.value.size for w in model.weights if "normalization" in w.path)
    assert sum(held.values()) == model.count_params() - norms + bias


def test_it_does_not_keep_the_model() -> None:
    model = article()
    x, _ = data(2)
    frozen = model.compile_for_inference()
    wanted, kernel = model(x), weakref.ref(model.layers[0])
    del model
    gc.collect()
    assert kernel() is None
    np.testing.assert_array_equal(frozen(x), wanted)


def test_eight_threads_while_the_model_trains() -> None:
    model = residual()
    model.compile("adam", "categorical_crossentropy")
    x, y = data(16)
    frozen = model.compile_for_inference()
    wanted = [frozen(x[[i]]) for i in range(16)]
    failures: list[int] = []
    done = threading.Event()

    def predict(seed: int) -> None:
        order = np.random.default_rng(seed).integers(0, 16, 200).tolist()
        failures.extend(i for i in order if not np.array_equal(frozen(x[[i]]), wanted[i]))

    def train() -> None:
        while not done.is_set():
            model.fit(x, y, batch_size=8, verbose=0)

    trainer = threading.Thread(target=train)
    trainer.start()
    threads = [threading.Thread(target=predict, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    trainer.join()
    assert not failures
    assert not np.array_equal(model(x[:1]), wanted[0])


def test_kept_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = article()
    x, _ = data(40)
    frozen = model.compile_for_inference()
    single = frozen._plan.pool.nbytes
    assert single > 0
    monkeypatch.setattr(pool, "KEPT_BYTES", 45 * single)
    for size in [*range(1, 41)] * 2:
        frozen(x[:size])
        frozen(x[:size])
        assert frozen._plan.pool.nbytes <= 45 * single
    assert len(frozen._plan.pool._idle) == pool.KEPT_SHAPES


def test_kept_memory_of_many_threads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = article().compile_for_inference()
    x, _ = data(1)
    key = frozen._plan.key(False, [x.shape])
    leased = [frozen._plan.lease(key) for _ in range(20)]
    single = leased[0].nbytes  # type: ignore[union-attr]
    monkeypatch.setattr(pool, "KEPT_BYTES", 3 * single)
    kept = []
    for execution in leased:
        assert execution is not None
        frozen._plan.pool.give(key, execution)
        kept.append(frozen._plan.pool.nbytes // single)
    assert max(kept) == 3 and min(kept) == 1


def test_nothing_is_derived_from_weights_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    model = randomized(residual())
    x, _ = data(2)
    frozen = model.compile_for_inference()
    before = frozen(x)
    config.set_batch_normalization_folding(False)  # of models
    try:
        np.testing.assert_array_equal(frozen(x), before)
    finally:
        config.set_batch_normalization_folding(True)


def test_several_inputs_and_outputs() -> None:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    x = layers.Concatenate()([a, b])
    model = Model({"a": a, "b": b}, {"s": layers.Dense(2)(x), "t": [layers.Dense(1)(x), x]})
    given = {"a": np.ones((5, 3), np.float32), "b": np.ones((5, 2))}
    frozen = model.compile_for_inference()
    wanted = model(given)
    for result in (frozen(given), frozen.predict(given, batch_size=2)):
        np.testing.assert_array_equal(result["s"], wanted["s"])
        np.testing.assert_array_equal(result["t"][0], wanted["t"][0])
        np.testing.assert_array_equal(result["t"][1], wanted["t"][1])
    assert frozen.input_shape == {"a": (None, 3), "b": (None, 2)}
    assert frozen.output_shape == model.output_shape


def test_batches_from_a_generator() -> None:
    model = article()
    x, _ = data(10)
    frozen = model.compile_for_inference()
    result = frozen.predict(x[i : i + 4] for i in (0, 4, 8))
    np.testing.assert_array_equal(result, model.predict(x, verbose=0))


def test_inputs_are_cast_and_an_axis_of_one_is_optional() -> None:
    model = article()
    x, _ = data(3)
    frozen = model.compile_for_inference()
    for given in (x.astype(np.float64), x[..., 0], x.tolist(), np.asfortranarray(x)):
        np.testing.assert_array_equal(frozen(given), model(x))


def test_no_samples_at_all() -> None:
    frozen = article().compile_for_inference()
    empty = np.empty((0, 12, 12, 1), np.float32)
    assert frozen(empty).shape == frozen.predict(empty).shape == (0, 10)


def test_sizes_that_vary() -> None:
    tail = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    model = Sequential([Input((None, None, 1)), layers.Conv2D(4, 3), *tail])
    frozen = model.compile_for_inference()
    for size in (5, 9, 5):
        x = np.ones((2, size, size, 1), np.float32)
        np.testing.assert_array_equal(frozen(x), model(x))


def test_masks() -> None:
    model = Sequential([Input((4, 3)), layers.Masking(), layers.GlobalAveragePooling1D()])
    x = np.ones((2, 4, 3), np.float32)
    x[:, 2:] = 0
    np.testing.assert_array_equal(model.compile_for_inference()(x), np.ones((2, 3), np.float32))


def test_wrong_inputs() -> None:
    frozen = Sequential([Input((4, 4, 1)), layers.Conv2D(2, 3)], name="m").compile_for_inference()
    assert isinstance(frozen, FrozenModel)
    with pytest.raises(
        ValueError, match=r'FrozenModel "m": the model was built for .*\(N, 4, 4, 1'
    ):
        frozen(np.ones((2, 5, 4, 1), np.float32))
    with pytest.raises(ValueError, match=r"A single sample\? Use x\[None\]"):
        frozen(np.ones((4, 4, 1), np.float32))
    with pytest.raises(TypeError, match=r'FrozenModel "m": x must hold real numbers, got dtype <U'):
        frozen(np.full((1, 4, 4, 1), "a"))
    with pytest.raises(ValueError, match=r"predict: the model was built for inputs of shape"):
        frozen.predict(np.ones((2, 5, 4, 1), np.float32))
    with pytest.raises(ValueError, match=r"predict: batch_size must be"):
        frozen.predict(np.ones((2, 4, 4, 1), np.float32), batch_size=0)


def test_a_model_that_is_not_built() -> None:
    with pytest.raises(ValueError, match=r"compile_for_inference needs a model that is built"):
        Sequential([layers.Dense(3)]).compile_for_inference()


def test_a_layer_that_cannot_be_copied() -> None:
    class Locked(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.lock = threading.Lock()

        def forward(self, x: np.ndarray, training: bool = False) -> Any:
            return x, lambda dy, need_dx=True: dy

    model = Sequential([Input((3,)), Locked(name="mine")])
    with pytest.raises(TypeError, match=r'Locked "mine": cannot be copied: .*define __deepcopy__'):
        model.compile_for_inference()


def test_training_goes_on_as_if_nothing_had_happened() -> None:
    weights = []
    for freeze in (False, True):
        set_random_seed(7)
        model = residual()
        model.compile("adam", SCCE)
        x, y = data(16)
        for _ in range(3):
            model.fit(x, y.argmax(1), batch_size=8, verbose=0, shuffle=False)
            if freeze:
                model.compile_for_inference()(x)
        weights.append([w.tobytes() for w in model.get_weights()])
    assert weights[0] == weights[1]
