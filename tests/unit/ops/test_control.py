"""Control flow: known values choose, unknown ones select, and loops unroll."""

import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph import TracingError, Variable

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def compiled(function, *arrays):
    """`function` traced on unknown values, run; its results and the trace."""
    trace = graph.trace(function, [(np.shape(a), np.asarray(a).dtype) for a in arrays])
    run = graph.compile(trace, batched=False)
    return run([np.asarray(a) for a in arrays]), trace


@pytest.mark.parametrize("flag", [True, False])
def test_cond_takes_the_known_branch_only(flag):
    def refuse():
        raise AssertionError("not this branch")

    chosen = (lambda: ops.ones(2), refuse) if flag else (refuse, lambda: ops.ones(2))
    assert ops.cond(flag, *chosen).tolist() == [1, 1]
    assert ops.cond(ops.convert_to_tensor(flag), *chosen).tolist() == [1, 1]


@pytest.mark.parametrize("flag", [True, False])
def test_cond_selects_results_and_assignments(flag):
    a, b, c = (Variable(0.0, name=name) for name in "abc")

    def yes():
        a.assign_add(1.0)
        b.assign(5.0)
        return {"y": ops.sin(X), "n": None}

    def no():
        a.assign_sub(2.0)
        c.assign(b + 7.0)
        return {"y": X * 2.0, "n": None}

    def step(p):
        a.assign(10.0)
        return [ops.cond(p, yes, no)["y"]]

    (y,), _ = compiled(step, np.array(flag))
    np.testing.assert_allclose(y, np.sin(X) if flag else 2 * X, rtol=1e-6)
    assert (float(a), float(b), float(c)) == ((11, 5, 0) if flag else (8, 0, 7))


def test_cond_gradients_flow_through_the_branch_taken():
    def step(p, x):
        y = ops.cond(p > 0, lambda: x * x, lambda: 3.0 * x)
        return graph.gradients(ops.sum(y), [x])

    for p, expected in ((1.0, 2 * X), (-1.0, 3 + 0 * X)):
        (g,), _ = compiled(step, np.float32(p), X)
        np.testing.assert_allclose(g, expected)


def test_branches_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2,\)"):
        compiled(lambda p: [ops.cond(p, lambda: X, lambda: X[:, 0])], np.array(True))
    with pytest.raises(ValueError, match="returns None"):
        compiled(lambda p: [ops.cond(p, lambda: X, lambda: None)], np.array(True))
    with pytest.raises(ValueError, match="pred must be one value"):
        ops.cond(X > 1, lambda: 1, lambda: 2)


@pytest.mark.parametrize("index", [-3, 0, 1, 2, 9])
def test_switch(index):
    count = Variable(0, name="count")

    def branch(n):
        def run(x):
            count.assign(n)
            return x * float(n)

        return run

    branches = [branch(n) for n in range(3)]
    expected = min(max(index, 0), 2)
    assert ops.switch(index, branches, X).tolist() == (X * expected).tolist()
    count.assign(-1)
    (y,), _ = compiled(lambda i, x: [ops.switch(i, branches, x)], np.int32(index), X)
    assert y.tolist() == (X * expected).tolist()
    assert int(count) == expected
    with pytest.raises(TypeError, match="integer"):
        ops.switch(1.0, branches, X)
    with pytest.raises(ValueError, match="at least one branch"):
        ops.switch(0, [], X)


def test_while_loop():
    total, i = ops.while_loop(lambda t, i: i < 5, lambda t, i: (t + i, i + 1), (0, 0))
    assert (int(total), int(i)) == (10, 5)
    assert ops.while_loop(lambda x: x < 100, lambda x: x * 2, 3).item() == 192
    assert ops.while_loop(lambda x: x < 100, lambda x: x * 2, 3, maximum_iterations=2).item() == 12
    with pytest.raises(ValueError, match="1 values for 2 loop variables"):
        ops.while_loop(lambda a, b: a < 1, lambda a, b: a + 1, (0, 0))


def test_while_loop_with_an_end_that_is_not_known():
    turns = Variable(0, name="turns")

    def body(x):
        turns.assign_add(1)
        return x * 2.0

    def step(x, limit):
        return [ops.while_loop(lambda x: ops.sum(x) < limit, body, x, maximum_iterations=6)]

    for limit, expected in ((100.0, 3), (10.0, 0), (1e9, 6)):
        turns.assign(0)
        (y,), _ = compiled(step, X, np.float32(limit))
        assert int(turns) == expected
        assert y.tolist() == (X * 2.0**expected).tolist()
    with pytest.raises(TracingError, match=r"maximum_iterations.*run_eagerly=True"):
        compiled(lambda x: [ops.while_loop(lambda x: ops.sum(x) < 9, body, x)], X)


def test_fori_loop():
    assert ops.fori_loop(2, 5, lambda i, v: v + i, 0).item() == 9
    assert ops.fori_loop(5, 2, lambda i, v: v + i, 7) == 7
    with pytest.raises(TracingError, match="upper of fori_loop"):
        compiled(lambda n: [ops.fori_loop(0, n, lambda i, v: v + i, 0)], np.int32(3))
    with pytest.raises(TypeError, match="lower must be an integer"):
        ops.fori_loop(0.0, 2, lambda i, v: v, 0)


def test_map_and_vectorized_map():
    for function in (ops.map, ops.vectorized_map):
        found = function(lambda row: {"sum": ops.sum(row), "twice": row * 2}, X)
        assert found["sum"].tolist() == X.sum(1).tolist()
        assert found["twice"].tolist() == (2 * X).tolist()
        with pytest.raises(ValueError, match="first axis"):
            function(lambda r: r, (X, X[:1]))
        with pytest.raises(ValueError, match="at least one row"):
            function(lambda r: r, X[:0])


def test_scan():
    carry, ys = ops.scan(lambda c, _: (c + 1, None), 3, length=4)
    assert carry.item() == 7
    assert ys is None
    carry, ys = ops.scan(lambda c, x: (c + x, c), np.zeros(3, np.float32), X)
    assert ys.tolist() == [[0, 0, 0], [0, 1, 2]]
    for arguments, message in (
        ({"xs": X, "length": 3}, "length is 3"),
        ({}, "xs or length"),
        ({"xs": X, "unroll": 0}, "unroll"),
        ({"length": 0}, "at least one turn"),
    ):
        with pytest.raises(ValueError, match=message):
            ops.scan(lambda c, x: (c, x), 0, **arguments)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan(size, reverse):
    x = np.cos(np.arange(2.0 * size, dtype=np.float32)).reshape(2, size)

    def compose(a, b):  # x -> p·x + q
        return {"p": a["p"] * b["p"], "q": b["p"] * a["q"] + b["q"]}

    found = ops.associative_scan(compose, {"p": x, "q": x + 1}, reverse=reverse, axis=1)
    p, q = np.zeros_like(x), np.zeros_like(x)
    before = (np.ones(2), np.zeros(2))
    for i in reversed(range(size)) if reverse else range(size):
        before = before[0] * x[:, i], x[:, i] * before[1] + x[:, i] + 1
        p[:, i], q[:, i] = before
    np.testing.assert_allclose(found["p"], p, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["q"], q, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="callable"):
        ops.associative_scan(3, x)
