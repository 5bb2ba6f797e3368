"""PyDataset: what a user's subclass gets, with and without its constructor."""

import itertools

import numpy as np
import pytest

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
    data = Squares(workers=3, use_multiprocessing=True, max_queue_size=4)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (3, True, 4)


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
