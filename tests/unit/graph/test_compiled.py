"""Compiled plans give what the graph means, natively and in the NumPy model of a plan."""

from __future__ import annotations

import numpy as np
import plan_model
import pytest
from random_graphs import Maker, random_variables

from hotloop import graph


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_rows_of_a_product_do_not_depend_on_how_many_there_are(ta, tb):
    """A large left operand is copied into tiles first, a small one is read in place."""
    rng = np.random.default_rng(8)
    a = rng.normal(size=(131, 150)).astype(np.float32)
    b = rng.normal(size=(290, 150) if tb else (150, 290)).astype(np.float32)

    def product(rows):
        left = a[:rows].T if ta else a[:rows]
        specs = [(np.shape(left), "float32"), (b.shape, "float32")]
        trace = graph.trace(lambda x, y: [graph.apply("matmul", [x, y], ta=ta, tb=tb)], specs)
        return graph.compile(trace, False)([np.ascontiguousarray(left), b])[0]

    whole = product(131)
    np.testing.assert_allclose(whole, a @ (b.T if tb else b), rtol=1e-4, atol=1e-4)
    for rows in (1, 5, 60):
        np.testing.assert_array_equal(whole[:rows], product(rows))


def run_model(executable, trace, inputs, outputs, **how):
    """Runs the executable's recipe in the NumPy model."""
    executable.use(plan_model.Plan)
    executable.run(inputs, outputs=outputs, **how)


def random_case(seed: int, batched: bool):
    """A trace of about twenty primitives with its inputs, outputs and variables.

    Every other one differentiates what it made and takes a step down the gradient.
    """
    rng = np.random.default_rng(seed)
    variables = random_variables(rng)
    first = int(rng.choice([1, 4, 4])) if batched else int(rng.integers(1, 7))
    specs = [((first, 6), "float32"), ((first,), "int32"), ((first, 3, 2), "float32")]

    def function(*inputs):
        maker = Maker(rng, [*inputs, *(v.value for v in variables)])
        for _ in range(int(rng.integers(3, 28))):
            maker.grow()
        if seed % 2:
            descend(maker, variables, rng)
        for variable in variables:
            fits = [
                t for t in maker.tensors if t.shape == variable.shape and t.dtype == variable.dtype
            ]
            if rng.integers(2):
                variable.assign(fits[rng.integers(len(fits))])
        results = maker.tensors[-int(rng.integers(1, 6)) :]
        if batched:
            results = [t for t in maker.tensors if t.shape[:1] == (first,)][-4:]
        return results

    trace = graph.trace(function, specs)
    arrays = [
        rng.normal(size=(first, 6)).astype(np.float32),
        rng.integers(0, 5, first).astype(np.int32),
        rng.normal(size=(first, 3, 2)).astype(np.float32),
    ]
    return trace, arrays, variables


def descend(maker, variables, rng):
    """Assigns variables their values less the gradient of a loss made of some tensors."""
    floats = [t for t in maker.tensors if t.dtype == "float32"]
    parts = [floats[rng.integers(len(floats))] for _ in range(2)] + floats[-1:]
    loss = graph.fill(0.0, (), "float32")
    for part in parts:
        total = graph.apply("sum", [part], axes=tuple(range(part.ndim)))
        loss = graph.apply("add", [loss, graph.apply("reshape", [total], shape=())])
    wanted = [v for v in variables if v.dtype == "float32"]
    gradients = graph.gradients(loss, [v.value for v in wanted])
    for v, g in zip(wanted, gradients, strict=True):
        maker.tensors.append(graph.apply("tanh", [g]))
        if rng.integers(2):
            rate = graph.fill(0.1, v.shape, "float32")
            step = graph.apply("mul", [rate, graph.apply("tanh", [g])])
            v.assign(graph.apply("sub", [v.value, step]))


def compare(trace, got, wanted, updates, variables):
    for i, (have, want) in enumerate(zip(got, wanted, strict=True)):
        np.testing.assert_allclose(have, want, rtol=1e-3, atol=2e-5, err_msg=f"output {i}")
    for variable in variables:
        if variable in updates:
            np.testing.assert_allclose(
                variable.numpy(), updates[variable], rtol=1e-3, atol=2e-5, err_msg=variable.name
            )


@pytest.mark.parametrize("native", [True, False], ids=["native", "model"])
@pytest.mark.parametrize("batched", [False, True], ids=["whole", "batched"])
@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed, batched, native):
    trace, arrays, variables = random_case(seed, batched)
    before = {v: v.numpy() for v in variables}
    wanted, updates = graph.reference.run(trace, arrays)
    got = [np.empty(t.shape, graph.numpy_dtype(t.dtype)) for t in trace.outputs]
    executable = graph.compile(trace, batched)
    if native:
        executable.run(arrays, outputs=got)
    else:
        run_model(executable, trace, arrays, got)
    compare(trace, got, wanted, updates, variables)
    for variable in variables:
        if variable not in updates:
            np.testing.assert_array_equal(variable.numpy(), before[variable])


@pytest.mark.parametrize("seed", range(200, 230))
def test_batches_follow_each_other(seed):
    """Three shuffled batches in one run: each sees the variables as the last one left them."""
    trace, arrays, variables = random_case(seed, batched=True)
    batch = arrays[0].shape[0]
    rng = np.random.default_rng(seed)
    data = [
        np.concatenate([array, array[::-1], rng.permutation(array)]).astype(array.dtype)
        for array in arrays
    ]
    index = rng.permutation(3 * batch)
    expected = {v: v.numpy() for v in variables}
    wanted = []
    for at in range(0, 3 * batch, batch):
        rows = index[at : at + batch]
        results, updates = graph.reference.run(
            trace, [array[rows] for array in data], variables=expected
        )
        expected.update(updates)
        wanted.append(results)
    got = [np.empty((3 * batch, *t.shape[1:]), graph.numpy_dtype(t.dtype)) for t in trace.outputs]
    executable = graph.compile(trace, batched=True)
    assert executable.run(data, index=index, outputs=got, steps=3) == 3
    compare(trace, got, [np.concatenate(parts) for parts in zip(*wanted, strict=True)], {}, [])
    for variable, value in expected.items():
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-3, atol=2e-5)
