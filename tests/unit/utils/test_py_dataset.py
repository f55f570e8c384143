"""PyDataset by itself."""

import itertools

import pytest

from hotloop.utils import PyDataset, Sequence


class Squares(PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return index * index


def test_going_over_it_gives_the_batches():
    assert list(Squares()) == [0, 1, 4, 9]
    assert Squares().num_batches == 4
    assert Sequence is PyDataset

    class Endless(Squares):
        num_batches = None

    assert list(itertools.islice(Endless(), 5)) == [0, 1, 4, 9, 16]


def test_defaults_and_setters():
    data = Squares()
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (1, False, 10)
    data.workers, data.use_multiprocessing, data.max_queue_size = 3, True, 5
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (3, True, 5)
    with pytest.raises(ValueError, match="`workers`"):
        Squares(workers=-1)
    with pytest.raises(TypeError, match="`workers`"):
        Squares(workers="2")
    with pytest.raises(ValueError, match="`max_queue_size`"):
        Squares(max_queue_size=0)


def test_a_class_that_forgets_super_is_told_once():
    class Forgets(Squares):
        def __init__(self):
            pass

    data = Forgets()
    with pytest.warns(UserWarning, match="Forgets should call `super"):
        assert data.workers == 1
    assert data.max_queue_size == 10


def test_what_a_class_must_define():
    with pytest.raises(NotImplementedError, match="must define `__len__"):
        list(PyDataset())
    with pytest.raises(NotImplementedError, match="must define `__getitem__"):
        PyDataset()[0]
