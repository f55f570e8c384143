"""Which functions treat the rows of a batch by themselves."""

import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph.rows import are_apart, cut

RNG = np.random.default_rng(5)
W = graph.Variable(RNG.normal(size=(6, 4)))
BIAS = RNG.normal(size=4).astype("float32")
MANY = 1 << 20


def apart(function, few=4, many=12, most=MANY, width=6, dtype="float32"):
    traces = [graph.trace(function, [((rows, width), dtype)]) for rows in (few, many)]
    return are_apart(*traces, most)


APART = {
    "dense": lambda x: ops.relu(ops.matmul(x, W) + BIAS),
    "softmax": lambda x: ops.softmax(ops.matmul(x, W)),
    "normalised": lambda x: (x - ops.mean(x, -1, keepdims=True)) / ops.std(x, -1, keepdims=True),
    "reshaped": lambda x: ops.sum(ops.transpose(ops.reshape(x, (-1, 2, 3)), (0, 2, 1)), 1),
    "parts": lambda x: ops.concatenate([x[:, 3:], ops.pad(x[:, :2], ((0, 0), (1, 0)))], 1),
    "with ones": lambda x: ops.concatenate([x, ops.ones((x.shape[0], 1))], 1),
    "largest": lambda x: ops.argmax(x, 1),
    "attention": lambda x: ops.matmul(ops.reshape(x, (-1, 2, 3)), ops.reshape(x, (-1, 3, 2))),
    "one hot": lambda x: ops.one_hot(ops.argmax(x, 1), 6),
    "a constant": lambda x: ops.zeros((x.shape[0], 2)),
}

TOGETHER = {
    "mean of all": lambda x: x - ops.mean(x),
    "mean of columns": lambda x: x - ops.mean(x, 0, keepdims=True),
    "softmax over rows": lambda x: ops.softmax(x, 0),
    "divided by the batch": lambda x: x / x.shape[0],
    "numbered": lambda x: x + ops.reshape(ops.cast(ops.arange(x.shape[0]), "float32"), (-1, 1)),
    "first row": lambda x: x - ops.broadcast_to(x[:1], x.shape),
    "reversed": lambda x: ops.flip(x, 0),
    "every other": lambda x: ops.concatenate([x[::2], x[1::2]], 0),
    "turned": lambda x: ops.reshape(ops.transpose(x), x.shape),
    "gram": lambda x: ops.matmul(ops.matmul(x, ops.transpose(x)), x),
    "running sum": lambda x: ops.cumsum(x, 0),
    "sorted": lambda x: ops.sort(x, 0),
    "different constants": lambda x: x * RNG.normal(),
    "different functions": lambda x: ops.exp(x) if x.shape[0] == 4 else ops.tanh(x),
}


@pytest.mark.parametrize("name", APART)
def test_apart(name):
    assert apart(lambda x: [APART[name](x)])


@pytest.mark.parametrize("name", TOGETHER)
def test_not_apart(name):
    assert not apart(lambda x: [TOGETHER[name](x)])
    assert not apart(lambda x: [ops.relu(x), TOGETHER[name](x)])


def test_updates_and_sizes_are_not():
    total = graph.Variable(np.zeros(()))

    def counts(x):
        total.assign(total + 1.0)
        return [x]

    assert not apart(counts)
    assert not apart(lambda x: [x], few=12)
    assert not apart(lambda x: [ops.matmul(x, W)], most=12 * 6 - 1)
    assert apart(lambda x: [ops.matmul(x, W)], most=12 * 6)


def parts(function, widest=1 << 10):
    """The cut of a step that adds something to a total, with the total."""
    total = graph.Variable(np.zeros(()))

    def step(x):
        total.assign(total + function(x))
        return []

    traces = [graph.trace(step, [((rows, 6), "float32")]) for rows in (4, 12)]
    return cut(*traces, MANY, widest), total


def test_a_step_is_cut_where_rows_meet():
    found, total = parts(lambda x: ops.mean(ops.square(ops.matmul(x, W))))
    first, after = (graph.compile(trace, batched=True) for trace in found)
    x = RNG.normal(size=(24, 6)).astype("float32")
    between = first.make_outputs(2)
    assert [array.shape for array in between] == [(24, 4)]
    assert first.run([x], outputs=between, steps=2) == 2
    assert after.run(between, steps=6) == 6
    expected = np.square(x.astype(float) @ W.numpy()).reshape(6, 16).mean(1).sum()
    np.testing.assert_allclose(total.numpy(), expected, rtol=1e-5)


def test_steps_that_are_not_cut():
    assert parts(lambda x: ops.sum(ops.matmul(x, W)), widest=3)[0] is None
    assert parts(lambda x: ops.sum(ops.matmul(x, W)), widest=4)[0] is not None
    assert parts(lambda x: ops.sum(ops.exp(x)))[0] is None  # no product
    assert parts(lambda x: ops.sum(ops.matmul(x - ops.mean(x, 0), W)))[0] is None
    different = {4: ops.exp, 12: ops.tanh}
    assert parts(lambda x: ops.sum(different[x.shape[0]](ops.matmul(x, W))))[0] is None
    assert parts(lambda x: different[x.shape[0]](ops.sum(ops.matmul(x, W))))[0] is None


def test_what_changes_from_batch_to_batch_is_not_in_the_first_part():
    weights = graph.Variable(np.ones((6, 4)))

    def step(x):
        total = ops.matmul(x, weights)
        weights.assign(weights + ops.mean(total))
        return []

    traces = [graph.trace(step, [((rows, 6), "float32")]) for rows in (4, 12)]
    assert cut(*traces, MANY, MANY) is None
