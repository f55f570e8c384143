"""Products of a batch's rows on lists of their nonzeros: the same bits, and chosen by the data."""

import os
import subprocess
import sys

import numpy as np
import pytest

from hotloop import _native

ISAS = _native.supported_isas()
LOAD, STORE = "load", "store"
BATCH, BATCHES = 32, 3


@pytest.fixture(autouse=True)
def restored():
    isa, threads = _native.isa(), _native.get_num_threads()
    yield
    _native.select_isa(isa)
    _native.set_num_threads(threads)


def panels(matrix):
    size = _native.panels_size(*matrix.shape)
    packed = np.zeros(size + 16, np.float32)
    start = -packed.ctypes.data % 64 // 4
    _native.pack_panels(matrix, packed[start : start + size])
    return packed[start : start + size]


def products(mode, k, n, batch=BATCH):
    """x W into an output, and W - 0.01 x' y, for rows x and y of two inputs."""
    plan = _native.Plan(batch)
    if mode is not None:
        plan.sparse(mode)
    x = plan.add_input(k)
    y = plan.add_arena(batch * n, 0)
    target = plan.add_input(n)
    w = plan.add_bound(_native.panels_size(k, n))
    out = plan.add_output(n)
    plan.add_tile(
        (batch,),
        n,
        "F",
        [(target, 0, (n,), 1, False), (y, 0, (n,), 1, False)],
        [(LOAD, 0, 0, 0, 0, 0), (STORE, 0, 0, 0, 0, 1)],
    )
    plan.add_gemm(batch, n, k, (x, 0, k, False, False), (w, 0, 0, False, True), (out, 0, n, False))
    plan.add_gemm(
        k,
        n,
        batch,
        (x, 0, k, True, False),
        (y, 0, n, False, False),
        None,
        (
            "FFF",
            [(w, 0, (k,), 1, True)],
            [
                ("const_f", 1, 0, 0, 0, 0.01),
                ("mul_f", 1, 0, 1, 0, 0),
                (LOAD, 2, 0, 0, 0, 0),
                ("sub_f", 1, 2, 1, 0, 0),
                (STORE, 0, 1, 0, 0, 0),
            ],
        ),
    )
    plan.finish()
    return plan


def run(plan, x, y, w, batch=BATCH, index=True):
    """What the plan computes, as bits, and how many calls of each product left out zeros."""
    weights, out = panels(w), np.zeros_like(y)
    order = np.random.default_rng(1).permutation(len(x)) if index else None
    plan.profile(True)
    assert plan.run([weights], [x, y], [out], order, 0, len(x) // batch) == len(x) // batch
    table = [row for row in plan.profile_table() if row["kind"] == "gemm"]
    return (weights.view(np.int32), out.view(np.int32)), table


def data(k, n, density, batch=BATCH, seed=0):
    rng = np.random.default_rng(seed)
    rows = BATCHES * batch
    x = rng.normal(size=(rows, k)).astype(np.float32)
    x[rng.random((rows, k)) >= density] = 0
    y = rng.normal(size=(rows, n)).astype(np.float32)
    return x, y, rng.normal(size=(k, n)).astype(np.float32)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("k", "n", "batch"), [(784, 96, 32), (257, 70, 129), (1, 1, 1), (31, 33, 7), (600, 512, 16)]
)
@pytest.mark.parametrize("density", [0, 0.2, 1])
def test_the_same_bits(isa, k, n, batch, density):
    _native.select_isa(isa)
    x, y, w = data(k, n, density, batch)
    for index in (True, False):
        _native.set_num_threads(1)
        want, table = run(products("never", k, n, batch), x, y, w, batch, index)
        assert [row["sparse_calls"] for row in table] == [0, 0]
        assert [row["macs"] for row in table] == [BATCHES * batch * k * n] * 2
        for threads in (1, 2, 5):
            _native.set_num_threads(threads)
            got, table = run(products("always", k, n, batch), x, y, w, batch, index)
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b)
            assert [row["sparse_calls"] for row in table] == [BATCHES] * 2
            assert [row["macs"] for row in table] == [np.count_nonzero(x) * n] * 2


@pytest.mark.parametrize("where", ["x", "y", "w"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0])
def test_the_same_values_where_an_operand_is_not_finite(where, value):
    x, y, w = data(100, 64, 0.2)
    array = {"x": x, "y": y, "w": w}[where]
    array[array.shape[0] // 2, 5] = value
    results = []
    for mode in ("never", "always"):
        bits, _ = run(products(mode, 100, 64), x, y, w)
        # All NaNs are one.
        values = [a.view(np.float32) for a in bits]
        results.append([np.where(np.isnan(v), np.int32(-1), v.view(np.int32)) for v in values])
    assert np.isfinite(value) or not np.isfinite(values[0]).all()
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_data_decides():
    plan = products("auto", 784, 512)
    for density, sparse in ((0.1, True), (0.9, False), (0.05, True)):
        x, y, w = data(784, 512, density)
        bits, table = run(plan, x, y, w)
        assert [row["sparse_calls"] for row in table] == [BATCHES * sparse] * 2, density
        want, _ = run(products("never", 784, 512), x, y, w)
        for a, b in zip(bits, want, strict=True):
            np.testing.assert_array_equal(a, b)


def bound_products(mode, batch, k, n, rows):
    """x W into an output, and x' y, where all but the output's rows are bound: W, x, y and x' y."""
    plan = _native.Plan(1)
    plan.sparse(mode)
    w = plan.add_bound(_native.panels_size(k, n))
    x = plan.add_bound(rows * k)
    y = plan.add_bound(batch * n)
    out = plan.add_bound(batch * n)
    gradient = plan.add_bound(k * n)
    first = (rows - batch) * k  # the last rows of x
    plan.add_gemm(
        batch, n, k, (x, first, k, False, False), (w, 0, 0, False, True), (out, 0, n, False)
    )
    plan.add_gemm(
        k, n, batch, (x, first, k, True, False), (y, 0, n, False, False), (gradient, 0, n, False)
    )
    plan.finish()
    return plan


def run_bound(plan, x, y, w, keep=False):
    batch, n = y.shape
    out, gradient = np.full((batch, n), np.nan, np.float32), np.full(w.shape, np.nan, np.float32)
    rest = [x, y, out, gradient]
    if keep:
        plan.keep([w])
    plan.profile(True)
    assert plan.run(rest if keep else [w, *rest], [], []) == 1
    return (out, gradient[: x.shape[1]]), [row["sparse_calls"] for row in plan.profile_table()]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("batch", "rows"), [(32, 32), (32, 50), (129, 129), (16, 16)])
def test_bound_rows(isa, batch, rows):
    _native.select_isa(isa)
    k, n = 300, 96
    for density in (0.05, 0.9):
        x, y, w = data(k, n, density, rows)
        x, y, weights = x[:rows], y[:batch], panels(w)
        results = {}
        for mode in ("never", "auto", "always"):
            plan = bound_products(mode, batch, k, n, rows)
            got, calls = run_bound(plan, x, y, weights)
            assert calls == [mode == "always" or (mode == "auto" and density < 0.1)] * 2
            results[mode] = [a.view(np.int32) for a in got]
        for mode in ("auto", "always"):
            for a, b in zip(results[mode], results["never"], strict=True):
                np.testing.assert_array_equal(a, b)


def test_the_rows_that_are_multiplied_decide():
    k, n = 300, 96
    x, y, w = data(k, n, 1, 32)
    x[:32] = 0
    x = np.concatenate([x[:32], x[32:64]])  # zeros in front of rows without any
    _, calls = run_bound(bound_products("auto", 32, k, n, 64), x, y[:32], panels(w))
    assert calls == [0, 0]
    x = np.concatenate([x[32:], x[:32]])
    _, calls = run_bound(bound_products("auto", 32, k, n, 64), x, y[:32], panels(w))
    assert calls == [1, 1]


def few_rows(rows, k=200, n=96):
    x, y, w = data(k, n, 0.1, rows)
    return np.ascontiguousarray(x[:rows]), np.ascontiguousarray(y[:rows]), panels(w)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("rows", [1, 2, 7, 15])
def test_few_rows_of_weights_that_are_kept(isa, rows):
    """Whether weights are finite is looked up once; with few rows it would cost more than zeros."""
    _native.select_isa(isa)
    x, y, w = few_rows(rows)
    shape = (rows, x.shape[1], y.shape[1], rows)
    (want, _), calls = run_bound(bound_products("never", *shape), x, y, w)
    assert calls == [0, 0]
    plan = bound_products("auto", *shape)
    _, calls = run_bound(plan, x, y, w)
    assert calls == [0, 0]
    for _ in range(2):
        (got, _), calls = run_bound(plan, x, y, w, keep=True)
        assert calls == [1, 0]
        np.testing.assert_array_equal(got.view(np.int32), want.view(np.int32))
    dense = x + 1
    (got, _), calls = run_bound(plan, dense, y, w, keep=True)
    assert calls == [0, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_kept_weights_that_are_finite_no_more(value):
    x, y, w = few_rows(3)
    x[:, 7] = 0
    shape = (3, x.shape[1], y.shape[1], 3)
    plan, never = bound_products("auto", *shape), bound_products("never", *shape)
    assert run_bound(plan, x, y, w, keep=True)[1] == [1, 0]
    w[7 * 32 + 5] = value  # of a row that only zeros of x are multiplied with
    _native.kept_changed()
    for _ in range(2):
        (got, _), calls = run_bound(plan, x, y, w, keep=True)
        assert calls == [0, 0]
        assert np.isnan(got[:, 5]).all()
        np.testing.assert_array_equal(got, run_bound(never, x, y, w)[0][0])
    w[7 * 32 + 5] = 1
    _native.kept_changed()
    assert run_bound(plan, x, y, w, keep=True)[1] == [1, 0]


def test_plans_tell_of_the_kept_weights_that_they_change():
    x, y, w = few_rows(1)
    x[0, 7] = 0
    plan = bound_products("auto", 1, x.shape[1], y.shape[1], 1)
    assert run_bound(plan, x, y, w, keep=True)[1] == [1, 0]
    writer = _native.Plan(1)
    target, value = writer.add_bound(w.size), writer.add_bound(1)
    writer.add_tile(
        (1,),
        w.size,
        "F",
        [(value, 0, (0,), 0, False), (target, 0, (w.size,), 1, False)],
        [(LOAD, 0, 0, 0, 0, 0), (STORE, 0, 0, 0, 0, 1)],
    )
    writer.finish()
    writer.keep([w])
    writer.run([np.array([np.inf], np.float32)], [], [])
    (got, _), calls = run_bound(plan, x, y, w, keep=True)
    assert calls == [0, 0]
    assert not np.isfinite(got).any()


def test_other_kept_weights_are_looked_at():
    x, y, w = few_rows(1)
    x[0, 7] = 0
    plan = bound_products("auto", 1, x.shape[1], y.shape[1], 1)
    assert run_bound(plan, x, y, w, keep=True)[1] == [1, 0]
    other = panels(np.full((x.shape[1], y.shape[1]), np.nan, np.float32))
    (got, _), calls = run_bound(plan, x, y, other, keep=True)
    assert calls == [0, 0]
    assert np.isnan(got).all()


def test_small_products_are_left_alone():
    for k, n, batch in ((784, 512, 4), (784, 10, 32), (20, 512, 32)):
        x, y, w = data(k, n, 0.02, batch)
        _, table = run(products("auto", k, n, batch), x, y, w, batch)
        assert [row["sparse_calls"] for row in table] == [0, 0]


@pytest.mark.parametrize(
    ("setting", "calls"), [("0", 0), ("1", 0), ("", 0), ("always", BATCHES), (None, 0)]
)
def test_the_environment_decides_first(monkeypatch, setting, calls):
    if setting is None:
        monkeypatch.delenv("HOTLOOP_SPARSE", raising=False)
    else:
        monkeypatch.setenv("HOTLOOP_SPARSE", setting)
    x, y, w = data(200, 128, 0.9)
    _, table = run(products(None, 200, 128), x, y, w)
    assert [row["sparse_calls"] for row in table] == [calls] * 2


def test_the_environment_is_checked():
    code = "import hotloop._native"
    environment = {**os.environ, "HOTLOOP_SPARSE": "yes"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "HOTLOOP_SPARSE='yes' must be 0" in done.stderr


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of never, auto, always, not 'yes'"):
        _native.Plan(1).sparse("yes")
