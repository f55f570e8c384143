import numpy as np
import pytest

from hotloop import graph
from hotloop.graph import apply, constant
from hotloop.graph.primitives.sources import philox_words

FLOATS = constant(np.zeros((2, 3)))
INTS = constant(np.zeros((2, 3), int))
BOOLS = constant(np.zeros((2, 3), bool))


@pytest.mark.parametrize(
    ("primitive", "inputs", "attrs"),
    [
        ("add", [FLOATS, INTS], {}),
        ("add", [FLOATS, constant(np.zeros((3, 2)))], {}),
        ("add", [BOOLS, BOOLS], {}),
        ("exp", [INTS], {}),
        ("pow", [INTS, INTS], {}),
        ("not", [INTS], {}),
        ("and", [INTS, INTS], {}),
        ("select", [FLOATS, FLOATS, FLOATS], {}),
        ("select", [BOOLS, FLOATS, INTS], {}),
        ("reshape", [FLOATS], {"shape": (4, 2)}),
        ("reshape", [FLOATS], {"shape": (-1, -6)}),
        ("transpose", [FLOATS], {"perm": (0, 0)}),
        ("broadcast_to", [FLOATS], {"shape": (4, 3)}),
        ("broadcast_to", [FLOATS], {"shape": (1, 2, 3)}),
        ("slice", [FLOATS], {"start": (0, 0), "stop": (3, 3), "step": (1, 1)}),
        ("slice", [FLOATS], {"start": (0,), "stop": (2,), "step": (1,)}),
        ("pad", [FLOATS], {"low": (-1, 0), "high": (0, 0)}),
        ("concat", [FLOATS, INTS], {"axis": 0}),
        ("concat", [FLOATS, constant(np.zeros((3, 2)))], {"axis": 0}),
        ("concat", [FLOATS], {"axis": 2}),
        ("sum", [FLOATS], {"axes": (2,)}),
        ("sum", [FLOATS], {"axes": (0, 0)}),
        ("sum", [BOOLS], {"axes": (0,)}),
        ("amax", [constant(np.zeros((0, 3)))], {"axes": (0,)}),
        ("argmax", [constant(np.zeros((0, 3)))], {"axis": 0}),
        ("argmin", [BOOLS], {"axis": 0}),
        ("matmul", [FLOATS, FLOATS], {}),
        ("matmul", [INTS, INTS], {"tb": True}),
        ("iota", [], {"shape": (2,), "axis": 1}),
        ("random_uniform", [FLOATS], {"shape": (2,)}),
    ],
)
def test_inputs_that_do_not_fit_are_refused(primitive, inputs, attrs):
    with pytest.raises((TypeError, ValueError)):
        apply(primitive, inputs, **attrs)


def test_philox_known_answers():
    """The published vectors of Random123 for Philox4x32-10."""
    assert [hex(w) for w in philox_words(0, 0, 0, 4)] == [
        "0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8",
    ]  # fmt: skip
    longer = philox_words(1, 2, 3, 11)
    assert (longer[:9] == philox_words(1, 2, 3, 9)).all()
    assert len(set(longer.tolist())) == 11


def test_random_uniform_is_spread_over_the_unit_interval():
    key = constant([5, 0])
    u = apply("random_uniform", [key], shape=(100, 100)).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01
    assert abs(u.var() - 1 / 12) < 0.002
    other = apply("random_uniform", [key], shape=(100, 100), offset=1).numpy()
    assert abs(np.corrcoef(u.ravel(), other.ravel())[0, 1]) < 0.03


def test_integer_arithmetic_wraps_and_division_by_zero_is_zero():
    big, zero = constant([2**31 - 1]), constant([0])
    one = constant([1])
    assert apply("add", [big, one]).tolist() == [-(2**31)]
    assert apply("div", [big, zero]).tolist() == [0]
    assert apply("mod", [big, zero]).tolist() == [0]
    assert apply("div", [constant([-7]), constant([2])]).tolist() == [-4]
    assert apply("mod", [constant([-7]), constant([3])]).tolist() == [2]


def test_cast_to_int_cuts_and_marks_what_does_not_fit():
    x = constant([1.9, -1.9, 3e9, -3e9, np.nan, np.inf, 2147483520.0])
    low = -(2**31)
    assert apply("cast", [x], dtype="int32").tolist() == [1, -1, low, low, low, low, 2147483520]


def test_float_edges():
    x = constant([np.nan, np.inf, -np.inf, 0.0])
    assert apply("isnan", [x]).tolist() == [True, False, False, False]
    assert apply("cast", [x], dtype="bool").tolist() == [True, True, True, False]
    assert np.isnan(apply("max", [x, constant([1.0] * 4)]).numpy()[0])
    assert apply("sigmoid", [constant([-200.0, 200.0])]).tolist() == [0.0, 1.0]
    assert apply("round", [constant([0.5, 1.5, -0.5])]).tolist() == [0.0, 2.0, -0.0]


def test_reference_keeps_the_precision_of_its_inputs():
    x = graph.trace(lambda x: [apply("exp", [x])], [((1,), "float32")])
    (truth,), _ = graph.reference.run(x, [np.array([1.0])])
    assert truth.dtype == np.float64
    assert truth[0] == np.exp(1.0)
