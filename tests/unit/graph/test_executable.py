"""The border of a compiled function: arrays in and out, batches, threads, errors."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph.evaluate import evaluate

RNG = np.random.default_rng(0)


def compiled(function, *specs, batched=False):
    return graph.compile(graph.trace(function, specs), batched)


def test_batches_read_indexed_rows_and_write_their_own():
    executable = compiled(
        lambda x, y: [x * 2, ops.cast(y, "float32")[:, None] + x, y + 1],
        ((4, 3), "float32"),
        ((4,), "int32"),
        batched=True,
    )
    x = RNG.normal(size=(20, 3)).astype(np.float32)
    y = RNG.integers(0, 9, 20).astype(np.int32)
    index = RNG.permutation(20)
    outputs = [np.full((20, 3), np.nan, np.float32) for _ in range(2)] + [np.zeros(20, np.int32)]
    assert executable.run([x, y], index=index, outputs=outputs, start=1, steps=3) == 3
    rows = index[4:16]
    np.testing.assert_array_equal(outputs[0][4:16], x[rows] * 2)
    np.testing.assert_array_equal(outputs[1][4:16], y[rows, None].astype(np.float32) + x[rows])
    np.testing.assert_array_equal(outputs[2][4:16], y[rows] + 1)
    assert np.isnan(outputs[0][:4]).all()
    assert np.isnan(outputs[0][16:]).all()
    executable.run([x, y], outputs=outputs, start=2)
    np.testing.assert_array_equal(outputs[0][8:12], x[8:12] * 2)


@pytest.mark.parametrize("batched", [False, True])
def test_truth_values_cross_the_border(batched):
    executable = compiled(
        lambda x, b: [ops.logical_and(x > 0, b), ops.logical_not(b)],
        ((5, 2), "float32"),
        ((5, 2), "bool"),
        batched=batched,
    )
    x = RNG.normal(size=(5, 2)).astype(np.float32)
    b = RNG.integers(0, 2, (5, 2)).astype(bool)
    for kind in (np.bool_, np.int32):
        outputs = [np.empty((5, 2), kind) for _ in range(2)]
        executable.run([x, b], outputs=outputs)
        np.testing.assert_array_equal(outputs[0], (x > 0) & b)
        np.testing.assert_array_equal(outputs[1], ~b)


def test_arrays_need_not_be_contiguous():
    executable = compiled(lambda x: [x + 1], ((4, 3), "float32"))
    x = RNG.normal(size=(3, 4)).astype(np.float32).T
    target = np.zeros((4, 6), np.float32)
    executable.run([x], outputs=[target[:, ::2]])
    np.testing.assert_array_equal(target[:, ::2], x + 1)
    assert not target[:, 1::2].any()


def test_results_are_not_written_into_what_is_read_only():
    executable = compiled(lambda x: [x + 1], ((4, 3), "float32"))
    target = np.zeros((4, 3), np.float32)
    target.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        executable.run([np.ones((4, 3), np.float32)], outputs=[target])
    assert not target.any()


def test_into_takes_only_what_fits():
    executable = compiled(lambda x: [x + 1], ((4, 3), "float32"))
    x, target = np.ones((4, 3), np.float32), np.zeros((4, 3), np.float32)
    assert not executable.into([x.astype(np.float64)], [target])
    assert not executable.into([x], [target.T])
    assert not executable.into([x, x], [target])
    assert not executable.into([x], [target.astype(np.int32)])
    assert not target.any()
    assert executable.into([x], [target])
    np.testing.assert_array_equal(target, 2)
    rows = compiled(lambda x: [x + 1], ((4, 3), "float32"), batched=True)
    assert not rows.into([x], [target])


def test_results_may_be_thrown_away():
    total = graph.Variable(0.0)

    def function(x):
        total.assign(total + ops.sum(x))
        return [x, ops.max(x)]

    executable = compiled(function, ((4,), "float32"))
    executable.run([np.arange(4, dtype=np.float32)])
    assert float(total) == 6.0
    assert executable.run([np.arange(4, dtype=np.float32)], steps=0) == 0
    assert float(total) == 6.0


def test_empty_results():
    executable = compiled(lambda x: [x[:0], x[1:1] * 2, ops.sum(x[:0])], ((4, 3), "float32"))
    outputs = [np.empty((0, 3), np.float32), np.empty((0, 3), np.float32), np.ones((), np.float32)]
    executable.run([np.ones((4, 3), np.float32)], outputs=outputs)
    assert outputs[2] == 0
    assert compiled(lambda x: [x[:0]], ((4,), "float32")).run([np.ones(4, np.float32)]) == 1


def test_one_tensor_as_several_results():
    def function(x):
        s = ops.sum(x)
        return [s, s, x, x, ops.reshape(x, (2, 2)), ops.reshape(x, (2, 2))]

    outputs = [np.empty(s, np.float32) for s in [(), (), (4,), (4,), (2, 2), (2, 2)]]
    compiled(function, ((4,), "float32")).run([np.arange(4, dtype=np.float32)], outputs=outputs)
    assert outputs[0] == outputs[1] == 6
    for output in outputs[2:]:
        np.testing.assert_array_equal(output.reshape(-1), np.arange(4))


@pytest.mark.parametrize(
    ("arrays", "outputs", "error", "message"),
    [
        ([np.ones((4, 3), np.float32)] * 2, None, ValueError, "takes 1 inputs, got 2"),
        ([np.ones((4, 2), np.float32)], None, ValueError, r"Input 0 has shape \(4, 2\)"),
        ([np.ones((4, 3))], None, TypeError, "Input 0 has dtype float64"),
        ([np.ones((4, 3), np.float32)], [], ValueError, "has 1 outputs, got 0"),
        (
            [np.ones((4, 3), np.float32)],
            [np.ones((4, 2), np.float32)],
            ValueError,
            r"Output 0 has shape \(4, 2\)",
        ),
        ([np.ones((4, 3), np.float32)], [np.ones((4, 3))], TypeError, "Output 0 has dtype"),
    ],
)
@pytest.mark.parametrize("batched", [False, True])
def test_wrong_arrays_are_refused(batched, arrays, outputs, error, message):
    executable = compiled(lambda x: [x + 1], ((4, 3), "float32"), batched=batched)
    with pytest.raises(error, match=message):
        executable.run(arrays, outputs=outputs)


def test_rows_that_do_not_exist_are_refused():
    executable = compiled(lambda x: [x + 1], ((4, 3), "float32"), batched=True)
    x = np.ones((10, 3), np.float32)
    output = np.zeros((12, 3), np.float32)
    with pytest.raises((ValueError, IndexError)):
        executable.run([x], outputs=[output], steps=3)
    with pytest.raises(ValueError, match="at least 12 rows"):
        executable.run([x], outputs=[output[:10]], steps=3)
    with pytest.raises((ValueError, IndexError)):
        executable.run([x], outputs=[output], index=np.array([0, 1, 2, 10]))


def test_batches_of_different_sizes_are_refused():
    trace = graph.trace(lambda x, y: [x, y], [((4, 3), "float32"), ((5,), "float32")])
    with pytest.raises(ValueError, match="share their first axis"):
        graph.compile(trace, batched=True)


def test_many_threads_at_once():
    w = graph.Variable(RNG.normal(size=(30, 17)).astype(np.float32))
    executable = compiled(lambda x: [ops.tanh(x @ w) + 1], ((8, 30), "float32"))
    inputs = [RNG.normal(size=(8, 30)).astype(np.float32) for _ in range(40)]

    def run(x):
        output = np.empty((8, 17), np.float32)
        executable.run([x], outputs=[output])
        return output

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(run, inputs))
    for x, output in zip(inputs, together, strict=True):
        np.testing.assert_array_equal(output, run(x))


def test_what_assigns_variables_runs_in_one_thread():
    total = graph.Variable(np.zeros((300, 300), np.float32))

    def function(x):
        total.assign(total @ x + 1)
        return []

    executable = compiled(function, ((300, 300), "float32"))
    x = np.zeros((300, 300), np.float32)
    started = threading.Event()

    def work():
        started.set()
        executable.run([x], steps=100)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    refused = False
    while thread.is_alive() and not refused:
        try:
            executable.run([x])
        except RuntimeError as error:
            refused = "already running" in str(error)
    thread.join()
    assert refused
    executable.run([x])


def test_layouts_follow_the_reader():
    value = RNG.normal(size=(5, 40)).astype(np.float32)
    w = graph.Variable(value)
    product = compiled(lambda x: [x @ w], ((2, 5), "float32"))
    square = compiled(lambda: [w * w])
    x = np.ones((2, 5), np.float32)
    first, second = np.empty((2, 40), np.float32), np.empty((5, 40), np.float32)
    for _ in range(2):
        product.run([x], outputs=[first])
        square.run([], outputs=[second])
        np.testing.assert_allclose(first, x @ value, rtol=1e-5)
        np.testing.assert_array_equal(second, value * value)
    # What is compiled now takes the panels as they are.
    product.run([x], outputs=[first])
    compiled(lambda: [w * w]).run([], outputs=[second])
    assert w.layout == "panel"
    np.testing.assert_array_equal(second, value * value)


@pytest.mark.parametrize("seed", range(5))
def test_random_numbers_do_not_depend_on_what_they_are_fused_with(seed):
    key = np.array([seed, 7], np.int32)
    alone = evaluate("random_uniform", [key], {"shape": (6, 50), "offset": 3}, (6, 50), "float32")

    def function(key, x):
        u = graph.apply("random_uniform", [key], shape=(6, 50), offset=3)
        return [
            u + 0.0 * ops.sum(x, axis=-1, keepdims=True),
            ops.sum(u, axis=0),
            x @ ops.transpose(u),
        ]

    outputs = [np.empty(s, np.float32) for s in [(6, 50), (50,), (6, 6)]]
    x = np.ones((6, 50), np.float32)
    compiled(function, ((2,), "int32"), ((6, 50), "float32")).run([key, x], outputs=outputs)
    np.testing.assert_array_equal(outputs[0], alone)
    np.testing.assert_allclose(outputs[1], alone.sum(0), rtol=1e-6)
    assert 0 <= alone.min() < alone.max() < 1


def test_calling_an_executable_returns_new_arrays():
    program = compiled(lambda x: [x + 1.0, x > 0.0, x[:0]], ((4,), "float32"))
    x = np.array([-1, 0, 1, 2], np.float32)
    more, positive, nothing = program([x])
    np.testing.assert_array_equal(more, x + 1)
    assert positive.dtype == np.int32
    np.testing.assert_array_equal(positive, [0, 0, 1, 1])
    assert nothing.shape == (0,)
    assert program([x])[0] is not more
    with pytest.raises(ValueError, match="shape"):
        program([x[:2]])
    with pytest.raises(ValueError, match="1 inputs"):
        program([])
