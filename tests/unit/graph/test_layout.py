"""Which intermediate matrices live in panels, and that results do not depend on it."""

from __future__ import annotations

import numpy as np
import plan_model
import pytest

from hotloop import graph, ops
from hotloop.graph import reference
from hotloop.graph.layout import spread_intermediates


def network(width, between, batch=7):
    """A step of 20 -> width -> width -> 3, with `between` after the hidden layers."""
    rng = np.random.default_rng(width)
    shapes = [(20, width), (width, width), (width, 3)]
    weights = [graph.Variable(rng.normal(0, 0.3, s).astype(np.float32), name="w") for s in shapes]

    def step(x):
        h = ops.relu(ops.matmul(x, weights[0]))
        h = between(ops.relu(ops.matmul(h, weights[1])))
        y = ops.matmul(h, weights[2])
        loss = ops.sum(ops.square(y))
        gradients = graph.gradients(loss, [w.value for w in weights])
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign(weight.value - 1e-3 * gradient)
        return [y]

    trace = graph.trace(step, [((batch, 20), "float32")])
    return trace, rng.normal(size=(batch, 20)).astype(np.float32), weights


def panels_of(executable):
    """How many arena slots are matrices in panels."""
    calls = executable._recipe.calls
    slots = [name for name, _ in calls if name.startswith("add_") and name not in STEPS]
    seen = set()
    for name, args in calls:
        if name == "add_gemm":
            left, right, target = args[3:6]
            seen |= {m[0] for m in (left, right, target) if m is not None and m[-1]}
    return sum(slots[slot] == "add_arena" for slot in seen)


STEPS = ("add_gemm", "add_tile", "add_block")


@pytest.mark.parametrize(
    ("width", "between", "count"),
    [
        (64, lambda h: h, 4),  # two activations, two gradients
        (96, lambda h: ops.concatenate([h[:1], h], axis=0)[1:], None),
        (64, lambda h: ops.softmax(h), None),
        (64, lambda h: h[:, ::-1], None),
        (64, lambda h: ops.cumsum(h, axis=1), None),
        (64, lambda h: h - ops.mean(h, axis=0, keepdims=True), None),
        (40, lambda h: h, 0),  # not whole panels
        (32, lambda h: h, 0),  # one panel is row-major as well
    ],
)
@pytest.mark.parametrize("batch", [1, 7, 33])
def test_results_do_not_depend_on_the_layout(width, between, count, batch):
    trace, x, weights = network(width, between, batch)
    want, updates = reference.run(trace, [x], dtype=np.float64)
    before = [w.numpy() for w in weights]
    for model in (False, True):
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
        executable = graph.compile(trace, batched=True)
        if model:
            executable.use(plan_model.Plan)
        got = [np.zeros((batch, 3), np.float32)]
        executable.run([x], outputs=got)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-4, atol=1e-4)
        for weight in weights:
            np.testing.assert_allclose(weight.numpy(), updates[weight], rtol=1e-4, atol=1e-5)
    if count is not None:
        assert panels_of(executable) == (0 if batch == 1 else count)


def gemm(left, right, target):
    return ("add_gemm", (4, 64, 64, left, right, target, None))


@pytest.mark.parametrize(
    ("other", "panel"),
    [
        (("add_tile", ((4,), 64, "F", [(0, 0, (64,), 1, False)], [], [])), True),
        (("add_tile", ((256,), 1, "F", [(0, 0, (1,), 0, False)], [], [])), False),
        (("add_tile", ((4,), 64, "F", [(0, 0, (-64,), 1, False)], [], [])), False),
        (("add_tile", ((2, 2), 64, "F", [(0, 0, (128, 64), 1, False)], [], [])), False),
        (("add_tile", ((4,), 32, "F", [(0, 32, (64,), 1, False)], [], [])), False),
        (("add_tile", ((4,), 64, "F", [], [], [("sum_f", 0, 0, 0)])), False),
        (
            (
                "add_tile",
                (
                    (4,),
                    64,
                    "FR",
                    [(0, 0, (64,), 1, False)],
                    [("load", 0, 0, 0, 0, 0), ("row_sum_f", 1, 0, 0, 0, 0)],
                    [],
                ),
            ),
            False,
        ),
        (("add_block", ("argsort", (3, 0), [(0, 0, False)], ())), False),
        (gemm((1, 0, 64, False, False), (2, 0, 64, False, False), (0, 0, 64, False)), True),
        (gemm((0, 0, 64, False, False), (2, 0, 64, False, False), (3, 0, 64, False)), True),
        (gemm((0, 4, 64, False, False), (2, 0, 64, False, False), (3, 0, 64, False)), False),
        (
            (
                "add_gemm",
                (2, 64, 64, (0, 0, 64, False, False), (2, 0, 64, False, False), None, None),
            ),
            False,
        ),
    ],
)
def test_one_step_that_sees_it_otherwise_keeps_a_matrix_row_major(other, panel):
    slots = [("add_arena", (256, 0)), ("add_bound", (256,)), ("add_bound", (4096,))]
    slots += [("add_bound", (256,))]
    first = gemm((1, 0, 64, False, False), (2, 0, 64, False, False), (0, 0, 64, False))
    rewritten = spread_intermediates([*slots, first, other])
    assert rewritten[4][1][5] == ((0, 0, 4, True) if panel else (0, 0, 64, False))
    if not panel:
        assert rewritten == [*slots, first, other]
