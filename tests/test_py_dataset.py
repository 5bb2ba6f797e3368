"""PyDataset: what a user's subclass gets, with and without its constructor."""

import itertools
import threading
import time

import numpy as np
import pytest

from fastconv.layers import Dense, Input
from fastconv.models import Sequential
from fastconv.utils import PyDataset, Sequence


class Squares(PyDataset):
    """Two batches."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return np.full(3, index), np.full(3, index**2)


def test_batches_in_order():
    assert [(x[0], y[0]) for x, y in Squares()] == [(0, 0), (1, 1)]
    assert Squares().num_batches == 2
    assert Sequence is PyDataset


def test_settings():
    data = Squares(workers=3, use_multiprocessing=False, max_queue_size=4)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (3, False, 4)
    with pytest.warns(UserWarning, match="Squares: use_multiprocessing is not supported: threads"):
        data = Squares(use_multiprocessing=True)
    assert [x[0] for x, _ in data] == [0, 1]


def test_a_constructor_of_ones_own_may_forget_this_one():
    class Mine(Squares):
        def __init__(self):
            self.mine = 1

    data = Mine()
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (1, False, 10)
    data.on_epoch_begin()
    data.on_epoch_end()


def test_without_end():
    class Endless(Squares):
        num_batches = None

    assert [x[0] for x, _ in itertools.islice(Endless(), 4)] == [0, 1, 2, 3]


def test_what_must_be_defined():
    class Empty(PyDataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define __len__\(\) or num_batches"):
        list(Empty())
    with pytest.raises(NotImplementedError, match="Empty must define __getitem__"):
        Empty()[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"workers": -1}, ValueError, "Squares: workers must be at least 0, got -1"),
        ({"workers": 1.5}, TypeError, "workers must be an integer"),
        ({"max_queue_size": 0}, ValueError, "max_queue_size must be at least 1"),
    ],
)
def test_wrong_settings(options, error, message):
    with pytest.raises(error, match=message):
        Squares(**options)


class Slow(PyDataset):
    """Ten batches, the later the sooner; one may fail."""

    failing = None

    def __init__(self, **options):
        super().__init__(**options)
        self.made = []
        self.epochs = 0

    def __len__(self):
        return 10

    def __getitem__(self, index):
        time.sleep(0.002 * (index % 3 == 1))
        self.made.append(index)
        if index == self.failing:
            raise OSError("no such image")
        return np.full((2, 1), index / 10), np.full((2, 1), index / 5)

    def on_epoch_end(self):
        self.epochs += 1


@pytest.fixture
def no_threads_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def numbers(data):
    return [round(x[0, 0] * 10) for x, _ in data]


@pytest.mark.parametrize("options", [{}, {"max_queue_size": 1}, {"max_queue_size": 3}])
def test_workers_keep_the_order(options, no_threads_left):
    assert numbers(Slow(workers=4, **options)) == list(range(10))


def test_workers_work_at_once(no_threads_left):
    class Together(Slow):
        barrier = threading.Barrier(3, timeout=20)

        def __getitem__(self, index):
            if index:  # the first one is made without them
                self.barrier.wait()  # fails unless three are here
            return super().__getitem__(index)

    assert numbers(Together(workers=3)) == list(range(10))


def test_no_more_is_made_ahead_than_asked_for(no_threads_left):
    data = Slow(workers=2, max_queue_size=3)
    batches = iter(data)
    next(batches)
    assert data.made == [0]  # nothing before the epoch begins
    next(batches)
    time.sleep(0.05)
    assert max(data.made) <= 3
    batches.close()


def test_an_error_comes_in_its_turn(no_threads_left):
    data = Slow(workers=3)
    data.failing = 4
    seen = []
    with pytest.raises(OSError, match="no such image"):
        seen.extend(x[0, 0] for x, _ in data if not seen.append(x))
    assert len([x for x in seen if np.ndim(x)]) == 4


def test_without_end_with_workers(no_threads_left):
    class Endless(Slow):
        num_batches = None

    batches = iter(Endless(workers=3))
    assert numbers(itertools.islice(batches, 12)) == list(range(12))
    batches.close()


def trained(**options):
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    data = Slow(**options)
    history = model.fit(data, epochs=2, validation_data=Slow(**options), verbose=0)
    assert data.epochs == 2
    return history.history, model.get_weights(), model.predict(data, verbose=0)


def test_fit_is_the_same_with_workers(no_threads_left):
    for one, other in zip(trained(), trained(workers=3), strict=True):
        np.testing.assert_equal(one, other)


def test_fit_stops_within_an_epoch(no_threads_left):
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    data = Slow(workers=3)
    assert len(model.fit(data, epochs=2, steps_per_epoch=4, verbose=0).epoch) == 2
    data.failing = 8
    with pytest.raises(OSError, match="no such image"):
        model.fit(data, epochs=3, verbose=0)
