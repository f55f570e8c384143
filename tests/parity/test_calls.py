"""The calls of `cases_ops`, which are recorded from Keras, in other ways of computing them."""

import numpy as np
import pytest

from hotloop import graph, ops

import cases_ops  # isort: skip

# The length of the result depends on values.
EAGER_ONLY = {"bincount", "bincount:rows"}
# Asked for at the jump.
NO_DIFFERENCES = {"heaviside"}
COMPILED = [name for name in cases_ops.CALLS if name not in EAGER_ONLY]


def traced(name):
    function, arrays, _ = cases_ops.split_call(name)
    trace = graph.trace(
        lambda *tensors: cases_ops.flatten(function(ops, *tensors)),
        [(array.shape, array.dtype) for array in arrays],
    )
    return trace, arrays


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_is_eager_and_near_double_precision(name):
    function, arrays, _ = cases_ops.split_call(name)
    trace, arrays = traced(name)
    eager = cases_ops.flatten(function(ops, *map(graph.constant, arrays)))
    truth, _ = graph.reference.run(trace, arrays, np.float64)
    compiled = graph.compile(trace, batched=False)(arrays)
    for found, expected, exact in zip(compiled, eager, truth, strict=True):
        np.testing.assert_array_equal(found, expected.numpy())
        np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in COMPILED if name not in NO_DIFFERENCES])
def test_gradients_are_differences(name):
    function, arrays, differentiable = cases_ops.split_call(name)
    wanted = [i for i, array in enumerate(arrays) if array.dtype == np.float32]
    trace, arrays = traced(name)
    floats = [y.dtype == "float32" for y in trace.outputs]
    if not (differentiable and wanted and any(floats)):
        return
    gradients = cases_ops._gradients_of_hotloop(_Module, function, arrays, wanted)
    rng = np.random.default_rng(0)
    for place, gradient in zip(wanted, gradients, strict=True):
        direction = rng.normal(size=arrays[place].shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = [np.asarray(a, np.float64 if a.dtype.kind == "f" else None) for a in arrays]
            moved[place] = moved[place] + step * direction
            results, _ = graph.reference.run(trace, moved, np.float64)
            ends.append(
                sum(
                    np.nansum(y * cases_ops.weights_of(y.shape))
                    for y, is_float in zip(results, floats, strict=True)
                    if is_float
                )
            )
        slope = (ends[0] - ends[1]) / 2e-6
        found = np.nansum(gradient.numpy().astype(np.float64) * direction)
        np.testing.assert_allclose(found, slope, rtol=2e-4, atol=2e-4)


class _Module:
    graph, ops = graph, ops


@pytest.mark.parametrize("name", COMPILED)
def test_symbolic_calls_know_their_shapes(name):
    function, arrays, _ = cases_ops.split_call(name)
    if not arrays or name == "cond":  # whose branches take no arguments
        return
    inputs = [ops.KerasTensor(array.shape, array.dtype) for array in arrays]
    found = cases_ops.flatten(function(ops, *inputs))
    expected = cases_ops.flatten(function(ops, *map(graph.constant, arrays)))
    assert [(y.shape, y.dtype) for y in found] == [(y.shape, y.dtype) for y in expected]
