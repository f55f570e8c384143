"""Batches of small steps on several threads at once: nobody may be able to tell."""

import threading
import time

import numpy as np
import pytest

import hotloop as keras
from hotloop import graph, ops
from hotloop.graph import spread
from hotloop.graph.machine import set_num_threads
from hotloop.graph.spread import run_spread

RNG = np.random.default_rng(3)


@pytest.fixture
def threads():
    yield set_num_threads
    set_num_threads(0)


@pytest.fixture
def eager_helpers(monkeypatch):
    """However little there is to do, threads are started for it."""
    monkeypatch.setattr(spread, "_WORTH", 0.0)


def executable(batch):
    weights = graph.Variable(RNG.normal(size=(7, 5)))
    made = graph.trace(
        lambda x: [ops.tanh(ops.matmul(x, weights)) - ops.mean(x)], [((batch, 7), "float32")]
    )
    return graph.compile(made, batched=True)


@pytest.mark.parametrize("index", [False, True])
def test_any_number_of_threads_gives_the_same_bits(threads, eager_helpers, index):
    run = executable(4)
    x = RNG.normal(size=(4 * 97, 7)).astype("float32")
    order = RNG.permutation(len(x)) if index else None
    results = []
    for count in (1, 2, 5):
        threads(count)
        out = np.full((len(x), 5), np.nan, "float32")
        assert run.run([x], outputs=[out], index=order, start=3, steps=94) == 94
        assert np.isnan(out[:12]).all()
        results.append(out)
    assert not np.isnan(results[0][12:]).any()
    for out in results[1:]:
        np.testing.assert_array_equal(out, results[0])


def test_the_batches_that_are_done_are_the_first(threads, eager_helpers):
    threads(3)
    run = executable(1)
    x = RNG.normal(size=(400_000, 7)).astype("float32")
    out = np.full((len(x), 5), np.nan, "float32")
    done = run.run([x], outputs=[out], steps=len(x), budget=0.005)
    assert 0 < done < len(x)
    written = ~np.isnan(out[:, 0])
    assert written[:done].all()
    assert not written[done:].any()


def test_predictions_are_the_same_from_many_threads_at_once(threads, eager_helpers):
    threads(2)
    model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(4, "relu")])
    x = RNG.normal(size=(4000, 7)).astype("float32")
    expected = model.predict(x, verbose=0)
    results = {}

    def work(number):
        results[number] = [model.predict(x, verbose=0) for _ in range(5)]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 6
    for made in results.values():
        for one in made:
            np.testing.assert_array_equal(one, expected)


def test_batches_that_change_variables_come_in_order(threads, eager_helpers):
    threads(2)
    total = graph.Variable(0.0, trainable=False)

    def add(x):
        total.assign(total * 0.5 + ops.sum(x))
        return []

    run = graph.compile(graph.trace(add, [((1, 1), "float32")]), batched=True)
    x = RNG.normal(size=(500, 1)).astype("float32")
    run.run([x], steps=500)
    expected = np.float32(0)
    for value in x[:, 0]:
        expected = expected * np.float32(0.5) + value
    assert total.numpy() == expected


def test_an_error_in_any_thread_ends_all(eager_helpers):
    for guilty in (0, 1):
        running = threading.Event()
        stopped = []

        def good(first, count, running=running):
            running.set()
            time.sleep(0.001)

        def bad(first, count, running=running):
            running.wait(60)
            if first > 20:
                raise KeyboardInterrupt

        runs = [good, good, good]
        runs[guilty] = bad
        if guilty == 0:
            running.set()
        with pytest.raises(KeyboardInterrupt):
            run_spread(runs, lambda stopped=stopped: stopped.append(1), 0, 100_000, 0.0)
        assert stopped


def test_one_thread_where_no_other_can_be_had(monkeypatch, eager_helpers):
    def refuse(*args):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    seen = []
    assert run_spread([lambda *piece: seen.append(piece)] * 4, lambda: None, 5, 60, 0.0) == 60
    assert [first for first, _ in seen] == list(np.cumsum([5, *(n for _, n in seen[:-1])]))
    assert sum(count for _, count in seen) == 60
