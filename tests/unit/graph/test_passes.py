"""What the passes make of graphs: how many steps, of which kind, in how much memory."""

from __future__ import annotations

import numpy as np
import pytest

from hotloop import graph, ops
from hotloop.graph.passes.domain import Domain, join, make_domain, widen
from hotloop.graph.passes.memory import place
from hotloop.graph.passes.view import View, coalesce, cuts_of, split_at, spread, strides_of

RNG = np.random.default_rng(0)


def weights(*shape, name="w"):
    return graph.Variable(RNG.normal(size=shape).astype(np.float32) * 0.1, name=name)


def steps(function, *specs, batched=False):
    """The description of the compiled function, a list of lines."""
    executable = graph.compile(graph.trace(function, specs), batched)
    return executable.describe().splitlines()


def train_step(optimizer, hidden=40, batch=16, features=24, classes=10):
    """Inputs' specs and the function of one step of a two-layer network with softmax."""
    layers = [
        (weights(features, hidden, name="w1"), weights(hidden, name="b1")),
        (weights(hidden, classes, name="w2"), weights(classes, name="b2")),
    ]
    slots = {
        v: (weights(*v.shape, name="m"), weights(*v.shape, name="s")) for p in layers for v in p
    }
    for _, second in slots.values():
        second.assign(np.abs(second.numpy()))
    total = graph.Variable(0.0, name="total")
    count = graph.Variable(1, name="count")

    def step(x, y):
        h = x
        for i, (w, b) in enumerate(layers):
            h = ops.add(ops.matmul(h, w), b)
            if i == 0:
                h = ops.relu(h)
        top = ops.max(h, axis=-1, keepdims=True)
        shifted = h - ops.stop_gradient(top)
        log = shifted - ops.log(ops.sum(ops.exp(shifted), axis=-1, keepdims=True))
        loss = -ops.mean(ops.sum(log * ops.one_hot(y, classes), axis=-1))
        hits = ops.sum(ops.cast(ops.equal(ops.argmax(h, axis=-1), y), "float32"))
        variables = [v for pair in layers for v in pair]
        grads = graph.gradients(loss, [v.value for v in variables])
        rate = 0.01 / ops.sqrt(ops.cast(count, "float32"))
        for v, g in zip(variables, grads, strict=True):
            if optimizer == "sgd":
                v.assign(v - 0.01 * g)
                continue
            m, s = slots[v]
            m.assign(0.9 * m + 0.1 * g)
            s.assign(0.99 * s + 0.01 * g * g)
            v.assign(v - rate * m / (ops.sqrt(s) + 1e-6))
        count.assign(count + 1)
        total.assign(total + loss + hits)
        return []

    everything = [v for pair in layers for v in pair] + [v for p in slots.values() for v in p]
    return step, [((batch, features), "float32"), ((batch,), "int32")], [*everything, total, count]


def test_a_train_step_is_few_steps():
    step, specs, _ = train_step("adam")
    text = steps(step, *specs, batched=True)
    assert len(text) <= 11, "\n".join(text)
    gemms = [line for line in text if line.startswith("gemm")]
    assert len(gemms) == 5
    # The gradient of each matrix goes straight into its update; nothing else updates matrices.
    assert any("w1:=" in line for line in gemms)
    assert any("w2:=" in line for line in gemms)
    assert not any("w1:=" in line or "w2:=" in line for line in text if line not in gemms)
    # Softmax, loss, its gradient, the bias gradient and the accuracy are one step.
    (softmax,) = [line for line in text if "exp" in line]
    assert "argmax" in softmax
    assert softmax.count("total_sum") == 2
    assert "sum_of_columns" in softmax


def test_small_steps_stand_together():
    """Threads meet where large and small steps alternate."""
    step, specs, _ = train_step("adam", hidden=128, batch=32, features=784)
    text = steps(step, *specs, batched=True)
    large = [i for i, line in enumerate(text) if line.startswith("gemm") and "784" in line]
    assert large == [0, len(text) - 1], "\n".join(text)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_train_steps_follow_the_reference(optimizer):
    step, specs, variables = train_step(optimizer)
    trace = graph.trace(step, specs)
    executable = graph.compile(trace, batched=True)
    x = RNG.normal(size=(64, 24)).astype(np.float32)
    y = RNG.integers(0, 10, 64).astype(np.int32)
    index = RNG.permutation(64)
    expected = {v: v.numpy() for v in variables}
    for at in range(0, 64, 16):
        rows = index[at : at + 16]
        _, updates = graph.reference.run(trace, [x[rows], y[rows]], variables=expected)
        expected.update(updates)
    assert executable.run([x, y], index=index, steps=4) == 4
    for variable, value in expected.items():
        np.testing.assert_allclose(variable.numpy(), value, rtol=2e-4, atol=2e-5)


def test_matrices_and_their_slots_live_in_panels():
    step, specs, variables = train_step("adam")
    executable = graph.compile(graph.trace(step, specs), batched=True)
    x, y = np.zeros((16, 24), np.float32), np.zeros(16, np.int32)
    executable.run([x, y])
    for variable in variables:
        assert variable.layout == ("panel" if variable.ndim == 2 else "row"), variable


def test_dense_softmax_is_one_step():
    w, b = weights(20, 10), weights(10)
    for batch in (1, 7):
        spec = ((batch, 20), "float32")
        text = steps(lambda x: [ops.softmax(x @ w + b)], spec, batched=True)
        assert len(text) == 1, text
        assert text[0].startswith("gemm")


def test_a_wide_softmax_is_cut_off_its_product():
    w, b = weights(20, 100), weights(100)
    text = steps(lambda x: [ops.softmax(x @ w + b)], ((7, 20), "float32"))
    assert [line.split()[0] for line in text] == ["gemm", "tile"]


@pytest.mark.parametrize(
    ("m", "k", "n"), [(7, 40, 1), (1, 40, 1), (7, 1, 40), (7, 1, 1), (1, 1, 1)]
)
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_thin_products_are_elementwise(m, k, n, ta, tb):
    """One column or a depth of one: no register tile is computed for its sake."""
    a = RNG.normal(size=(k, m) if ta else (m, k)).astype(np.float32)
    b = RNG.normal(size=(n, k) if tb else (k, n)).astype(np.float32)

    def product(a, b):
        return [graph.apply("matmul", [a, b], ta=ta, tb=tb)]

    trace = graph.trace(product, [(a.shape, "float32"), (b.shape, "float32")])
    executable = graph.compile(trace, False)
    assert "gemm" not in executable.describe()
    (truth,), _ = graph.reference.run(trace, [a, b], np.float64)
    (found,) = executable([a, b])
    assert found.shape == (m, n)
    np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-6)


def test_one_output_trains_in_few_steps():
    """The last layer of a regression, forward and backward, is a step beside its update."""
    w, b = weights(64, 1, name="w"), weights(1, name="b")
    total = graph.Variable(0.0, name="total")

    def step(x, y):
        error = ops.add(ops.matmul(x, w), b) - y
        loss = ops.mean(ops.square(error))
        for v, g in zip((w, b), graph.gradients(loss, [w.value, b.value]), strict=True):
            v.assign(v - 0.01 * g)
        total.assign(total + loss)
        return []

    lines = steps(step, ((32, 64), "float32"), ((32, 1), "float32"), batched=True)
    assert not any("gemm" in line for line in lines)
    assert len(lines) <= 4, lines


def test_elementwise_chains_are_one_step():
    text = steps(lambda x: [ops.tanh(ops.exp(x) * 2 + x), ops.abs(x)], ((30, 50), "float32"))
    assert len(text) == 1


def test_layer_normalisation_is_one_step():
    def normalise(x):
        mean = ops.mean(x, axis=-1, keepdims=True)
        centred = x - mean
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)
        return [centred / ops.sqrt(variance + 1e-3)]

    assert len(steps(normalise, ((30, 50), "float32"))) == 1


def test_unused_and_equal_work_is_dropped():
    def function(x):
        ops.exp(x)  # nobody reads it
        return [ops.tanh(x) + ops.tanh(x) * 1.0 + 0.0]

    (text,) = steps(function, ((8,), "float32"))
    assert text == "tile [8] tanh add"


def test_constants_are_folded():
    def function(x):
        table = ops.reshape(graph.constant(np.arange(6.0)), (2, 3)) * 2 + 1
        return [x + ops.sum(table)]

    (text,) = steps(function, ((8,), "float32"))
    assert text == "tile [8] add"


def test_small_operands_are_computed_before_they_are_broadcast():
    text = steps(lambda x, s: [x * ops.exp(s)], ((64, 64), "float32"), ((), "float32"))
    assert text == ["tile [1] exp", "tile [4096] mul"]


@pytest.mark.parametrize("native", [True, False])
def test_swapping_variables(native):
    import plan_model

    a, b = weights(3, 4, name="a"), weights(3, 4, name="b")
    before = a.numpy(), b.numpy()

    def swap():
        old = a.value
        a.assign(b.value)
        b.assign(old)
        return []

    executable = graph.compile(graph.trace(swap, []), batched=False)
    if not native:
        executable.use(plan_model.Plan)
    executable.run([])
    np.testing.assert_array_equal(a.numpy(), before[1])
    np.testing.assert_array_equal(b.numpy(), before[0])


def test_a_reader_of_the_old_value_comes_before_the_update():
    w = weights(6, 6, name="w")
    old = w.numpy()

    def function(x):
        y = x @ w
        w.assign(w + ops.sum(y))
        return [ops.transpose(w.value), y @ ops.transpose(graph.constant(np.eye(6)))]

    trace = graph.trace(function, [((2, 6), "float32")])
    x = RNG.normal(size=(2, 6)).astype(np.float32)
    outputs = [np.empty((6, 6), np.float32), np.empty((2, 6), np.float32)]
    graph.compile(trace, batched=False).run([x], outputs=outputs)
    np.testing.assert_allclose(outputs[1], x @ old, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(w.numpy(), old + (x @ old).sum(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs[0], w.numpy().T)


def test_a_norm_penalty_on_a_panel_matrix():
    w = weights(40, 70, name="w")

    def function(x):
        loss = ops.sum(ops.square(x @ w)) + 0.1 * ops.sum(ops.square(w))
        (g,) = graph.gradients(loss, [w.value])
        w.assign(w - 0.01 * g)
        return [loss]

    trace = graph.trace(function, [((5, 40), "float32")])
    x = RNG.normal(size=(5, 40)).astype(np.float32)
    (wanted,), updates = graph.reference.run(trace, [x])
    loss = np.empty((), np.float32)
    graph.compile(trace, batched=False).run([x], outputs=[loss])
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
    np.testing.assert_allclose(w.numpy(), updates[w], rtol=1e-4, atol=1e-6)


# -- pieces ----------------------------------------------------------------------------------------


def test_values_that_live_at_once_do_not_overlap():
    rng = np.random.default_rng(1)
    for _ in range(50):
        lives = []
        for _ in range(int(rng.integers(1, 30))):
            first = int(rng.integers(0, 10))
            lives.append((int(rng.integers(1, 100)), first, first + int(rng.integers(0, 4))))
        offsets, total = place(lives)
        for i, (size, first, last) in enumerate(lives):
            assert offsets[i] % 16 == 0
            assert offsets[i] + size <= total
            for j in range(i):
                other, begin, end = lives[j]
                if begin <= last and first <= end:
                    assert offsets[i] >= offsets[j] + other or offsets[j] >= offsets[i] + size


def test_memory_is_reused():
    offsets, total = place([(100, 0, 1), (100, 1, 2), (100, 2, 3), (100, 3, 4)])
    assert total == 2 * 112
    assert offsets[0] == offsets[2]


def _addresses(view):
    array = np.full(view.shape, view.offset)
    for axis, stride in enumerate(view.strides):
        steps = np.arange(view.shape[axis]) * stride
        array = array + steps.reshape([-1 if a == axis else 1 for a in range(len(view.shape))])
    return array.reshape(-1)


def test_views_follow_numpy():
    root = View(None, (4, 6), strides_of((4, 6)))
    array = np.arange(24).reshape(4, 6)
    np.testing.assert_array_equal(_addresses(root.transpose((1, 0))), array.T.reshape(-1))
    part = root.slice((2, 3), (3, 1), (-2, 2))
    np.testing.assert_array_equal(_addresses(part), array[3::-2, 1::2].reshape(-1))
    assert root.transpose((1, 0)).reshape((24,)) is None
    split = root.transpose((1, 0)).reshape((2, 3, 4))
    np.testing.assert_array_equal(_addresses(split), array.T.reshape(-1))


def test_walks():
    assert coalesce((4, 1, 6), (6, 99, 1)) == ([24], [1])
    assert coalesce((4, 6), (0, 0)) == ([24], [0])
    dims, strides = [24], [1]
    assert split_at(dims, strides, 6) == 1
    assert (dims, strides) == ([4, 6], [6, 1])
    assert split_at([4, 6], [6, 1], 4) is None
    assert cuts_of([2, 3, 4]) == [4, 12]
    assert spread([4, 6], [1, 4], [2, 2, 3, 2]) == [2, 1, 8, 4]


def test_domains():
    def flat(n):
        return Domain(n, None, frozenset(), False, 0)

    rows = Domain(40, 10, frozenset(), False, 0)
    assert join(flat(40), flat(41)) is None
    assert join(flat(40), rows) == rows
    assert join(flat(4), rows) == rows  # as row values
    assert join(flat(5), rows) is None
    assert join(rows, Domain(40, 8, frozenset(), False, 0)) is None
    assert make_domain(40, 10, [5], False, 0) is None  # inside the columns
    assert make_domain(40, None, [6], False, 0) is None
    assert make_domain(24, 6, [12], False, 4) is None  # would tear the rows of a batch apart
    assert widen(flat(4), 10) == rows
    batch = make_domain(40, None, [], False, 4)
    assert batch is not None
    assert batch.outer_and_cols() == ((4,), 10)
    lone = make_domain(10, None, [], False, 1)
    assert lone is not None
    assert lone.outer_and_cols() == ((1,), 10)
    cut = make_domain(24, None, [2, 6], False, 0)
    assert cut is not None
    assert cut.outer_and_cols() == ((4, 3), 2)
