"""Calls on native plans: which arrays fit, what comes back, and when variables are bound anew."""

import pickle
import threading

import numpy as np
import pytest

from hotloop._native import Call, Maker, Plan, Repeat, all_below, any_nan

FLOAT, INT = np.dtype(np.float32), np.dtype(np.int32)


class Mark:
    def __init__(self):
        self.seen = object()


class Held:
    """Stands for a variable of four floats."""

    def __init__(self, value):
        self.bytes = np.full(4, value, np.float32)
        self.asked = 0

    def storage(self, layout):
        assert layout == "row"
        self.asked += 1
        return self.bytes


def adding_plan(rows=None):
    """out = variable + x: all of it, or row by row."""
    plan = Plan(rows or 1)
    w = plan.add_bound(4)
    x = plan.add_bound(4) if rows is None else plan.add_input(4)
    out = plan.add_bound(4) if rows is None else plan.add_output(4)
    stride = 0 if rows is None else 4
    operands = [(w, 0, (0,), 1, False), (x, 0, (stride,), 1, False), (out, 0, (stride,), 1, False)]
    instructions = [
        ("load", 0, 0, 0, 0, 0),
        ("load", 1, 0, 0, 0, 1),
        ("add_f", 2, 0, 1, 0, 0),
        ("store", 0, 2, 0, 0, 2),
    ]
    plan.add_tile((rows or 1,), 4, "FFF", operands, instructions)
    plan.finish()
    return plan


def adding(variable, mark, rows=None, assigns=False, make=None):
    shape = (4,) if rows is None else (rows, 4)
    return Call(
        make=make or (lambda: adding_plan(rows)),
        variables=[(variable, "row")],
        layouts=mark,
        assigns=assigns,
        batched=rows is not None,
        inputs=[(INT, (2,)), (FLOAT, shape)],  # the first is not read
        outputs=[(FLOAT, (0, 3)), (FLOAT, shape)],  # the first has no elements
        reads=[1],
        writes=[1],
        array=np.ndarray,
        empty=np.empty,
    )


UNREAD = np.zeros(2, np.int32)


@pytest.mark.parametrize("rows", [None, 1, 3])
def test_results_are_new_arrays(rows):
    call = adding(Held(10), Mark(), rows)
    x = np.arange(4 * (rows or 1), dtype=np.float32).reshape((4,) if rows is None else (rows, 4))
    nothing, first = call([UNREAD, x])
    assert nothing.shape == (0, 3)
    np.testing.assert_array_equal(first, x + 10)
    (_, second) = call((UNREAD, x + 1))
    np.testing.assert_array_equal(first, x + 10)
    np.testing.assert_array_equal(second, x + 11)
    assert first.dtype is FLOAT
    x.flags.writeable = False
    np.testing.assert_array_equal(call((UNREAD, x))[1], first)


class Own(np.ndarray):
    pass


GOOD = np.ones((3, 4), np.float32)


@pytest.mark.parametrize(
    "arrays",
    [
        (),
        (GOOD,),
        (UNREAD, GOOD, GOOD),
        (UNREAD, GOOD[:2]),
        (UNREAD, GOOD.reshape(4, 3)),
        (UNREAD, GOOD.reshape(-1)),
        (UNREAD, GOOD.reshape(1, 3, 4)),
        (UNREAD, np.asfortranarray(GOOD)),
        (UNREAD, np.ones((3, 8), np.float32)[:, ::2]),
        (UNREAD, GOOD.astype(np.float64)),
        (UNREAD, GOOD.astype(np.int32)),
        (UNREAD, GOOD.astype(">f4")),
        (UNREAD, GOOD.view(Own)),
        (UNREAD, GOOD.tolist()),
        (UNREAD, memoryview(GOOD)),
        (UNREAD[:1], GOOD),
        (UNREAD.astype(bool), GOOD),
        (None, GOOD),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_not_run(arrays):
    variable = Held(1)
    call = adding(variable, Mark(), 3)
    assert not call.fits(arrays)
    assert call(arrays) is None
    assert variable.asked == 0
    assert call.fits((UNREAD, GOOD))
    np.testing.assert_array_equal(call((UNREAD, GOOD))[1], GOOD + 1)


def test_equal_dtypes_fit():
    other = pickle.loads(pickle.dumps(np.dtype(np.float32), protocol=2))
    x = np.ones(4, other)
    np.testing.assert_array_equal(adding(Held(1), Mark())((UNREAD, x))[1], [2] * 4)


def test_variables_are_bound_when_the_mark_changes():
    variable, mark = Held(1), Mark()
    call = adding(variable, mark)
    x = np.zeros(4, np.float32)
    for _ in range(3):
        assert call((UNREAD, x))[1][0] == 1
    assert variable.asked == 1
    variable.bytes[:] = 2  # in place
    assert call((UNREAD, x))[1][0] == 2
    variable.bytes = np.full(4, 3, np.float32)
    mark.seen = object()
    assert call((UNREAD, x))[1][0] == 3
    assert variable.asked == 2
    assert call.run([x, np.empty(4, np.float32)], (), (), None, 0, 1, 0.0) == 1
    assert variable.asked == 2


def total(kind):
    """The sum of four numbers, without axes."""

    def make():
        plan = Plan(1)
        x, out = plan.add_bound(4), plan.add_bound(1)
        letter = kind.kind
        instructions = [("load", 0, 0, 0, 0, 0), (f"row_sum_{letter}", 1, 0, 0, 0, 0)]
        reductions = [(f"sum_{letter}", 1, out, 0)]
        plan.add_tile((1,), 4, "FR", [(x, 0, (0,), 1, False)], instructions, reductions)
        plan.finish()
        return plan

    return Call(
        make=make,
        variables=[],
        layouts=Mark(),
        assigns=False,
        batched=False,
        inputs=[(kind, (4,))],
        outputs=[(kind, ())],
        reads=[0],
        writes=[0],
        array=np.ndarray,
        empty=np.empty,
    )


@pytest.mark.parametrize("kind", [FLOAT, INT])
def test_results_without_axes_come_as_numbers_on_demand(kind):
    call = total(kind)
    x = np.array([1, -2, 3, 5], kind)
    (array,) = call([x])
    assert type(array) is np.ndarray
    assert array.shape == ()
    assert array.dtype is kind
    (number,) = call([x], numbers=True)
    assert type(number) is float
    assert number == array == 7.0


def test_what_assigns_runs_once_at_a_time():
    started, go_on = threading.Event(), threading.Event()

    def make():
        started.set()
        assert go_on.wait(60)
        return adding_plan()

    call = adding(Held(1), Mark(), assigns=True, make=make)
    x = np.zeros(4, np.float32)
    results = []
    thread = threading.Thread(target=lambda: results.append(call((UNREAD, x))))
    thread.start()
    assert started.wait(60)
    with pytest.raises(RuntimeError, match="already running in another thread"):
        call((UNREAD, x))
    go_on.set()
    thread.join()
    np.testing.assert_array_equal(results[0][1], [1] * 4)
    np.testing.assert_array_equal(call((UNREAD, x))[1], [1] * 4)


def test_an_error_leaves_a_call_that_can_be_repeated():
    class Broken(Held):
        def storage(self, layout):
            if self.asked == 0:
                self.asked = 1
                raise KeyError("broken")
            return super().storage(layout)

    call = adding(Broken(1), Mark(), assigns=True)
    x = np.zeros(4, np.float32)
    with pytest.raises(KeyError, match="broken"):
        call((UNREAD, x))
    np.testing.assert_array_equal(call((UNREAD, x))[1], [1] * 4)
    call.idle[:] = [type("Other", (), {"kept_at": None, "keep": lambda self, arrays: None})()]
    with pytest.raises(TypeError, match="native plans, not by Other"):
        call((UNREAD, x))


def test_busy_threads_have_plans_of_their_own():
    made = []

    def make():
        made.append(adding_plan())
        return made[-1]

    call = adding(Held(1), Mark(), make=make)
    first, second = call.take(), call.take()
    assert first is not second
    assert made == [first, second]
    call.idle.extend((first, second))
    call((UNREAD, np.zeros(4, np.float32)))
    assert len(made) == 2


def test_looks_at_values():
    x = np.arange(1000, dtype=np.float32).reshape(10, 100)
    assert not any_nan(x)
    for place in (0, 517, 999):
        y = x.copy()
        y.flat[place] = np.nan
        assert any_nan(y)
    assert not any_nan(np.array([np.inf, -np.inf], np.float32))
    assert not any_nan(x[:0])
    n = np.arange(1000, dtype=np.int32)
    assert all_below(n, 1000)
    assert not all_below(n, 999)
    assert not all_below(-n, 1000)
    assert not all_below(np.array([-(2**31)], np.int32), 2**31)
    assert all_below(n[:0], 0)
    with pytest.raises(ValueError, match="C-contiguous"):
        all_below(n[::2], 5)


def one_argument(mark, seen, inside=(), training=None, make=None):
    call = adding(Held(10), Mark(), 3)
    return Repeat(
        changes=mark,
        seen=seen,
        inside=inside,
        training=training,
        call=lambda args: call((UNREAD, *args)),
        pack=lambda results: ("packed", results[1]),
        make=make,
    )


def test_a_repeat_serves_calls_like_the_last_one():
    mark, inside = Mark(), Mark()
    inside.seen = []
    repeat = one_argument(mark, mark.seen, [(inside, "seen")])
    for _ in range(2):
        kind, values = repeat.serve((GOOD,), {})
        assert kind == "packed"
        np.testing.assert_array_equal(values, GOOD + 10)
    for args, kwargs in [
        ((), {}),
        ((GOOD, GOOD), {}),
        ((GOOD[:2],), {}),
        ((GOOD,), {"training": True}),
        ((GOOD,), {"mask": None}),
        ((GOOD,), {"training": None, "mask": None}),
    ]:
        assert repeat.serve(args, kwargs) is NotImplemented
    assert repeat.serve((GOOD,), {"training": None})[0] == "packed"
    inside.seen = [1]
    assert repeat.serve((GOOD,), {}) is NotImplemented
    inside.seen = []
    assert repeat.serve((GOOD,), {})[0] == "packed"
    mark.seen = object()
    assert repeat.serve((GOOD,), {}) is NotImplemented


def test_a_repeat_belongs_to_one_mode():
    mark = Mark()
    repeat = one_argument(mark, mark.seen, training=False)
    assert repeat.serve((GOOD,), {"training": False})[0] == "packed"
    for kwargs in ({}, {"training": None}, {"training": True}):
        assert repeat.serve((GOOD,), kwargs) is NotImplemented


class Slots:
    __slots__ = ("a", "b", "given")

    def __init__(self):
        raise AssertionError("not by the constructor")


def test_a_maker_fills_attributes():
    make = Maker(Slots, {"a": 1, "b": "two"}, "given")
    first, second = make([3]), make(None)
    assert (first.a, first.b, first.given) == (1, "two", [3])
    assert second.given is None
    assert type(first) is Slots
    with pytest.raises(AttributeError):
        Maker(Slots, {"c": 1}, "given")(0)
    # Of a single result: the first one, which has no elements here.
    mark = Mark()
    repeat = one_argument(mark, mark.seen, make=make)
    assert repeat.serve((GOOD,), {}).given.shape == (0, 3)
