"""Every primitive's gradient against central differences in double precision."""

import numpy as np
import pytest

from hotloop import graph
from hotloop.graph import apply, gradients, reference, trace
from hotloop.graph.primitives import blocks, custom, matrices  # noqa: F401  (fill the table)
from hotloop.graph.primitives.registry import PRIMITIVES

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.standard_normal(shape)


def definite(batch, n):
    b = normal(batch, n, n)
    return b @ np.swapaxes(b, 1, 2) + 0.5 * np.eye(n)


def ints(values):
    return np.array(values, np.int32)


def positive(*shape):
    return RNG.uniform(0.3, 2.0, shape)


def spread(*shape):
    """Values with no two close together, and none near 0."""
    size = int(np.prod(shape))
    return RNG.permutation(np.linspace(-2.0, 2.1, size)).reshape(shape)


S = (3, 4)
CASES = {
    "neg": ([normal(*S)], {}),
    "abs": ([spread(*S)], {}),
    "sqrt": ([positive(*S)], {}),
    "exp": ([normal(*S)], {}),
    "expm1": ([normal(*S)], {}),
    "log": ([positive(*S)], {}),
    "log1p": ([positive(*S)], {}),
    "tanh": ([normal(*S)], {}),
    "sigmoid": ([normal(*S)], {}),
    "erf": ([normal(*S)], {}),
    "sin": ([normal(*S)], {}),
    "cos": ([normal(*S)], {}),
    "add": ([normal(*S), normal(*S)], {}),
    "sub": ([normal(*S), normal(*S)], {}),
    "mul": ([normal(*S), normal(*S)], {}),
    "div": ([normal(*S), positive(*S)], {}),
    "max": ([spread(*S), spread(*S) + 0.01], {}),
    "min": ([spread(*S), spread(*S) + 0.01], {}),
    "pow": ([positive(*S), normal(*S)], {}),
    "mod": ([np.full(S, 2.3) + 0.01 * normal(*S), np.full(S, 0.9)], {}),
    "select": ([normal(*S) > 0, normal(*S), normal(*S)], {}),
    "cast": ([normal(*S)], {"dtype": "float32"}),
    "reshape": ([normal(*S)], {"shape": (2, 6)}),
    "transpose": ([normal(2, 3, 4)], {"perm": (2, 0, 1)}),
    "broadcast_to": ([normal(3, 1, 2)], {"shape": (3, 5, 2)}),
    "slice": ([normal(5, 7)], {"start": (1, 6), "stop": (4, 0), "step": (1, -2)}),
    "pad": ([normal(*S)], {"low": (1, 0), "high": (0, 2)}),
    "concat": ([normal(3, 2), normal(3, 1), normal(3, 4)], {"axis": 1}),
    "sum": ([normal(2, 3, 4)], {"axes": (0, 2)}),
    "prod": ([normal(*S)], {"axes": (1,)}),
    "amax": ([spread(*S)], {"axes": (1,)}),
    "amin": ([spread(*S)], {"axes": (0, 1)}),
    "matmul": ([normal(3, 4), normal(4, 2)], {}),
    "batch_matmul": ([normal(2, 3, 4), normal(2, 4, 2)], {}),
    "gather": ([normal(2, 3, 4), ints([[2, 0, 2, 3, -1]])], {"fill": 0}),
    "scatter": ([ints([[1, 0, 1], [5, 2, 2]]), normal(2, 3, 4)], {"rows": 3, "combine": "sum"}),
    "triangular": ([normal(2, 3, 3) + 3 * np.eye(3), normal(2, 3, 4)], {"lower": 1, "trans": 0}),
    "cholesky": ([definite(2, 4)], {}),
    "lu": ([normal(2, 4, 4)], {}),
    "qr": ([normal(2, 5, 3)], {"complete": False}),
    "eigh": ([definite(2, 4)], {}),
    "svd": ([normal(2, 4, 3)], {}),
    "cumsum": ([normal(2, 3, 4)], {"axis": 1}),
    "cumprod": ([normal(2, 5, 2)], {"axis": 1}),
}
NO_GRADIENT = {
    "sign", "floor", "ceil", "round", "isnan", "not", "eq", "ne", "lt", "le", "and", "or", "xor",
    "stop_gradient", "argmax", "argmin", "iota", "random_uniform", "argsort", "searchsorted",
}  # fmt: skip


def specs(arrays):
    kinds = {"b": "bool", "i": "int32", "f": "float32"}
    return [(a.shape, kinds[a.dtype.kind]) for a in arrays]


def check(primitive, arrays, attrs, tolerance=1e-7):
    """Compares the gradients of sum(primitive(…) · weights) with central differences."""
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]

    def forward(*inputs):
        return [apply(primitive, inputs, **attrs)]

    plain = trace(forward, specs(arrays))
    weights = np.cos(np.arange(np.prod(plain.outputs[0].shape))).reshape(plain.outputs[0].shape)

    def backward(*inputs):
        *inputs, w = inputs
        loss = apply("mul", [apply(primitive, inputs, **attrs), w])
        return gradients(loss, [inputs[i] for i in floats])

    found, _ = reference.run(trace(backward, specs([*arrays, weights])), [*arrays, weights])
    for slot, i in enumerate(floats):
        expected = np.zeros(arrays[i].shape)
        for place in np.ndindex(*arrays[i].shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in arrays]
                moved[i][place] += step
                (value,), _ = reference.run(plain, moved)
                sides.append((value * weights).sum())
            expected[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(found[slot], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("primitive", CASES)
def test_gradient_agrees_with_central_differences(primitive):
    check(primitive, *CASES[primitive])


@pytest.mark.parametrize(("ta", "tb"), [(False, True), (True, False), (True, True)])
def test_matmul_gradients_of_transposed_operands(ta, tb):
    a, b = normal(3, 4), normal(4, 2)
    check("matmul", [a.T.copy() if ta else a, b.T.copy() if tb else b], {"ta": ta, "tb": tb})


@pytest.mark.parametrize(("ta", "tb"), [(False, True), (True, False), (True, True)])
def test_batch_matmul_gradients_of_transposed_operands(ta, tb):
    a, b = normal(2, 3, 4), normal(2, 4, 2)
    turned = [np.swapaxes(x, 1, 2).copy() if t else x for x, t in ((a, ta), (b, tb))]
    check("batch_matmul", turned, {"ta": ta, "tb": tb})


@pytest.mark.parametrize(("lower", "trans"), [(0, 0), (0, 1), (1, 1)])
def test_triangular_gradients(lower, trans):
    t, b = normal(2, 3, 3) + 3 * np.eye(3), normal(2, 3, 2)
    check("triangular", [t, b], {"lower": lower, "trans": trans})


@pytest.mark.parametrize("shape", [(2, 3, 3), (1, 2, 4), (2, 4, 2), (1, 1, 1)])
def test_svd_gradients(shape):
    check("svd", [normal(*shape)], {}, 1e-6)


def test_qr_gradients():
    check("qr", [normal(2, 3, 3)], {"complete": True}, 1e-6)
    with graph.Scope(symbolic=False):
        x = graph.constant(normal(1, 2, 3))
        with pytest.raises(NotImplementedError, match="2 by 3"):
            gradients(apply("qr", [x], complete=False), [x])


@pytest.mark.parametrize("combine", ["sum", "max", "min", "prod"])
@pytest.mark.parametrize("indices", [[[1, 0, 1, 1]], [[2, 0, 1, -1], [1, 0, 2, 0]]])
def test_scatter_gradients(combine, indices):
    rows = max(indices[-1]) + 1  # none is left without an update
    check("scatter", [ints(indices), spread(2, 4, 3)], {"rows": rows, "combine": combine}, 1e-6)


def test_scatter_prod_gradient_with_zeros():
    for column in ([1.0, 0.0, 3.0], [0.0, 0.0, 3.0]):
        updates = np.array(column).reshape(1, 3, 1)
        check("scatter", [ints([[0, 0, 0]]), updates], {"rows": 2, "combine": "prod"}, 1e-6)


@pytest.mark.parametrize("primitive", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [0, 2])
def test_scan_gradients(primitive, axis):
    for reverse in (False, True):
        check(primitive, [normal(3, 2, 4)], {"axis": axis, "reverse": reverse}, 1e-6)


def test_cumprod_gradient_with_zeros():
    for row in ([1.0, 0.0, 3.0, 2.0], [0.0, 2.0, 0.0, 3.0], [2.0, 4.0, 3.0, 0.0]):
        for reverse in (False, True):
            check("cumprod", [np.array([row])], {"axis": 1, "reverse": reverse}, 1e-6)


@pytest.mark.parametrize(
    "attrs",
    [
        {"start": (0, 0), "stop": (5, 7), "step": (1, 1)},
        {"start": (4, 6), "stop": (-1, -1), "step": (-1, -3)},
        {"start": (0, 1), "stop": (5, 6), "step": (3, 2)},
        {"start": (2, 3), "stop": (3, 4), "step": (1, -5 + 6)},
    ],
)
def test_slice_gradients(attrs):
    check("slice", [normal(5, 7)], attrs)


def test_prod_gradient_with_zeros():
    for row in ([1.0, 0.0, 3.0], [0.0, 0.0, 3.0], [2.0, 4.0, 3.0]):
        check("prod", [np.array([row])], {"axes": (1,)}, 1e-6)


def test_every_primitive_is_accounted_for():
    # Has whatever gradient it is given: tests/unit/ops/test_differentiation.py.
    own = {"custom_gradient"}
    assert set(PRIMITIVES) == set(CASES) | NO_GRADIENT | own


@pytest.mark.parametrize("primitive", sorted(NO_GRADIENT))
def test_no_gradient_rule(primitive):
    assert PRIMITIVES[primitive].gradient is None


def test_ties_are_shared():
    with graph.Scope(symbolic=False):
        x = graph.constant([[1.0, 2.0, 2.0]])
        y = graph.constant([[1.0, 5.0, 0.0]])
        gx, gy = gradients(apply("max", [x, y]), [x, y])
        assert gx.tolist() == [[0.5, 0.0, 1.0]]
        assert gy.tolist() == [[0.5, 1.0, 0.0]]
        (gx,) = gradients(apply("amax", [x], axes=(1,)), [x])
        assert gx.tolist() == [[0.0, 0.5, 0.5]]


def test_zero_for_what_is_not_connected():
    with graph.Scope(symbolic=False):
        x, y = graph.constant([1.0, 2.0]), graph.constant([[3.0]])
        blocked = apply("stop_gradient", [x])
        loss = apply("mul", [x, blocked])
        gx, gy, gb = gradients(loss, [x, y, blocked])
        assert gx.tolist() == [1.0, 2.0]
        assert gy.tolist() == [[0.0]]
        assert gb.tolist() == [1.0, 2.0]


def test_gradient_of_the_loss_itself_and_of_inner_tensors():
    with graph.Scope(symbolic=False):
        x = graph.constant([3.0])
        square = apply("mul", [x, x])
        loss = apply("mul", [square, square])
        g_loss, g_square, g_x = gradients(loss, [loss, square, x])
        assert (g_loss.tolist(), g_square.tolist(), g_x.tolist()) == ([1.0], [18.0], [108.0])


def test_integers_have_no_gradients():
    x = graph.constant([1, 2])
    with pytest.raises(TypeError, match="float32"):
        gradients(x, [x])


def test_deep_chains_do_not_recurse():
    with graph.Scope(symbolic=True), pytest.raises(graph.TracingError):
        float(graph.Variable([1.0]).value)
    with graph.Scope(symbolic=False):
        x = graph.constant([1.0])
        y = x
        for _ in range(3000):
            y = apply("neg", [y])
        assert gradients(y, [x])[0].tolist() == [1.0]
