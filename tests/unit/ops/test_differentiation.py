import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.ops import KerasTensor

X = np.array([[0.5, -1.0, 2.0]], np.float32)


@ops.custom_gradient
def log1p_exp(x):
    e = ops.exp(x)

    def grad(upstream):
        return upstream * (1.0 - 1.0 / (1.0 + e))

    return ops.log(1.0 + e), grad


def slope(function, *values):
    with graph.Scope(symbolic=False):
        xs = [graph.constant(value) for value in values]
        return [g.numpy() for g in graph.gradients(ops.sum(function(*xs)), xs)]


def test_the_given_gradient_is_taken():
    np.testing.assert_allclose(log1p_exp(X), np.log1p(np.exp(X)), rtol=1e-6)
    # The derived gradient would be inf / inf.
    assert slope(log1p_exp, np.array([200.0], np.float32))[0].tolist() == [1.0]


def test_compiled_and_eager_agree():
    def step(x):
        y = log1p_exp(x)
        return [y, *graph.gradients(ops.sum(y * y), [x])]

    trace = graph.trace(step, [(X.shape, "float32")])
    y, g = graph.compile(trace, batched=False)([X])
    np.testing.assert_array_equal(y, log1p_exp(X).numpy())
    np.testing.assert_allclose(g, 2 * y / (1 + np.exp(-X)), rtol=1e-5)


def test_several_arguments_and_results():
    @ops.custom_gradient
    def f(x, y):
        def grad(dp, dq):
            return dp * 10.0 + dq, None

        return (x * y, x + y), grad

    def both(x, y):
        p, q = f(x, y)
        return p + 2.0 * q

    gx, gy = slope(both, X, X)
    assert gx.tolist() == [[12.0] * 3]
    assert gy.tolist() == [[0.0] * 3]


def test_arguments_that_are_no_tensors():
    @ops.custom_gradient
    def scaled(x, factor):
        return x * factor, lambda g: (g * 7.0, None)

    weight = graph.Variable(X)
    assert scaled(weight, 2.0).tolist() == (2 * X).tolist()
    assert slope(lambda x: scaled(x, np.float32(2.0)), X)[0].tolist() == [[7.0] * 3]


def test_gradients_that_do_not_fit():
    @ops.custom_gradient
    def wrong(x):
        return x, lambda g: ops.sum(g)

    with pytest.raises(ValueError, match="'wrong' returned a gradient of shape"):
        slope(wrong, X)

    @ops.custom_gradient
    def few(x, y):
        return x + y, lambda g: g

    with pytest.raises(ValueError, match="1 gradients for 2 tensor arguments"):
        slope(few, X, X)


def test_in_a_model():
    y = log1p_exp(KerasTensor((None, 3)))
    assert y.shape == (None, 3)
    assert y.node.operation.name.startswith("log1p_exp")


def test_jvp():
    def f(x, y):
        return ops.sin(x) * y, ops.sum(x)

    t = (np.ones_like(X), 2 * np.ones_like(X))
    (a, b), (da, db) = ops.jvp(f, (X, X), t)
    np.testing.assert_allclose(a, np.sin(X) * X, rtol=1e-6)
    np.testing.assert_allclose(da, np.cos(X) * X + 2 * np.sin(X), rtol=1e-5)
    np.testing.assert_allclose([b.item(), db.item()], [X.sum(), 3.0], rtol=1e-6)
    _, dy, aux = ops.jvp(lambda x: (x * x, "aux"), (X,), (X,), has_aux=True)
    assert aux == "aux"
    np.testing.assert_allclose(dy, 2 * X * X)


def test_jvp_compiled():
    trace = graph.trace(
        lambda x, t: list(ops.jvp(ops.tanh, (x,), (t,))), [(X.shape, "float32")] * 2
    )
    _, direction = graph.compile(trace, batched=False)([X, 2 * X])
    np.testing.assert_allclose(direction, 2 * X / np.cosh(X) ** 2, rtol=1e-5)


def test_jvp_of_shapes_that_differ():
    with pytest.raises(ValueError, match="same shapes"):
        ops.jvp(ops.tanh, (X,), (X[0],))
