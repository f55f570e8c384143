import copy
import pathlib
import pickle
import threading

import numpy as np
import pytest

from hotloop import graph
from hotloop.graph import Scope, TracingError, Variable, constant


def test_attributes():
    v = Variable(np.zeros((2, 3)), name="kernel")
    assert (v.shape, v.dtype, v.name, v.trainable, v.ndim, v.size) == (
        (2, 3), "float32", "kernel", True, 2, 6,
    )  # fmt: skip
    assert "kernel" in repr(v)
    assert len(v) == 2
    assert Variable(1, dtype="float32").dtype == "float32"


def test_assign():
    v = Variable([1.0, 2.0])
    v.assign([3, 4])
    assert v.numpy().tolist() == [3.0, 4.0]
    v.assign_add([1.0, 1.0])
    v.assign_sub(constant([0.5, 0.5]))
    assert v.numpy().tolist() == [3.5, 4.5]
    with pytest.raises(ValueError, match=r"shape \(2,\); a value of shape \(3,\)"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="cast"):
        Variable([1, 2]).assign([0.5, 1.0])
    assert v.numpy().tolist() == [3.5, 4.5]


@pytest.mark.parametrize("shape", [(5, 3), (4, 32), (3, 33), (1, 1), (2, 100), (0, 5), (5, 0)])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_panels_and_back(shape, dtype):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    v = Variable(array)
    k, n = shape
    panels = v.storage("panel")
    assert panels.itemsize == 4
    assert panels.flags.c_contiguous
    assert panels.ctypes.data % 64 == 0 or panels.size == 0
    assert panels.size == -(-n // 32) * k * 32
    for r in range(k):
        for c in range(n):
            assert panels[(c // 32) * k * 32 + r * 32 + c % 32] == array[r, c]
    assert np.count_nonzero(panels) == np.count_nonzero(array)
    np.testing.assert_array_equal(v.numpy(), array)
    assert v.numpy().dtype == dtype
    v.assign(array[::-1])
    assert v.storage("panel") is panels
    np.testing.assert_array_equal(v.numpy(), array[::-1])
    rows = v.storage("row")
    np.testing.assert_array_equal(rows.reshape(shape), array[::-1])
    assert rows.ctypes.data % 64 == 0 or rows.size == 0


def test_storage_is_the_variable():
    v = Variable([[1.0, 2.0]])
    v.storage("panel")[1] = 7.0
    assert v.numpy().tolist() == [[1.0, 7.0]]
    with pytest.raises(ValueError, match="layout"):
        v.storage("column")
    with pytest.raises(ValueError, match="matrices"):
        Variable([1.0]).storage("panel")


def test_symbolic_scope_reads_once_and_collects_updates():
    v = Variable([1.0])
    with Scope(symbolic=True) as scope:
        first = v.value
        assert v.value is first
        assert scope.reads == {v: first}
        v.assign(first + 1.0)
        assert v.value is scope.updates[v] is not first
        with pytest.raises(TracingError, match="value of variable"):
            v.numpy()
        with pytest.raises(TracingError):
            float(v)
    assert v.numpy().tolist() == [1.0]


def test_eager_scope_commits_at_its_end():
    v = Variable([1.0])
    with Scope(symbolic=False):
        before = v.value
        v.assign(before * 2.0)
        assert v.numpy().tolist() == [2.0]
        v.assign_add([1.0])
        assert before.tolist() == [1.0]
    assert v.numpy().tolist() == [3.0]


def test_eager_scope_drops_updates_on_an_exception():
    v = Variable([1.0])

    def fail():
        with Scope(symbolic=False):
            v.assign([9.0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert v.numpy().tolist() == [1.0]
    assert graph.current_scope() is None


def test_nested_eager_scopes_commit_outward():
    v = Variable([1.0])

    def fail():
        with Scope(symbolic=False):
            with Scope(symbolic=False):
                v.assign([5.0])
            assert v.numpy().tolist() == [5.0]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert v.numpy().tolist() == [1.0]


def test_scopes_belong_to_their_thread():
    seen = []
    with Scope(symbolic=True):
        thread = threading.Thread(target=lambda: seen.append(graph.current_scope()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_symbolic_values_do_not_get_out_of_a_trace():
    v = Variable([1.0])
    with Scope(symbolic=True):
        leaked = v.value
    with pytest.raises(TracingError):
        v.assign(leaked)
    with Scope(symbolic=False), pytest.raises(TracingError):
        v.assign(leaked)


def test_copies_are_separate():
    v = Variable([[1.0]], name="w")
    v.storage("panel")
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        twin.assign([[2.0]])
        assert twin.name == "w"
    assert v.numpy().tolist() == [[1.0]]


def test_reading_while_another_thread_converts():
    array = np.arange(40 * 70, dtype=np.float32).reshape(40, 70)
    v = Variable(array)
    stop = threading.Event()
    wrong = []

    def read():
        while not stop.is_set():
            if not np.array_equal(v.numpy(), array):
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        v.storage("panel")
        v.storage("row")
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_made_by_initializers():
    """As in Keras: a function or name makes the value, of `shape`; a value may have it checked."""
    np.testing.assert_array_equal(graph.Variable("ones", (2, 3)).numpy(), np.ones((2, 3)))
    counts = graph.Variable(lambda shape, dtype: np.full(shape, 7, dtype), (2,), dtype="int32")
    assert (counts.dtype, counts.numpy().tolist()) == ("int32", [7, 7])
    assert graph.Variable([1.0, 2.0], shape=(2,), name="given").path == "given"
    with pytest.raises(ValueError, match="needs the `shape`"):
        graph.Variable("zeros")
    with pytest.raises(ValueError, match=r"shape \(2,\), not `shape=\(3,\)`"):
        graph.Variable([1.0, 2.0], shape=(3,))
    with pytest.raises(TypeError, match="`dtype` comes after it"):
        graph.Variable([1, 2], "int32")
    with pytest.raises(ValueError, match="zeross"):
        graph.Variable("zeross", (2,))


def test_what_concerns_several_devices():
    variable = graph.Variable(0.0, aggregation="mean", synchronization="on_read", autocast=False)
    assert (variable.aggregation, variable.synchronization) == ("mean", "on_read")
    with pytest.raises(ValueError, match="aggregation='average'"):
        graph.Variable(0.0, aggregation="average")
    with pytest.raises(NotImplementedError, match="layout"):
        graph.Variable(0.0, layout=object())


@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_large_values_go_back_to_the_system_when_they_are_dropped():
    """Whatever has been allocated since: the heap keeps what lies below something in use."""

    def resident():
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    variables, small = [], []
    for _ in range(200):
        variables.append(Variable(np.ones((784, 128), np.float32)))
        variables[-1].storage("panel")
        small.append(np.ones(1000))
    assert resident() - before > 60e6  # each page has been written
    variables.clear()
    assert resident() - before < 20e6


@pytest.mark.parametrize("shape", [(200, 200), (33, 1000), (100_000,), (181, 181)])
def test_large_values(shape):
    value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    v = Variable(value)
    for layout in ("panel", "row") if len(shape) == 2 else ("row",):
        storage = v.storage(layout)
        assert storage.ctypes.data % 64 == 0
        assert storage.flags.writeable
        np.testing.assert_array_equal(v.numpy(), value)
    v.assign(value + 1)
    np.testing.assert_array_equal(v.numpy(), value + 1)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(v)).numpy(), value + 1)
    np.testing.assert_array_equal(copy.deepcopy(v).numpy(), value + 1)
