"""What a plan refuses, when it is built and when it is run, and in which words."""

import numpy as np
import pytest

from hotloop._native import Plan

LOAD, STORE = ("load", 0, 0, 0, 0, 0), ("store", 0, 0, 0, 0, 0)


def tile(
    outer=(4,),
    cols=8,
    registers="F",
    operands=None,
    code=(LOAD, STORE),
    reductions=(),
    batch=1,
    size=32,
    **more,
):
    """Adds one program over a bound slot 0 (and a second one of the same size, slot 1)."""
    plan = Plan(batch)
    plan.add_bound(size)
    plan.add_bound(size)
    plan.add_input(8)
    plan.add_const(np.zeros(32, np.float32))
    plan.add_output(8)
    operands = [(0, 0, (8,), 1, False)] if operands is None else operands
    plan.add_tile(outer, cols, registers, operands, code, reductions)
    return plan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operands": [(9, 0, (8,), 1, False)]}, "slot 9 does not exist"),
        (
            {"operands": [(0, 1, (8,), 1, False)]},
            "reaches elements 1 to 32 of slot 0, which has 32",
        ),
        ({"operands": [(0, 0, (9,), 1, False)]}, "reaches elements"),
        ({"operands": [(0, 0, (-8,), 1, False)]}, "reaches elements -24 to 7"),
        ({"operands": [(0, -1, (8,), 1, False)]}, "reaches elements -1"),
        ({"operands": [(0, 0, (8,), 1, True)]}, "reaches elements 0 to 127"),
        ({"operands": [(0, 8, (8,), 1, True)], "size": 1000}, "64-byte aligned"),
        ({"operands": [(0, 0, (0,), 1, False)]}, "several elements would be stored to one address"),
        ({"operands": [(0, 0, (4,), 1, False)]}, "several elements would be stored"),
        ({"operands": [(3, 0, (8,), 1, False)]}, "constant or an input and cannot be stored"),
        (
            {"operands": [(2, 0, (8,), 1, False)], "batch": 4},
            "constant or an input and cannot be stored",
        ),
        ({"operands": [(2, 0, (8,), 1, False)], "batch": 3}, "outer\\[0\\] == batch_size"),
        ({"operands": [(4, 0, (7,), 1, False)], "batch": 4}, "row of input or output slot 4 has 8"),
        ({"operands": [(4, 1, (8,), 1, False)], "batch": 4}, "of slot 4, which has 8 per row"),
        ({"operands": []}, "operand 0 does not exist"),
        ({"operands": [(0, 0, (8,), 1, False)] * 2}, "operand 1 is never used"),
        ({"code": (STORE,)}, "used before it is set"),
        ({"code": (LOAD, ("add_f", 0, 0, 1, 0, 0))}, "register 1 does not exist"),
        ({"code": (("load", 3, 0, 0, 0, 0),)}, "dst register 3 does not exist"),
        ({"code": (("frobnicate", 0, 0, 0, 0, 0),)}, "unknown name 'frobnicate'"),
        (
            {"registers": "FR", "code": (LOAD, ("add_f", 1, 0, 0, 0, 0))},
            "register 0 has kind F where R is needed",
        ),
        (
            {"registers": "FR", "code": (LOAD, ("row_sum_f", 0, 0, 0, 0, 0))},
            "dst register 0 has kind F",
        ),
        (
            {"registers": "FR", "code": (LOAD, ("expand", 1, 0, 0, 0, 0))},
            "dst register 1 has kind R",
        ),
        (
            {"registers": "R", "code": (("iota_col", 0, 0, 0, 0, 0),), "operands": []},
            "must be FULL",
        ),
        ({"registers": "X"}, "kind must be F or R"),
        ({"outer": (-4,)}, "outer\\[0\\] is negative"),
        ({"cols": -1}, "cols >= 0"),
        ({"outer": (1,) * 9, "operands": []}, "at most 8 outer dimensions"),
        ({"outer": (2, 2)}, "operand 0 has 1 outer strides; the domain has 2"),
        ({"reductions": [("sum_f", 0, 1, 25)]}, "writes 8 elements at 25 of slot 1, which has 32"),
        ({"reductions": [("sum_f", 3, 1, 0)]}, "register 3 does not exist"),
        ({"reductions": [("sum_f", 0, 3, 0)]}, "slot 3 cannot hold the result"),
        ({"reductions": [("mean_f", 0, 1, 0)]}, "unknown name 'mean_f'"),
        (
            {
                "operands": [(0, 0, (8,), 1, False), (0, 1, (8,), 1, False)],
                "cols": 7,
                "code": (LOAD, ("store", 0, 0, 0, 0, 1)),
            },
            "operands 1 and 0 overlap",
        ),
        (
            {
                "operands": [(0, 0, (0,), 1, False), (0, 0, (8,), 1, False)],
                "code": (("uniform", 0, 0, 0, 0, 0), ("store", 0, 0, 0, 0, 1)),
            },
            "overlap",
        ),
        (
            {
                "registers": "FR",
                "cols": 40,
                "outer": (2,),
                "size": 128,
                "operands": [(0, 0, (0,), 1, True), (1, 0, (1,), 0, False)],
                "code": (LOAD, ("row_sum_f", 1, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)),
            },
            "need cols <= 32",
        ),
    ],
)
def test_programs_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tile(**changes)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(OverflowError, match="64 bits"):
        tile(outer=(2**40, 2**40), operands=[(0, 0, (8, 8), 1, False)])
    with pytest.raises(OverflowError, match="64 bits"):
        tile(operands=[(0, 0, (2**62,), 1, False)])
    plan = Plan(1)
    with pytest.raises(OverflowError, match="64 bits"):
        plan.add_bound(2**62)
    with pytest.raises(ValueError, match="negative"):
        plan.add_arena(-1, 0)
    with pytest.raises(ValueError, match="batch_size"):
        Plan(0)
    plan.add_arena(2**58, 0)
    with pytest.raises(MemoryError, match="arena"):
        plan.finish()


def test_different_columns_of_one_buffer_may_be_read_and_written():
    x = np.arange(32, dtype=np.float32)
    plan = Plan(1)
    slot = plan.add_bound(32)
    plan.add_tile(
        (4,),
        4,
        "F",
        [(slot, 0, (8,), 1, False), (slot, 4, (8,), 1, False)],
        [LOAD, ("store", 0, 0, 0, 0, 1)],
    )
    plan.finish()
    plan.run([x], [], [])
    np.testing.assert_array_equal(x.reshape(4, 8)[:, 4:], x.reshape(4, 8)[:, :4])


def product(
    m=4,
    n=8,
    k=4,
    a=(0, 0, 4, False, False),
    b=(1, 0, 8, False, False),
    c=(2, 0, 8, False),
    epilogue=None,
    batch=1,
):
    plan = Plan(batch)
    for size in (16, 32, 32):
        plan.add_bound(size)
    plan.add_input(4)
    plan.add_gemm(m, n, k, a, b, c, epilogue)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": -1}, "must not be negative"),
        ({"m": 5}, "a needs elements 0 to 20 of slot 0, which has 16"),
        ({"a": (0, 0, 3, False, False)}, "a has ld 3 but 4 columns"),
        ({"a": (7, 0, 4, False, False)}, "slot 7, which does not exist"),
        ({"a": (0, -1, 4, False, False)}, "negative offset"),
        ({"b": (1, 0, 0, False, True)}, "b needs elements 0 to 128 of slot 1"),
        ({"c": (2, 1, 8, False)}, "c needs elements 1 to 33"),
        ({"c": None}, "needs c, an epilogue, or both"),
        ({"c": (1, 0, 8, False)}, "c overlaps b"),
        (
            {"c": (3, 0, 8, False), "batch": 4},
            "c is in an input or output slot: it needs 4 rows with ld 4, not 4 with 8",
        ),
        ({"c": (3, 0, 4, False), "batch": 4, "n": 4}, "c must be writable"),
        ({"a": (3, 0, 4, False, False)}, "it needs 1 rows with ld 4, not 4 with 4"),
        ({"b": (3, 0, 8, False, False)}, "b cannot be in an input or output slot"),
        ({"epilogue": ("R", [], [])}, "register 0 of an epilogue is the product and must be FULL"),
        (
            {"epilogue": ("F", [(1, 0, (8,), 1, False)], [("store", 0, 0, 0, 0, 0)]), "c": None},
            "the epilogue stores into b",
        ),
        (
            {
                "epilogue": ("FR", [], [("row_sum_f", 1, 0, 0, 0, 0)]),
                "n": 40,
                "k": 0,
                "m": 0,
                "b": (1, 0, 40, False, False),
                "c": (2, 0, 40, False),
            },
            "need cols <= 32",
        ),
    ],
)
def test_products_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        product(**changes)


def ready():
    """x in rows of 2 -> out in rows of 2, plus a bound array of 3 that is written."""
    plan = Plan(2)
    x, out, b = plan.add_input(2), plan.add_output(2), plan.add_bound(3)
    plan.add_tile(
        (2,),
        2,
        "F",
        [(x, 0, (2,), 1, False), (out, 0, (2,), 1, False)],
        [LOAD, ("store", 0, 0, 0, 0, 1)],
    )
    plan.add_tile((3,), 1, "F", [(b, 0, (1,), 0, False)], [("const_f", 0, 0, 0, 0, 1.0), STORE])
    plan.finish()
    return plan


def arrays():
    return {
        "bound": [np.zeros(3, np.float32)],
        "inputs": [np.zeros((6, 2), np.float32)],
        "outputs": [np.zeros((6, 2), np.float32)],
    }


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"bound": []}, ValueError, "needs 1 bound arrays, 1 inputs and 1 outputs, not 0, 1 and 1"),
        (
            {"bound": [np.zeros(4, np.float32)]},
            ValueError,
            "bound array 0 has 4 elements; the plan was made for 3",
        ),
        (
            {"bound": [np.zeros(3)]},
            ValueError,
            "bound array 0 must have native 4-byte items, not format 'd'",
        ),
        ({"bound": [np.zeros(3, ">f4")]}, ValueError, "native 4-byte items"),
        (
            {"bound": [np.zeros(6, np.float32)[::2]]},
            ValueError,
            "bound array 0 must be C-contiguous",
        ),
        (
            {"bound": [read_only(np.zeros(3, np.float32))]},
            ValueError,
            "bound array 0 cannot be used: .*read-only",
        ),
        ({"bound": [[1.0, 2.0, 3.0]]}, TypeError, "bound array 0 must be an array, not list"),
        (
            {"outputs": [read_only(np.zeros((6, 2), np.float32))]},
            ValueError,
            "output 0 cannot be used",
        ),
        (
            {"outputs": [np.zeros((3, 2), np.float32)], "steps": 2},
            ValueError,
            "need 4 rows, but output 0 has 3",
        ),
        (
            {"inputs": [np.zeros((3, 2), np.float32)], "steps": 2},
            ValueError,
            "need 4 rows, but input 0 has 3",
        ),
        ({"inputs": [np.zeros(7, np.float32)]}, ValueError, "no multiple of its row size 2"),
        ({"start": 3}, ValueError, "need 8 rows"),
        ({"start": -1}, ValueError, "must not be negative"),
        ({"steps": -1}, ValueError, "must not be negative"),
        ({"start": 2**62}, OverflowError, "64 bits"),
        ({"index": np.array([0])}, ValueError, "need 2 index entries, but index has 1"),
        (
            {"index": np.array([0, 6])},
            IndexError,
            "index holds rows 0 to 6, but the inputs have rows 0 to 5",
        ),
        ({"index": np.array([0, -1])}, IndexError, "index holds rows -1 to 0"),
        ({"index": np.array([0, 1], np.int32)}, ValueError, "index must have native 8-byte items"),
        ({"index": np.array([0.0, 1.0])}, ValueError, "index must have dtype int64"),
    ],
)
def test_runs_that_are_refused(changes, error, message):
    given = arrays() | changes
    before = [np.array(a) for a in given["outputs"]]
    with pytest.raises(error, match=message):
        ready().run(**given)
    for got, want in zip(given["outputs"], before, strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_refused_run_leaves_the_plan_usable():
    plan, given = ready(), arrays()
    with pytest.raises(ValueError, match="start"):
        plan.run(**given, start=-1)
    assert plan.run(**given, start=1, steps=2) == 2
    assert plan.run(**given, steps=0) == 0
    np.testing.assert_array_equal(given["bound"][0], np.ones(3))


def test_inputs_may_be_read_only():
    given = arrays()
    given["inputs"] = [read_only(np.ones((6, 2), np.float32))]
    assert ready().run(**given) == 1


def test_the_order_of_building_is_kept():
    plan = Plan(1)
    with pytest.raises(ValueError, match="not finished"):
        plan.run([], [], [])
    plan.finish()
    assert plan.run([], [], [], steps=5) == 5
    with pytest.raises(ValueError, match="is finished"):
        plan.add_bound(3)
    with pytest.raises(ValueError, match="is finished"):
        plan.finish()


def test_panels_must_be_aligned_at_run_time():
    plan = Plan(1)
    slot = plan.add_bound(64)
    plan.add_tile((2,), 3, "F", [(slot, 0, (0,), 1, True)], [LOAD, STORE])
    plan.finish()
    raw = np.zeros(96, np.float32)
    shift = (-raw.ctypes.data % 64) // 4
    plan.run([raw[shift : shift + 64]], [], [])
    with pytest.raises(ValueError, match="must be 64-byte aligned"):
        plan.run([raw[shift + 1 : shift + 65]], [], [])
