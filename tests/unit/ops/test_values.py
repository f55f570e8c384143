"""Functions of hotloop.ops against NumPy in double precision."""

import math

import numpy as np
import pytest

from hotloop import ops

F = np.array([[-2.5, -1.0, -0.3, 0.0], [0.2, 0.7, 1.0, 3.0]], np.float32)
P = np.abs(F) + 0.1
I = np.array([[-3, -1, 0, 2], [1, 2, 5, 4]], np.int32)  # noqa: E741
B = np.array([[True, False, True, False], [True, True, False, False]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ERF = np.vectorize(math.erf)

UNARY = {
    "absolute": np.abs, "abs": np.abs, "sign": np.sign, "square": np.square, "exp": np.exp,
    "exp2": np.exp2, "expm1": np.expm1, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh, "floor": np.floor, "ceil": np.ceil,
    "round": np.rint, "trunc": np.trunc, "negative": np.negative, "isnan": np.isnan,
    "isinf": np.isinf, "isfinite": np.isfinite, "logical_not": np.logical_not, "erf": ERF,
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x), "sigmoid": sigmoid,
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_tanh": lambda x: np.clip(x, -1, 1), "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)), "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * sigmoid(x), "swish": lambda x: x * sigmoid(x),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "softmax": softmax, "log_softmax": lambda x: np.log(softmax(x)),
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
    "normalize": lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True)),
    "glu": lambda x: x[:, :2] * sigmoid(x[:, 2:]), "norm": lambda x: np.sqrt((x * x).sum()),
    "sum": np.sum, "mean": np.mean, "var": np.var, "std": np.std, "max": np.max, "min": np.min,
    "prod": np.prod, "any": np.any, "all": np.all, "argmax": np.argmax, "argmin": np.argmin,
    "count_nonzero": np.count_nonzero, "average": np.average, "ravel": np.ravel,
    "transpose": np.transpose, "flip": np.flip, "zeros_like": np.zeros_like,
    "ones_like": np.ones_like, "tril": np.tril, "triu": np.triu, "nan_to_num": np.nan_to_num,
    "amax": np.max, "amin": np.min, "isposinf": np.isposinf, "isneginf": np.isneginf,
    "erfc": lambda x: 1 - ERF(x), "deg2rad": np.deg2rad, "rad2deg": np.rad2deg,
    "fliplr": np.fliplr, "flipud": np.flipud, "diff": np.diff, "empty_like": np.zeros_like,
    "positive": np.positive, "copy": np.copy, "stop_gradient": np.copy,
}  # fmt: skip
ON_POSITIVE = {
    "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x,
    "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
}  # fmt: skip


def close(found, expected, tolerance=2e-6):
    found = np.asarray(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", UNARY)
def test_of_one_tensor(name):
    close(getattr(ops, name)(F), UNARY[name](F.astype(np.float64)))


@pytest.mark.parametrize("name", ON_POSITIVE)
def test_of_one_positive_tensor(name):
    close(getattr(ops, name)(P), ON_POSITIVE[name](P.astype(np.float64)))


BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "true_divide": np.divide, "floor_divide": np.floor_divide, "mod": np.mod, "maximum": np.maximum,
    "minimum": np.minimum, "logaddexp": np.logaddexp, "equal": np.equal, "not_equal": np.not_equal,
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "isclose": np.isclose,
    "greater_equal": np.greater_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "logical_xor": np.logical_xor, "power": np.power, "hypot": np.hypot,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_of_two_tensors_that_broadcast(name):
    for x, y in ((P, P[::-1]), (P, P[:, :1] * 1.31), (P[0], P[1:2].T * 1.01), (P, 1.31), (2.03, P)):
        expected = BINARY[name](np.asarray(x, np.float64), np.asarray(y, np.float64))
        close(getattr(ops, name)(x, y), expected, 5e-6)


@pytest.mark.parametrize("name", ["add", "equal", "where", "logical_and"])
def test_shapes_that_do_not_broadcast(name):
    args = (B, F, F[:, :3]) if name == "where" else (F, F[:, :3])
    with pytest.raises(ValueError, match=r"\(2, 4\) and \(2, 3\) cannot be broadcast"):
        getattr(ops, name)(*args)


REDUCTIONS = ("sum", "mean", "var", "std", "max", "min", "prod", "any", "all")


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (-1, 0), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(name, axis, keepdims):
    x = np.cos(np.arange(24)).reshape(2, 3, 4)
    close(
        getattr(ops, name)(x, axis=axis, keepdims=keepdims),
        getattr(np, name)(x, axis=axis, keepdims=keepdims),
    )


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_positions_of_extrema(name, axis):
    x = np.array([[1, 3, 3], [0, 3, 0]])
    for keepdims in (False, True):
        found = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
        assert found.dtype == "int32"
        close(found, getattr(np, name)(x, axis=axis, keepdims=keepdims))


def test_reductions_over_nothing():
    empty = np.zeros((0, 3))
    assert ops.sum(empty, 0).tolist() == [0, 0, 0]
    assert ops.prod(empty, 0).tolist() == [1, 1, 1]
    assert ops.any(empty).item() is False
    assert ops.all(empty).item() is True
    assert ops.max(empty, 0, initial=-1.0).tolist() == [-1, -1, -1]
    with pytest.raises(ValueError, match="empty"):
        ops.max(empty, 0)
    assert np.isnan(ops.mean(empty).item())


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, -2)])
def test_bad_axes(axis):
    with pytest.raises(ValueError, match="axis"):
        ops.sum(F, axis=axis)
    with pytest.raises(TypeError, match="axis"):
        ops.sum(F, axis=1.0)


DTYPES = [
    ("add", (I, I), "int32"), ("add", (I, F), "float32"), ("add", (I, 1), "int32"),
    ("add", (I, 1.0), "float32"), ("add", (B, B), "bool"), ("add", (B, 1), "int32"),
    ("multiply", (B, B), "bool"), ("divide", (I, I), "float32"), ("floor_divide", (I, 2), "int32"),
    ("floor_divide", (I, 2.0), "float32"), ("mod", (I, 2), "int32"), ("mod", (B, 2), "int32"),
    ("power", (I, 2), "int32"), ("power", (I, 2.0), "float32"), ("maximum", (B, B), "bool"),
    ("maximum", (I, 0.0), "float32"), ("square", (B,), "int32"), ("sqrt", (I,), "float32"),
    ("exp", (I,), "float32"), ("abs", (I,), "int32"), ("abs", (B,), "bool"),
    ("sign", (I,), "int32"), ("floor", (I,), "float32"), ("round", (I,), "int32"),
    ("sum", (B,), "int32"), ("sum", (I,), "int32"), ("mean", (I,), "float32"),
    ("mean", (B,), "float32"), ("max", (B,), "bool"), ("prod", (B,), "int32"),
    ("var", (I,), "float32"), ("argmax", (F,), "int32"), ("count_nonzero", (F,), "int32"),
    ("any", (I,), "bool"), ("clip", (I, 0, 2), "int32"), ("clip", (I, 0.0, 2), "float32"),
    ("clip", (B, 0, 1), "int32"), ("where", (B, I, F), "float32"), ("where", (B, 1, 0), "int32"),
    ("where", (I, B, B), "bool"), ("equal", (I, F), "bool"), ("matmul", (I, I.T), "int32"),
    ("matmul", (I, F.T), "float32"), ("matmul", (B, B.T), "bool"),
    ("concatenate", ([I, F],), "float32"),
    ("stack", ([I, B],), "int32"), ("arange", (3,), "int32"), ("arange", (3.0,), "float32"),
    ("linspace", (0, 1, 3), "float32"), ("zeros", (2,), "float32"), ("full", (2, 1), "float32"),
    ("zeros_like", (I,), "int32"), ("eye", (2,), "float32"), ("one_hot", (I, 3), "float32"),
    ("relu", (I,), "int32"), ("sigmoid", (I,), "float32"), ("softmax", (I,), "float32"),
    ("cast", (F, "int64"), "int32"), ("cast", (F, bool), "bool"),
    ("take", (B, I[0] % 2, 0), "bool"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "dtype"), DTYPES)
def test_dtypes(name, args, dtype):
    result = getattr(ops, name)(*args)
    assert result.dtype == dtype
    assert result.numpy().dtype == dtype


def test_integers_are_exact():
    big = np.array([[2**24 + 1, 3]], np.int32)
    assert ops.matmul(big, np.array([[1], [0]], np.int32)).item() == 2**24 + 1
    assert ops.sum(big).item() == 2**24 + 4
    assert ops.power(np.int32(3), 10).item() == 3**10
    assert ops.take(big, [0], axis=1).item() == 2**24 + 1


def test_powers():
    close(ops.power(F, 2), F.astype(float) ** 2)
    close(ops.power(F, 3.0), F.astype(float) ** 3, 1e-5)
    close(ops.power(P, -2), P.astype(float) ** -2, 1e-5)
    close(ops.power(P, 0.5), np.sqrt(P.astype(float)))
    close(ops.power(P, 2.7), P.astype(float) ** 2.7, 1e-5)
    assert ops.power(F, 0).tolist() == np.ones_like(F).tolist()
    with pytest.raises(NotImplementedError, match="cast"):
        ops.power(I, -1)
    with pytest.raises(NotImplementedError, match="cast"):
        ops.power(I, I)


def test_edges_of_floats():
    x = np.array([np.nan, np.inf, -np.inf, 100.0, -200.0], np.float32)
    np.testing.assert_array_equal(ops.relu(x).numpy(), [np.nan, np.inf, 0, 100, 0])
    np.testing.assert_array_equal(ops.softplus(x).numpy()[1:], [np.inf, 0, 100, 0])
    np.testing.assert_array_equal(ops.nan_to_num(x, 1.0, 2.0, 3.0).numpy(), [1, 2, 3, 100, -200])
    np.testing.assert_array_equal(ops.isfinite(x).numpy(), [False, False, False, True, True])
    assert ops.logaddexp(np.inf, np.inf).item() == np.inf
    assert ops.logaddexp(-np.inf, -np.inf).item() == -np.inf
    assert ops.logsumexp([-np.inf, -np.inf]).item() == -np.inf
    close(ops.softmax([1e30, 0.0]), [1.0, 0.0])
    close(ops.log_softmax([1000.0, 0.0]), [0.0, -1000.0])
    assert ops.hypot([3e38, np.inf, 0.0], [1.0, 1.0, 0.0]).tolist() == [
        float(np.float32(3e38)),
        np.inf,
        0.0,
    ]
    assert ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist() == [0.0, 0.5]


def test_refusals():
    with pytest.raises(TypeError, match="bool"):
        ops.subtract(B, B)
    with pytest.raises(TypeError, match="bool"):
        ops.negative(B)
    with pytest.raises(NotImplementedError, match="x1 and x2"):
        ops.where(B)
    with pytest.raises(TypeError, match="logical_and"):
        ops.convert_to_tensor(F) & 1
    with pytest.raises(TypeError, match="bools and integers"):
        ~ops.convert_to_tensor(F)
    with pytest.raises(TypeError, match="uint8"):
        ops.cast(F, "uint8")
    with pytest.raises(NotImplementedError, match="sparse"):
        ops.convert_to_tensor(F, sparse=True)
