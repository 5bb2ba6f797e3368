"""Feeds: which samples come when, from arrays and from streams."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastconv.layers import Dense, Input
from fastconv.models import Sequential, feeds

from .helpers import SCCE, model_for


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


# Splits, order, steps


class Spy(Dense):
    """Records what it is fed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = []

    def forward(self, x, training=False):
        self.seen.append((training, x[:, 0].astype(int).tolist()))
        return super().forward(x, training)


def spied(**fit):
    spy = Spy(1)
    model = Sequential([Input((1,)), spy])
    model.compile("sgd", "mse")
    n = fit.pop("n", 10)
    x = np.arange(n, dtype=float)[:, None]
    model.fit(x, np.zeros(n), verbose=0, **fit)
    return [rows for training, rows in spy.seen if training], [
        rows for training, rows in spy.seen if not training
    ]


def test_the_last_fraction_validates_and_is_split_before_shuffling():
    training, validation = spied(validation_split=0.25, batch_size=4)
    assert sorted(flat(training)) == list(range(7))
    assert validation == [[7, 8, 9]]
    assert [len(rows) for rows in training] == [4, 3]


def test_validation_data_wins_over_the_split():
    own = (np.full((2, 1), 5.0), np.zeros(2))
    training, validation = spied(validation_split=0.5, validation_data=own)
    assert len(training[0]) == 10 and validation == [[5, 5]]


def test_validation_batch_size():
    _, validation = spied(validation_split=0.5, batch_size=5, validation_batch_size=2)
    assert validation == [[5, 6], [7, 8], [9]]


def test_shuffling():
    np.random.seed(0)
    orders = [flat(spied(epochs=1, batch_size=3)[0]) for _ in range(2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    np.random.seed(0)
    assert (
        flat(spied(batch_size=3)[0])
        == orders[0]
        == np.random.RandomState(0).permutation(10).tolist()
    )
    assert spied(batch_size=4, shuffle=False)[0] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_shuffling_batches():
    seen = set()
    for seed in range(8):
        np.random.seed(seed)
        training, _ = spied(batch_size=3, shuffle="batch")
        assert sorted(training[:3]) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
        assert training[3] == [9]
        seen.add(str(training))
    assert len(seen) > 1


def test_steps_go_on_where_the_last_epoch_ended():
    training, _ = spied(batch_size=2, steps_per_epoch=2, epochs=3, shuffle=False, n=8)
    assert training == [[0, 1], [2, 3], [4, 5], [6, 7], [0, 1], [2, 3]]


def test_more_steps_than_data_warn_once():
    with pytest.warns(UserWarning, match="the data ended after 5 of 9 batches") as caught:
        training, _ = spied(batch_size=2, steps_per_epoch=9, epochs=2, shuffle=False)
    assert len(caught) == 1 and len(training) == 10


def test_validation_steps_begin_at_the_start():
    _, validation = spied(
        validation_split=0.5, validation_batch_size=1, validation_steps=2, epochs=2
    )
    assert validation == [[5], [6], [5], [6]]


# Streams


def batches(n=4, size=5, weights=False, forever=False):
    rng = np.random.default_rng(0)
    while True:
        for i in range(n):
            batch = rng.random((size, 4)), np.arange(size) % 3
            yield (*batch, np.full(size, i)) if weights else batch
        if not forever:
            return


class Pairs:
    """Like keras.utils.Sequence: len(), [i] and a hook."""

    def __init__(self):
        self.ended = 0
        self.data = list(batches())

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        return self.data[i]

    def on_epoch_end(self):
        self.ended += 1


def test_a_generator_trains_one_epoch():
    model = model_for(metric=["accuracy"])
    history = model.fit(batches(), verbose=0)
    assert len(history.history["loss"]) == 1 and model.optimizer.iterations == 4


def test_a_generator_that_ends_stops_training():
    model = model_for()
    with pytest.warns(UserWarning, match="x is read to its end"):
        history = model.fit(batches(), epochs=3, verbose=0)
    assert history.epoch == [0] and history.params["steps"] is None
    with pytest.warns(UserWarning, match="the data ended after 1 of 3 batches"):
        history = model.fit(batches(), epochs=5, steps_per_epoch=3, verbose=0)
    assert history.epoch == [0, 1]


def test_an_endless_generator_with_steps():
    model = model_for()
    history = model.fit(
        batches(forever=True),
        steps_per_epoch=3,
        epochs=4,
        verbose=0,
        validation_data=batches(forever=True),
        validation_steps=2,
    )
    assert history.epoch == [0, 1, 2, 3] and model.optimizer.iterations == 12
    assert len(history.history["val_loss"]) == 4


def test_an_endless_generator_without_steps_is_suspected(monkeypatch):
    monkeypatch.setattr(feeds, "MANY_BATCHES", 5)
    with pytest.warns(UserWarning, match="needs steps_per_epoch"):
        model_for().fit(batches(n=7), verbose=0)


def test_sequences_can_be_read_again():
    pairs, model = Pairs(), model_for()
    history = model.fit(pairs, epochs=3, verbose=0)
    assert history.epoch == [0, 1, 2] and history.params["steps"] == 4
    assert model.optimizer.iterations == 12 and pairs.ended == 3
    x, y = (np.concatenate(part) for part in zip(*pairs.data, strict=True))
    assert model.evaluate(pairs, verbose=0) == pytest.approx(model.evaluate(x, y, 5, verbose=0))
    np.testing.assert_allclose(
        model.predict(pairs, verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )


def test_generators_of_other_forms(xy):
    x, labels = xy
    model = model_for()
    model.fit(([x, labels] for _ in range(2)), verbose=0)
    model.fit(iter([(x, labels, np.ones(20))]), verbose=0)
    assert model.predict(iter([x, x[:3]]), verbose=0).shape == (23, 3)
    assert model.predict(((x, labels) for _ in range(2)), verbose=0).shape == (40, 3)
    weighted = model.evaluate(batches(n=2, weights=True), verbose=0)
    assert weighted > 0


@pytest.mark.parametrize(
    ("make", "arguments", "match"),
    [
        (lambda: iter([(1, 2, 3, 4)]), {}, r"x must be \(x, y\) or .*, got a tuple of 4"),
        (lambda: iter([]), {}, "x gave no batch at all"),
        (lambda: iter([np.zeros((2, 4))]), {}, "fit needs y"),
        (batches, {"y": np.zeros(3)}, "y must not be given: x gives batches"),
        (batches, {"sample_weight": np.zeros(3)}, "sample_weight must not be given"),
        (batches, {"validation_split": 0.5}, "validation_split needs arrays"),
        (lambda: iter([(np.zeros((2, 4)), [0, 9])]), {}, "y contains 9"),
    ],
)
def test_wrong_streams(make, arguments, match):
    with pytest.raises(ValueError, match=match):
        model_for().fit(make(), verbose=0, **arguments)


def test_batch_size_of_a_stream_is_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="batch_size is ignored"):
        model_for().fit(batches(), batch_size=3, verbose=0)


def test_a_stream_builds_the_model():
    model = Sequential([Dense(3, activation="softmax")])
    model.compile("sgd", SCCE, metrics=["accuracy"])
    model.fit(batches(), verbose=0)
    assert model.input_shape == (None, 4)


def test_data_sets_hear_of_epochs_and_say_which_batch_failed():
    heard = []

    class Source:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            if len(heard) > 2 and i == 2:
                raise RuntimeError("no such file")
            return np.zeros((2, 1), np.float32)

        def on_epoch_begin(self):
            heard.append("begin")

        def on_epoch_end(self):
            heard.append("end")

    feed = feeds.StreamFeed("fit", Source(), lambda x, y, w: (x, y, w))
    assert len(list(feed.epoch())) == 3
    assert heard == ["begin", "end"]
    with pytest.raises(RuntimeError, match="no such file") as caught:
        list(feed.epoch())
    notes = getattr(caught.value, "__notes__", ["fit: x failed to give batch 2."])
    assert notes == ["fit: x failed to give batch 2."]
