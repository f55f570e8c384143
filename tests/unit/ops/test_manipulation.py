import numpy as np
import pytest

from hotloop import ops

T = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

# function, arguments after the tensor; NumPy's function of the same name says what is right
SAME_AS_NUMPY = [
    ("reshape", (4, -1)), ("reshape", (-1,)), ("reshape", ((2, 12),)), ("ravel",),
    ("transpose",), ("transpose", (2, 0, 1)), ("transpose", (-1, 0, 1)), ("swapaxes", 0, -1),
    ("moveaxis", 0, -1), ("moveaxis", (0, 1), (-1, 0)), ("expand_dims", 1), ("expand_dims", -1),
    ("expand_dims", (0, 2)), ("flip",), ("flip", 1), ("flip", (0, -1)), ("roll", 1, 1),
    ("roll", -5), ("roll", 3, 1), ("tile", 2), ("tile", (2, 1, 3)), ("tile", (2, 1, 1, 2)),
    ("repeat", 2), ("repeat", 3, 1), ("broadcast_to", (5, 2, 3, 4)), ("pad", 1),
    ("pad", ((1, 0), (0, 2), (1, 1))), ("pad", (1, 2)),
    ("diff",), ("diff", 2, 1),
]  # fmt: skip


@pytest.mark.parametrize("case", SAME_AS_NUMPY, ids=str)
def test_same_as_numpy(case):
    name, *args = case
    if name == "reshape" and isinstance(args[0], int):
        args = [tuple(args)]
    args = [args[0][0]] if name == "reshape" and isinstance(args[0][0], tuple) else args
    expected = getattr(np, name)(T, *args)
    np.testing.assert_array_equal(getattr(ops, name)(T, *args).numpy(), expected)


def test_squeeze():
    x = T.reshape(2, 1, 12, 1)
    assert ops.squeeze(x).shape == (2, 12)
    assert ops.squeeze(x, 1).shape == (2, 12, 1)
    assert ops.squeeze(x, (1, -1)).shape == (2, 12)
    with pytest.raises(ValueError, match="not 1"):
        ops.squeeze(x, 0)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concatenate(axis):
    np.testing.assert_array_equal(
        ops.concatenate([T, T + 1], axis).numpy(), np.concatenate([T, T + 1], axis)
    )


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stack_and_unstack(axis):
    stacked = ops.stack([T, T + 1, T + 2], axis)
    np.testing.assert_array_equal(stacked.numpy(), np.stack([T, T + 1, T + 2], axis))
    for i, part in enumerate(ops.unstack(stacked, axis=axis)):
        np.testing.assert_array_equal(part.numpy(), T + i)


def test_hstack_and_vstack():
    for arrays in ([T[0, 0], T[0, 1]], [T[0], T[1]]):
        np.testing.assert_array_equal(ops.hstack(arrays).numpy(), np.hstack(arrays))
        np.testing.assert_array_equal(ops.vstack(arrays).numpy(), np.vstack(arrays))


@pytest.mark.parametrize(
    ("how", "axis"), [(2, 2), (3, 1), ([1, 3], 2), ([0, 2], 1), ([], 0), ([5], 1), ([2, 1], 2)]
)
def test_split(how, axis):
    parts = ops.split(T, how, axis)
    expected = np.split(T, how, axis)
    assert len(parts) == len(expected)
    for part, array in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.numpy(), array)


def test_pad_with_a_value():
    np.testing.assert_array_equal(
        ops.pad(T, 1, constant_values=7).numpy(), np.pad(T, 1, constant_values=7)
    )


def test_pad_with_mirrors():
    for mode in ("reflect", "symmetric"):
        widths = ((1, 0), (2, 3), (0, 1))
        np.testing.assert_array_equal(ops.pad(T, widths, mode=mode), np.pad(T, widths, mode=mode))
    for arguments, message in (
        ({"mode": "wrap"}, "mode must be"),
        ({"mode": "reflect", "constant_values": 1}, "constant_values belong"),
        ({"pad_width": ((1, 1), (1, 1))}, "pair for each axis"),
    ):
        with pytest.raises(ValueError, match=message):
            ops.pad(T, **{"pad_width": 1, **arguments})
    with pytest.raises(ValueError, match="nothing to mirror"):
        ops.pad(np.zeros((0, 2)), 1, mode="reflect")


def test_repeat_with_counts():
    for axis, counts in ((None, np.arange(T.size)), (1, [2, 0, 1])):
        np.testing.assert_array_equal(ops.repeat(T, counts, axis), np.repeat(T, counts, axis))
    with pytest.raises(ValueError, match="2 counts for axis 1"):
        ops.repeat(T, [1, 2], axis=1)
    with pytest.raises(ValueError, match="negative"):
        ops.repeat(T, -1)
    with pytest.raises(TypeError, match="repeats must be"):
        ops.repeat(T, 1.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.reshape(T, (5, -1)),
        lambda: ops.reshape(T, (-1, -1)),
        lambda: ops.reshape(T, (2, 2)),
        lambda: ops.transpose(T, (0, 1)),
        lambda: ops.transpose(T, (0, 1, 1)),
        lambda: ops.moveaxis(T, (0, 1), 2),
        lambda: ops.split(T, 5, 0),
        lambda: ops.split(T, 0, 0),
        lambda: ops.stack([T, T[0]]),
        lambda: ops.concatenate([T, T[0]]),
        lambda: ops.concatenate([]),
        lambda: ops.broadcast_to(T, (3, 4)),
        lambda: ops.broadcast_to(T, (2, 3, 5)),
        lambda: ops.expand_dims(T, 5),
        lambda: ops.slice(T, (0, 0, 0), (3, 1, 1)),
        lambda: ops.take_along_axis(T, [0], 0),
    ],
)
def test_arguments_that_do_not_fit(call):
    with pytest.raises(ValueError):
        call()


def test_slice():
    np.testing.assert_array_equal(ops.slice(T, (0, 1, 2), (1, 2, 2)).numpy(), T[0:1, 1:3, 2:4])


def test_take():
    for indices, axis in [([0, 2], 1), ([[1, -1], [0, 3]], 2), (1, 0), ([5, -1], None)]:
        np.testing.assert_array_equal(ops.take(T, indices, axis).numpy(), np.take(T, indices, axis))
    with pytest.raises(TypeError, match="integers"):
        ops.take(T, [0.5], 0)


def test_take_survives_infinities():
    x = np.array([1.0, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(ops.take(x, [0, 1, 2]).numpy(), x)


def test_take_along_axis():
    indices = np.argsort(-np.cos(T), axis=1)
    np.testing.assert_array_equal(
        ops.take_along_axis(T, indices, 1).numpy(), np.take_along_axis(T, indices, 1)
    )
    np.testing.assert_array_equal(ops.take_along_axis(T, [3, -1]).numpy(), [3.0, 23.0])


def test_creation():
    for found, expected in [
        (ops.arange(5), np.arange(5)), (ops.arange(1, 5), np.arange(1, 5)),
        (ops.arange(5, 0, -2), np.arange(5, 0, -2)),
        (ops.arange(0.0, 1.0, 0.25), [0, 0.25, 0.5, 0.75]),
        (ops.linspace(0, 1, 5), np.linspace(0, 1, 5)), (ops.eye(2, 3, 1), np.eye(2, 3, 1)),
        (ops.tri(3, 4, -1), np.tri(3, 4, -1)), (ops.identity(2), np.eye(2)),
        (ops.full((2, 2), [1, 2]), [[1, 2], [1, 2]]), (ops.ones(3), np.ones(3)),
        (ops.full_like(T, 2), np.full_like(T, 2)), (ops.zeros((0, 2)), np.zeros((0, 2))),
        (ops.linspace(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, endpoint=False)),
    ]:  # fmt: skip
        np.testing.assert_array_equal(found.numpy(), expected)
    with pytest.raises(ValueError, match="step"):
        ops.arange(0, 1, 0)
    with pytest.raises(ValueError, match="negative"):
        ops.zeros((2, -1))
    with pytest.raises(TypeError, match="integers"):
        ops.zeros((2.5,))


def test_one_hot():
    labels = np.array([[0, 2], [1, 5]])
    expected = np.zeros((2, 2, 3))
    expected[0, 0, 0] = expected[0, 1, 2] = expected[1, 0, 1] = 1
    np.testing.assert_array_equal(ops.one_hot(labels, 3).numpy(), expected)
    np.testing.assert_array_equal(
        ops.one_hot(labels, 3, axis=0).numpy(), expected.transpose(2, 0, 1)
    )
    with pytest.raises(ValueError, match="axis"):
        ops.one_hot(labels, 3, axis=3)


def test_meshgrid():
    a, b = np.arange(2), np.arange(3)
    for indexing in ("xy", "ij"):
        for ours, theirs in zip(
            ops.meshgrid(a, b, indexing=indexing), np.meshgrid(a, b, indexing=indexing), strict=True
        ):
            np.testing.assert_array_equal(ours.numpy(), theirs)


M, N, V = T[0], T[1].T.copy(), T[0, 0]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("matmul", (M, N)), ("matmul", (M, V)), ("matmul", (V, N)), ("matmul", (V, V)),
        ("matmul", (T, N)), ("matmul", (T, V)), ("dot", (T, N)), ("dot", (V, V)), ("dot", (M, 2.0)),
        ("tensordot", (T, N, 1)), ("tensordot", (T, T, 3)), ("tensordot", (M, M, 0)),
        ("tensordot", (T, T, ((1, 2), (1, 2)))), ("tensordot", (T, M, ((2, 1), (1, 0)))),
        ("outer", (V, M)), ("vdot", (M, M)),
        ("inner", (M, M)), ("inner", (T, V)), ("inner", (M, 2.0)),
    ],
)  # fmt: skip
def test_products(name, args):
    found = getattr(ops, name)(*args).numpy()
    np.testing.assert_allclose(found, getattr(np, name)(*args), rtol=1e-6)


def test_products_that_do_not_exist():
    with pytest.raises(ValueError, match="must be equal"):
        ops.matmul(M, M)
    with pytest.raises(ValueError, match="at least one axis"):
        ops.matmul(M, 2.0)
    with pytest.raises(ValueError, match="must be equal"):
        ops.tensordot(M, M, 1)
    with pytest.raises(ValueError, match="fit"):
        ops.tensordot(M, M, 3)
