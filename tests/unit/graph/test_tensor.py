import copy
import pickle

import numpy as np
import pytest

from hotloop import graph
from hotloop.graph import Tensor, TracingError, Variable, apply, constant


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"),
        (1.5, "float32"),
        (True, "bool"),
        ([1, 2.5], "float32"),
        ([], "float32"),
        (np.float64(2), "float32"),
        (np.zeros(2, np.float16), "float32"),
        (np.zeros(2, ">f8"), "float32"),
        (np.zeros(2, ">i2"), "int32"),
        (np.arange(3, dtype=np.uint8), "int32"),
        (np.arange(3, dtype=np.int64), "int32"),
        (np.arange(3, dtype=np.uint64), "int32"),
        (np.array([True]), "bool"),
        ([constant(1.0), constant(2.0)], "float32"),
    ],
)
def test_dtypes_of_constants(value, dtype):
    tensor = constant(value)
    assert tensor.dtype == dtype
    assert tensor.numpy().dtype == dtype
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(value))


@pytest.mark.parametrize("value", [1j, "a", b"a", [None], np.array([object()]), {"a": 1}])
def test_values_that_are_not_numbers(value):
    with pytest.raises(TypeError, match="Cannot make a tensor"):
        constant(value)


def test_ragged_lists():
    with pytest.raises(ValueError, match="ragged"):
        constant([[1, 2], [3]])


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, np.array([0, 2**40]), np.uint32(2**32 - 1)])
def test_integers_beyond_int32(value):
    with pytest.raises(OverflowError, match="does not fit int32"):
        constant(value)
    assert constant(value, "float32").dtype == "float32"


@pytest.mark.parametrize("dtype", ["complex64", "string", "object", "nothing", complex])
def test_unknown_dtypes(dtype):
    with pytest.raises(TypeError, match="dtype"):
        constant(1.0, dtype)


def test_constants_do_not_share_memory_with_what_they_were_made_of():
    array = np.zeros(3, np.float32)
    tensor = constant(array)
    array[0] = 1
    assert tensor.tolist() == [0, 0, 0]
    tensor.numpy()[0] = 2
    assert tensor.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(tensor)[0] = 1


@pytest.mark.parametrize(
    "make", [lambda a: a[::2, ::-1], lambda a: a.T, np.asfortranarray, lambda a: a.astype(">f4")]
)
def test_any_memory_layout(make):
    array = make(np.arange(12, dtype=np.float32).reshape(3, 4))
    array.flags.writeable = False
    np.testing.assert_array_equal(constant(array).numpy(), array)


def test_python_operators():
    x, y = constant([7.0, -3.0]), np.array([2.0, 2.0], np.float32)
    a = np.array([7.0, -3.0], np.float32)
    for ours, expected in [
        (x + y, a + y), (y - x, y - a), (2 * x, 2 * a), (x / y, a / y), (1 / x, 1 / a),
        (x // y, a // y), (x % y, a % y), (x**2, a**2), (2.0**x, 2.0**a), (-x, -a),
        (abs(x), abs(a)),
        (+x, a), (x < y, a < y), (x <= y, a <= y), (x > 1, a > 1), (x >= 7, a >= 7),
        (x == 7, a == 7),
        (x != y, a != y), (x @ y, a @ y), (y @ x, y @ a), (~(x > 0), ~(a > 0)),
        ((x > 0) & (x < 9), (a > 0) & (a < 9)), ((x > 0) | (x < 9), (a > 0) | (a < 9)),
        ((x > 0) ^ (x < 9), (a > 0) ^ (a < 9)), (round(x / 3), np.round(a / 3)),
    ]:  # fmt: skip
        assert isinstance(ours, Tensor)
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-6)


def test_comparison_with_what_is_no_number():
    x = constant([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    with pytest.raises(TypeError):
        x + "a"
    assert len({x, x}) == 1


def test_indexing():
    array = np.arange(24).reshape(2, 3, 4)
    x = constant(array)
    for key in [
        1, -1, np.s_[0, 2], np.s_[:, 1], np.s_[..., 0], np.s_[None, ..., ::-1],
        np.s_[0:1, None, 1:],
        np.s_[5:], np.s_[::2, ::-2, 3:0:-1], np.int64(1), constant(1), np.s_[...], (),
    ]:  # fmt: skip
        expected = array[int(key) if isinstance(key, Tensor) else key]
        np.testing.assert_array_equal(x[key].numpy(), expected)
    assert [row.tolist() for row in x[0]] == array[0].tolist()
    assert len(x) == 2
    for key in (2, np.s_[0, 0, 0, 0], np.s_[..., ...]):
        with pytest.raises(IndexError):
            x[key]
    for key in (([0], [1]), np.array([True, False]), 1.0, "a"):
        with pytest.raises(NotImplementedError, match="indexed with"):
            x[key]


def test_python_numbers_out_of_tensors():
    x = constant(2.5)
    assert (float(x), int(x), bool(x), x.item(), f"{x:.2f}") == (2.5, 2, True, 2.5, "2.50")
    assert ["a", "b"][constant(1)] == "b"
    with pytest.raises(TypeError, match="int32"):
        ["a"][constant(0.0)]
    with pytest.raises(ValueError):
        bool(constant([1.0, 2.0]))
    for function in (len, iter):
        with pytest.raises(TypeError, match="no axes"):
            function(x)


def test_copies_and_pickles():
    x = constant([1.0, 2.0])
    assert copy.deepcopy(x) is x
    assert pickle.loads(pickle.dumps(x)).tolist() == [1.0, 2.0]


def test_eager_results_outside_a_scope_keep_nothing_alive():
    x = constant([1.0])
    y = apply("neg", [x])
    assert y.primitive == "constant"
    assert y.inputs == ()
    with graph.Scope(symbolic=False):
        assert apply("neg", [x]).inputs == (x,)


def test_symbolic_tensors_have_no_values():
    def function(x):
        assert x.value is None
        for ask in (float, int, bool, np.asarray, Tensor.numpy, Tensor.item, Tensor.tolist):
            with pytest.raises(TracingError, match="run_eagerly"):
                ask(x)
        assert x.shape == (1,)
        assert "symbolic" in repr(x)
        return [x]

    graph.trace(function, [((1,), "float32")])


def test_constants_stay_concrete_and_unmaterialised_while_tracing():
    def function(x):
        wide = graph.fill(2.0, (1000, 1000), "float32")
        assert wide.concrete
        assert wide._value is None
        assert float(apply("neg", [constant(3.0)])) == -3.0
        return [apply("mul", [x, apply("reshape", [constant([5.0])], shape=(1,))])]

    result = graph.trace(function, [((1,), "float32")])
    assert graph.reference.run(result, [[2.0]])[0][0].tolist() == [10.0]


def test_long_chains_of_postponed_values():
    def function():
        x = constant([1.0])
        for _ in range(3000):
            x = apply("neg", [x])
        assert x._value is None
        assert float(x) == 1.0
        return [x]

    graph.trace(function, [])


def test_variables_are_tensors_in_operations():
    v = Variable([1.0, 2.0])
    assert (v + 1).tolist() == [2.0, 3.0]
    assert (1 - v).tolist() == [0.0, -1.0]
    assert v[1].item() == 2.0
    assert constant(v).tolist() == [1.0, 2.0]
    assert np.sum(v).item() == 3.0
