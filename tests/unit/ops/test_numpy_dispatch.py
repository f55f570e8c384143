import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph import Tensor, TracingError, Variable


def test_numpy_functions_on_tensors_are_ours():
    x = graph.constant([[1.0, -2.0], [3.0, 4.0]])
    array = x.numpy()
    for function in (
        np.square, np.abs, np.exp, np.tanh, np.sum, np.mean, np.max, np.amin, np.argmax,
        np.transpose,
        np.ravel, np.isnan, np.sign, np.std, np.round, np.zeros_like, np.logical_not, np.fabs,
        lambda v: np.mean(v, axis=1, keepdims=True), lambda v: np.add(v, 1.0),
        lambda v: np.maximum(0.0, v), lambda v: np.where(v > 0, v, 0.0),
        lambda v: np.concatenate([v, v], axis=1), lambda v: np.clip(v, 0, 1),
        lambda v: np.reshape(v, (4,)), lambda v: np.matmul(v, v), lambda v: np.dot(v, array),
        lambda v: np.expand_dims(v, 0), lambda v: np.float32(2) * v, lambda v: array + v,
        lambda v: np.logical_and(v > 0, v < 3), lambda v: np.power(v, 2),
        lambda v: np.stack([v, v]),
    ):  # fmt: skip
        found = function(x)
        assert isinstance(found, Tensor), function
        np.testing.assert_allclose(found.numpy(), function(array), rtol=1e-6)


def test_shape_ndim_and_size():
    x = graph.constant([[1.0, -2.0]])
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((1, 2), 2, 2)


def test_other_functions_get_the_values():
    x = graph.constant([3.0, 1.0, 2.0])
    assert np.unique(x).tolist() == [1.0, 2.0, 3.0]
    assert np.cumsum(x).tolist() == [3.0, 4.0, 6.0]
    assert np.add.reduce(x) == 6.0
    assert np.mean(x, dtype=np.float64).dtype == np.float64
    assert np.allclose(x, [3.0, 1.0, 2.0])
    assert np.array_equal(x, x)
    assert np.where(x > 1.5)[0].tolist() == [0, 2]
    assert np.matmul(x[None, None], np.ones((2, 3, 1))).shape == (2, 1, 1)
    total = np.zeros(3)
    total += x
    assert total.tolist() == [3.0, 1.0, 2.0]
    assert "3." in np.array_str(x)
    np.testing.assert_allclose(x, [3.0, 1.0, 2.0])


def test_other_functions_on_symbolic_tensors_name_themselves():
    def function(x):
        for call, name in (
            (lambda: np.unique(x), "numpy.unique"),
            (lambda: np.add.reduce(x), r"numpy.add\.reduce"),
            (lambda: np.mean(x, dtype="float64"), "numpy.mean"),
            (lambda: np.where(x), "Pass x1 and x2"),
        ):
            with pytest.raises(TracingError, match=name):
                call()
        return [np.square(x) - np.mean(x)]

    trace = graph.trace(function, [((3,), "float32")])
    (found,), _ = graph.reference.run(trace, [[1.0, 2.0, 3.0]])
    assert found.tolist() == [-1.0, 2.0, 7.0]


def test_variables_and_symbolic_tensors_dispatch_too():
    assert isinstance(np.square(Variable([2.0])), Tensor)
    x = ops.KerasTensor((None, 3))
    assert np.square(x).shape == (None, 3)
    assert np.mean(x, axis=1).shape == (None,)
    with pytest.raises(TracingError, match=r"numpy\.unique"):
        np.unique(x)


def test_gradients_flow_through_numpy_functions():
    with graph.Scope(symbolic=False):
        x = graph.constant([1.0, 2.0])
        (g,) = graph.gradients(np.mean(np.square(x - np.float32(1))), [x])
        assert g.tolist() == [0.0, 1.0]
