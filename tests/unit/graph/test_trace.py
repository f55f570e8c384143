import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph import TracingError, Variable, reference, trace


def test_trace_of_a_step():
    w = Variable([[1.0], [2.0]])

    def step(x):
        y = ops.matmul(x, w)
        (g,) = graph.gradients(ops.sum(y), [w.value])
        w.assign_sub(0.5 * g)
        return [y]

    result = trace(step, [((3, 2), "float32")])
    assert [t.shape for t in result.inputs] == [(3, 2)]
    assert list(result.updates) == list(result.reads) == [w]
    x = np.arange(6).reshape(3, 2)
    (y,), updates = reference.run(result, [x])
    np.testing.assert_array_equal(y, x @ [[1.0], [2.0]])
    np.testing.assert_array_equal(updates[w], [[1.0 - 3.0], [2.0 - 4.5]])
    assert w.numpy().tolist() == [[1.0], [2.0]]
    (y,), _ = reference.run(result, [x], variables={w: [[0.0], [1.0]]})
    assert y[:, 0].tolist() == [1, 3, 5]


def test_outputs_may_be_variables_arrays_and_numbers():
    v = Variable([3.0])
    result = trace(lambda: [v, np.float64(2), 1], [])
    outputs, _ = reference.run(result, [])
    assert [np.asarray(o).tolist() for o in outputs] == [[3.0], 2.0, 1]


def test_leaked_tensors_are_refused():
    kept = []
    trace(lambda x: kept.append(x) or [x], [((1,), "float32")])
    uses = (lambda x: [kept[0]], lambda x: [x + kept[0]], lambda x: [ops.negative(kept[0])])
    for use in uses:
        with pytest.raises(TracingError, match="another"):
            trace(use, [((1,), "float32")])
    v = Variable([0.0])
    with pytest.raises(TracingError, match="another"):
        trace(lambda x: (v.assign(kept[0]), [x])[1], [((1,), "float32")])
    with pytest.raises(TracingError):
        float(kept[0] + 1.0)


def test_a_failed_trace_leaves_no_scope():
    with pytest.raises(ZeroDivisionError):
        trace(lambda x: [1 / 0], [((1,), "float32")])
    assert graph.current_scope() is None


def test_traces_may_nest():
    def outer(x):
        inner = trace(lambda y: [y * 2.0], [((2,), "float32")])
        assert inner.outputs[0].origin != x.origin
        return [x + 1.0]

    outer_trace = trace(outer, [((1,), "float32")])
    assert reference.run(outer_trace, [[1.0]])[0][0].tolist() == [2.0]


def test_reference_checks_shapes():
    result = trace(lambda x: [x], [((2, 2), "float32")])
    with pytest.raises(ValueError, match="traced"):
        reference.run(result, [np.zeros(2)])
