"""Plans driven from Python: every instruction, every form of a product, row mapping, limits."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from oracle import BINARY, ROW, UNARY, aligned, run_program

from hotloop import _native
from hotloop._native import Plan, pack_panels, panels_size, unpack_panels

ISAS = _native.supported_isas()
LOAD = "load"


@pytest.fixture(autouse=True)
def defaults():
    yield
    _native.set_num_threads(0)
    _native.select_isa()


def panels(matrix):
    packed = aligned(panels_size(*matrix.shape))
    pack_panels(np.ascontiguousarray(matrix), packed)
    return packed


def unpacked(packed, k, n):
    matrix = np.empty((k, n), np.float32)
    unpack_panels(packed, matrix)
    return matrix


def one_tile(outer, cols, registers, operands, instructions, arrays, reductions=()):
    """Runs one program over bound arrays, in place."""
    plan = Plan(1)
    for array in arrays:
        plan.add_bound(array.size)
    plan.add_tile(outer, cols, registers, operands, instructions, reductions)
    plan.finish()
    assert plan.run(arrays, [], []) == 1


def whole(number, cols):
    return (number, 0, (cols,), 1, False)


# ---- instructions ------------------------------------------------------------------------------


def test_opcodes_cover_kernels_and_program_instructions():
    assert {
        "add_f",
        "select",
        "row_argmax_i",
        "load",
        "store",
        "const_f",
        "const_i",
        "uniform",
    } <= set(_native.OPCODES)
    assert len(set(_native.OPCODES.values())) == len(_native.OPCODES)
    assert set(_native.COMBINES) == {
        f"{op}_{t}" for op in ("sum", "max", "min", "prod") for t in "fi"
    }


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", [*UNARY, *BINARY, "select"])
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 5), (7, 16), (40, 33)])
def test_elementwise(name, rows, cols, isa):
    _native.select_isa(isa)
    rng = np.random.default_rng(len(name) + rows)
    ints = name.endswith(("_i", "_b")) or name == "i2f"
    kind = np.int32 if ints else np.float32
    low, high = (0, 2) if name.endswith("_b") else (-50, 50)
    inputs = [(rng.uniform(low, high, (rows, cols))).astype(kind) for _ in range(3)]
    if name == "select":
        inputs[0] = rng.integers(0, 2, (rows, cols)).astype(np.int32)
        want = np.where(inputs[0] != 0, inputs[1], inputs[2])
    elif name in UNARY:
        want = UNARY[name](inputs[0])
    else:
        want = BINARY[name](inputs[0], inputs[1])
    out = np.zeros((rows, cols), np.float32)
    one_tile(
        (rows,),
        cols,
        "FFFF",
        [whole(i, cols) for i in range(4)],
        [(LOAD, i, 0, 0, 0, i) for i in range(3)]
        + [(name, 3, 0, 1, 2, 0), ("store", 0, 3, 0, 0, 3)],
        [*inputs, out],
    )
    np.testing.assert_array_equal(out.view(want.dtype), want)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("name", "function", "low", "high"),
    [
        ("exp_f", np.exp, -80, 80),
        ("log_f", np.log, 1e-30, 1e30),
        ("tanh_f", np.tanh, -9, 9),
        ("sigmoid_f", lambda x: 1 / (1 + np.exp(-x)), -80, 80),
        ("sqrt_f", np.sqrt, 0, 1e6),
        ("sin_f", np.sin, -100, 100),
    ],
)
def test_transcendental_kernels_are_reached(name, function, low, high, isa):
    _native.select_isa(isa)
    x = np.linspace(low, high, 1003).astype(np.float32)
    out = np.zeros_like(x)
    code = [(LOAD, 0, 0, 0, 0, 0), (name, 1, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)]
    one_tile((1003,), 1, "FF", [(0, 0, (1,), 0, False), (1, 0, (1,), 0, False)], code, [x, out])
    np.testing.assert_allclose(out, function(x.astype(np.float64)), rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", list(ROW))
@pytest.mark.parametrize("suffix", ["_f", "_i"])
@pytest.mark.parametrize(
    ("rows", "cols"), [(1, 1), (5, 3), (2, 16), (33, 10), (70, 100), (3, 9000)]
)
def test_row_reductions(name, suffix, rows, cols, isa):
    _native.select_isa(isa)
    rng = np.random.default_rng(rows)
    x = (
        rng.integers(-3, 4, (rows, cols))
        if name != "row_prod"
        else rng.choice([-1, 1, 1], (rows, cols))
    )
    x = x.astype(np.float32 if suffix == "_f" else np.int32)
    out = np.zeros(rows, np.float32)
    code = [(LOAD, 0, 0, 0, 0, 0), (name + suffix, 1, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)]
    one_tile((rows,), cols, "FR", [whole(0, cols), (1, 0, (1,), 0, False)], code, [x, out])
    want = ROW[name](x, axis=1)
    np.testing.assert_array_equal(
        out.view(np.int32 if "arg" in name or suffix == "_i" else np.float32), want
    )


@pytest.mark.parametrize("kind", ["sum", "max", "min", "prod"])
@pytest.mark.parametrize("suffix", ["_f", "_i"])
@pytest.mark.parametrize(
    ("rows", "cols"), [(1, 1), (5, 3), (64, 16), (65, 10), (1000, 33), (3, 5000), (5000, 1)]
)
def test_cross_row_reductions(kind, suffix, rows, cols):
    rng = np.random.default_rng(rows)
    x = (
        rng.integers(-3, 4, (rows, cols))
        if kind != "prod"
        else rng.choice([-1, 1, 1], (rows, cols))
    )
    x = x.astype(np.float32 if suffix == "_f" else np.int32)
    columns, total = np.full(cols + 2, 7, x.dtype), np.full(3, 7, x.dtype)
    one_tile(
        (rows,),
        cols,
        "FR",
        [whole(0, cols)],
        [(LOAD, 0, 0, 0, 0, 0), (f"row_{kind}{suffix}", 1, 0, 0, 0, 0)],
        [x, columns, total],
        [(kind + suffix, 0, 1, 1), (kind + suffix, 1, 2, 1)],
    )
    function = getattr(np, kind)
    np.testing.assert_array_equal(columns[1:-1], function(x, axis=0))
    np.testing.assert_array_equal(total, [7, function(x), 7])
    assert columns[0] == columns[-1] == 7


def test_reductions_over_nothing_give_the_neutral_element():
    x, out = np.zeros(0, np.float32), np.full(4, 9, np.float32)
    code = [(LOAD, 0, 0, 0, 0, 0)]
    reductions = [(f"{op}_f", 0, 1, i) for i, op in enumerate(["sum", "max", "min", "prod"])]
    one_tile((0,), 1, "F", [(0, 0, (1,), 1, False)], code, [x, out], reductions)
    np.testing.assert_array_equal(out, [0, -np.inf, np.inf, 1])
    rows = np.full(5, 9, np.float32)
    one_tile(
        (5,),
        0,
        "FR",
        [(0, 0, (0,), 1, False), (1, 0, (1,), 0, False)],
        [(LOAD, 0, 0, 0, 0, 0), ("row_sum_f", 1, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)],
        [x, rows],
    )
    np.testing.assert_array_equal(rows, np.zeros(5))


def philox_words(key, stream, count):
    """Philox4x32-10 in Python integers, straight from the paper."""
    words = []
    for block in range(-(-count // 4)):
        x = [block & 0xFFFFFFFF, block >> 32, stream, 0]
        k = list(key)
        for _ in range(10):
            p0, p1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
            x = [
                (p1 >> 32) ^ x[1] ^ k[0],
                p1 & 0xFFFFFFFF,
                (p0 >> 32) ^ x[3] ^ k[1],
                p0 & 0xFFFFFFFF,
            ]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        words += x
    return np.array(words[:count], np.uint32)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (7, 5), (3, 16), (40, 33), (1, 5001)])
@pytest.mark.parametrize("ragged", [False, True])
def test_uniform_is_philox_of_the_element_number(rows, cols, ragged, isa):
    _native.select_isa(isa)
    key = np.array([123456789, -2], np.int32)
    width = cols + 3 if ragged else cols  # with a gap between rows the domain cannot be flattened
    out = np.zeros((rows, width), np.float32)
    code = [("uniform", 0, 0, 0, 0, 77), ("store", 0, 0, 0, 0, 1)]
    one_tile(
        (rows,), cols, "F", [(0, 0, (0,), 1, False), (1, 0, (width,), 1, False)], code, [key, out]
    )
    words = philox_words([123456789, 2**32 - 2], 77, rows * cols)
    want = ((words >> 8).astype(np.float64) * 2.0**-24).reshape(rows, cols)
    np.testing.assert_array_equal(out[:, :cols], want)


def test_many_constants_and_long_programs():
    """More invariants than are kept across tiles, and more registers than usual tiles hold."""
    x = np.arange(300, dtype=np.float32)
    code = [(LOAD, 0, 0, 0, 0, 0)]
    code += [("const_f", i, 0, 0, 0, float(i)) for i in range(1, 40)]
    code += [("mul_f", 40 + i, 0, i, 0, 0) for i in range(1, 40)]
    code += [("add_f", 0, 0, 40 + i, 0, 0) for i in range(1, 40)]
    code += [("store", 0, 0, 0, 0, 0)]
    one_tile((300,), 1, "F" * 80, [(0, 0, (1,), 0, False)], code, [x])
    np.testing.assert_array_equal(x, np.arange(300) * (1 + sum(range(1, 40))))


def test_a_stored_buffer_keeps_its_old_value_for_later_instructions():
    """The value loaded before a store to the same buffer is still the old one after it."""
    for size in (64, 70, 4096):
        x, y = aligned(size), aligned(size)
        x[:] = np.arange(size)
        code = [
            (LOAD, 0, 0, 0, 0, 0),
            ("const_f", 1, 0, 0, 0, 2.0),
            ("mul_f", 2, 0, 1, 0, 0),
            ("store", 0, 2, 0, 0, 0),
            ("add_f", 3, 2, 0, 0, 0),
            ("store", 0, 3, 0, 0, 1),
        ]
        one_tile((size,), 1, "FFFF", [(0, 0, (1,), 0, False), (1, 0, (1,), 0, False)], code, [x, y])
        np.testing.assert_array_equal(x, 2 * np.arange(size))
        np.testing.assert_array_equal(y, 3 * np.arange(size))


# ---- products ----------------------------------------------------------------------------------


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (1, 1, 1),
        (3, 5, 2),
        (12, 32, 7),
        (13, 33, 40),
        (32, 10, 128),
        (65, 70, 17),
        (5, 4, 0),
        (0, 3, 2),
    ],
)
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("layouts", ["rrr", "prr", "ppr", "rpr", "rrp", "ppp"])
def test_products(m, n, k, ta, tb, layouts, isa):
    _native.select_isa(isa)
    rng = np.random.default_rng(m + n + k)
    a, b = (
        rng.integers(-3, 4, (m, k)).astype(np.float32),
        rng.integers(-3, 4, (k, n)).astype(np.float32),
    )
    want = a @ b
    a = np.ascontiguousarray(a.T) if ta else a
    b = np.ascontiguousarray(b.T) if tb else b
    plan = Plan(1)
    c = np.zeros((m, n), np.float32) if layouts[1] == "r" else panels(np.zeros((m, n), np.float32))
    stored_b = panels(b) if layouts[0] == "p" else b
    stored_a = panels(a) if layouts[2] == "p" else a
    slots = [plan.add_bound(x.size) for x in (stored_a, stored_b, c)]
    plan.add_gemm(
        m,
        n,
        k,
        (slots[0], 0, a.shape[1], ta, layouts[2] == "p"),
        (slots[1], 0, b.shape[1], tb, layouts[0] == "p"),
        (slots[2], 0, n, layouts[1] == "p"),
    )
    plan.finish()
    plan.run([stored_a, stored_b, c], [], [])
    np.testing.assert_array_equal(c if layouts[1] == "r" else unpacked(c, m, n), want)
    if layouts[1] == "p":
        np.testing.assert_array_equal(c, panels(want))


@pytest.mark.parametrize("n", [10, 32, 70])
@pytest.mark.parametrize("indexed", [False, True])
def test_a_dense_layer_and_its_update_over_batches(n, indexed):
    """Inputs are read through the index in both roles; the gradient goes into the update."""
    rng = np.random.default_rng(n)
    batch, k, rows = 8, 20, 40
    x = rng.integers(-2, 3, (rows, k)).astype(np.float32)
    w, bias = (
        rng.integers(-2, 3, (k, n)).astype(np.float32),
        rng.integers(-2, 3, n).astype(np.float32),
    )
    plan = Plan(batch)
    xs, ws, bs = plan.add_input(k), plan.add_bound(panels_size(k, n)), plan.add_bound(n)
    out, h = plan.add_output(n), plan.add_arena(batch * n, 0)
    plan.add_gemm(
        batch,
        n,
        k,
        (xs, 0, k, False, False),
        (ws, 0, 0, False, True),
        (h, 0, n, False),
        (
            "FFF",
            [(bs, 0, (0,), 1, False), (out, 0, (n,), 1, False)],
            [
                (LOAD, 1, 0, 0, 0, 0),
                ("add_f", 1, 0, 1, 0, 0),
                ("const_f", 2, 0, 0, 0, 0.0),
                ("max_f", 1, 1, 2, 0, 0),
                ("store", 0, 1, 0, 0, 1),
            ],
        ),
    )
    update = [(LOAD, 1, 0, 0, 0, 0), ("const_f", 2, 0, 0, 0, 0.25), ("mul_f", 0, 0, 2, 0, 0)]
    update += [("sub_f", 1, 1, 0, 0, 0), ("store", 0, 1, 0, 0, 0)]
    plan.add_gemm(
        k,
        n,
        batch,
        (xs, 0, k, True, False),
        (h, 0, n, False, False),
        None,
        ("FFF", [(ws, 0, (0,), 1, True)], update),
    )
    plan.finish()
    index = rng.permutation(rows) if indexed else None
    packed, outputs = panels(w), np.zeros((32, n), np.float32)
    assert plan.run([packed, bias], [x], [outputs], index, 1, 3) == 3
    order = index if indexed else np.arange(rows)
    for s in (1, 2, 3):
        xb = x[order[s * batch : (s + 1) * batch]]
        h = xb @ w
        np.testing.assert_array_equal(outputs[s * batch : (s + 1) * batch], np.maximum(h + bias, 0))
        w = w - np.float32(0.25) * (xb.T @ h)
    np.testing.assert_array_equal(unpacked(packed, k, n), w)
    np.testing.assert_array_equal(packed, panels(w))  # the padding has stayed zero
    assert not outputs[:batch].any()


@pytest.mark.parametrize("n", [1, 10, 32])
def test_an_epilogue_with_row_reductions(n):
    rng = np.random.default_rng(n)
    a, b = rng.random((50, 30), np.float32), rng.random((30, n), np.float32)
    out, sums, copy = (
        np.zeros((50, n), np.float32),
        np.zeros(50, np.float32),
        np.zeros((50, n), np.float32),
    )
    plan = Plan(1)
    slots = [plan.add_bound(x.size) for x in (a, b, out, sums, copy)]
    code = [("row_max_f", 1, 0, 0, 0, 0), ("expand", 2, 1, 0, 0, 0), ("sub_f", 0, 0, 2, 0, 0)]
    code += [("row_sum_f", 1, 0, 0, 0, 0), ("store", 0, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)]
    plan.add_gemm(
        50,
        n,
        30,
        (slots[0], 0, 30, False, False),
        (slots[1], 0, n, False, False),
        (slots[4], 0, n, False),
        ("FRF", [(slots[2], 0, (n,), 1, False), (slots[3], 0, (1,), 0, False)], code),
    )
    plan.finish()
    plan.run([a, b, out, sums, copy], [], [])
    np.testing.assert_allclose(copy, a @ b, rtol=1e-5)
    np.testing.assert_array_equal(out, copy - copy.max(1, keepdims=True))
    np.testing.assert_allclose(sums, out.sum(1), rtol=1e-5, atol=1e-5)


# ---- threads -----------------------------------------------------------------------------------


def training_plan():
    """A two-layer step with softmax and updates, large enough to be shared among threads."""
    batch, k, h, c = 64, 300, 200, 10
    plan = Plan(batch)
    x, w1, w2 = (
        plan.add_input(k),
        plan.add_bound(panels_size(k, h)),
        plan.add_bound(panels_size(h, c)),
    )
    hidden, dh = plan.add_arena(batch * h, 0), plan.add_arena(batch * h, batch * h)
    probs, bias = plan.add_arena(batch * c, 2 * batch * h), plan.add_bound(h)
    loss = plan.add_bound(1)
    plan.add_gemm(
        batch,
        h,
        k,
        (x, 0, k, False, False),
        (w1, 0, 0, False, True),
        None,
        (
            "FF",
            [(bias, 0, (0,), 1, False), (hidden, 0, (h,), 1, False)],
            [
                (LOAD, 1, 0, 0, 0, 0),
                ("add_f", 0, 0, 1, 0, 0),
                ("tanh_f", 0, 0, 0, 0, 0),
                ("store", 0, 0, 0, 0, 1),
            ],
        ),
    )
    softmax = [("row_max_f", 1, 0, 0, 0, 0), ("expand", 2, 1, 0, 0, 0), ("sub_f", 0, 0, 2, 0, 0)]
    softmax += [("exp_f", 0, 0, 0, 0, 0), ("row_sum_f", 1, 0, 0, 0, 0), ("expand", 2, 1, 0, 0, 0)]
    softmax += [("div_f", 0, 0, 2, 0, 0), ("store", 0, 0, 0, 0, 0)]
    plan.add_gemm(
        batch,
        c,
        h,
        (hidden, 0, h, False, False),
        (w2, 0, 0, False, True),
        None,
        ("FRF", [(probs, 0, (c,), 1, False)], softmax),
    )
    plan.add_gemm(
        batch, h, c, (probs, 0, c, False, False), (w2, 0, 0, True, True), (dh, 0, h, False)
    )
    update = [(LOAD, 1, 0, 0, 0, 0), ("const_f", 2, 0, 0, 0, 1e-3), ("mul_f", 0, 0, 2, 0, 0)]
    update += [("sub_f", 1, 1, 0, 0, 0), ("store", 0, 1, 0, 0, 0)]
    plan.add_gemm(
        h,
        c,
        batch,
        (hidden, 0, h, True, False),
        (probs, 0, c, False, False),
        None,
        ("FFF", [(w2, 0, (0,), 1, True)], update),
    )
    plan.add_gemm(
        k,
        h,
        batch,
        (x, 0, k, True, False),
        (dh, 0, h, False, False),
        None,
        ("FFF", [(w1, 0, (0,), 1, True)], update),
    )
    plan.add_tile(
        (batch,),
        h,
        "FR",
        [(dh, 0, (h,), 1, False)],
        [(LOAD, 0, 0, 0, 0, 0), ("exp_f", 0, 0, 0, 0, 0), ("row_sum_f", 1, 0, 0, 0, 0)],
        [("sum_f", 0, bias, 0), ("sum_f", 1, loss, 0)],
    )
    plan.add_tile(
        (h,),
        1,
        "FF",
        [(bias, 0, (1,), 0, False)],
        [
            (LOAD, 0, 0, 0, 0, 0),
            ("const_f", 1, 0, 0, 0, 1e-4),
            ("mul_f", 0, 0, 1, 0, 0),
            ("store", 0, 0, 0, 0, 0),
        ],
    )
    plan.finish()
    rng = np.random.default_rng(0)
    data = rng.random((640, k), np.float32)
    weights = [panels(rng.normal(0, 0.1, s).astype(np.float32)) for s in ((k, h), (h, c))]
    state = [*weights, np.zeros(h, np.float32), np.zeros(1, np.float32)]
    return plan, state, data, rng.permutation(640)


def bits(isa, threads, profile=False):
    _native.select_isa(isa)
    _native.set_num_threads(threads)
    plan, state, data, index = training_plan()
    plan.profile(profile)
    assert plan.run(state, [data], [], index, 0, 10) == 10
    table = plan.profile_table()
    assert any(row["parallel"] for row in table)
    assert all(row["calls"] == (10 if profile else 0) for row in table)
    return [a.view(np.int32).copy() for a in state]


@pytest.mark.parametrize("isa", ISAS)
def test_the_same_bits_on_any_number_of_threads(isa):
    one = bits(isa, 1)
    assert all(np.isfinite(a.view(np.float32)).all() for a in one)
    for threads in (2, 3, 8):
        for got, want in zip(bits(isa, threads, profile=threads == 3), one, strict=True):
            np.testing.assert_array_equal(got, want)


def test_the_same_bits_on_the_fused_instruction_sets():
    fused = [isa for isa in ISAS if isa != "portable"]
    if len(fused) < 2:
        pytest.skip("needs two instruction sets with fused multiply-add")
    first = bits(fused[0], 2)
    for isa in fused[1:]:
        for got, want in zip(bits(isa, 2), first, strict=True):
            np.testing.assert_array_equal(got, want)


def test_one_plan_runs_on_one_thread_at_a_time():
    plan, state, data, _ = training_plan()
    seen, running = [], threading.Event()

    def second():
        running.wait()
        for _ in range(200):
            try:
                plan.run(state, [data], [], None, 0, 1)
            except RuntimeError as error:
                seen.append(str(error))
                break
            time.sleep(0.001)
        plan.stop()

    thread = threading.Thread(target=second)
    thread.start()
    running.set()
    index = np.zeros(64 * 200_000, np.int64)
    try:
        done = plan.run(state, [data], [], index, 0, 200_000, budget=20.0)
    except RuntimeError as error:  # the other thread was first
        seen.append(str(error))
        done = 0
    thread.join()
    assert seen
    assert "running" in seen[0]
    assert done < 200_000


def test_other_threads_run_python_meanwhile():
    plan, state, data, _ = training_plan()
    index = np.zeros(64 * 200_000, np.int64)
    ticks = []
    thread = threading.Thread(
        target=lambda: [(ticks.append(1), time.sleep(0.002)) for _ in range(20)]
    )
    thread.start()
    plan.run(state, [data], [], index, 0, 200_000, budget=0.3)
    assert len(ticks) > 5
    thread.join()


def test_budget_ends_a_run_early():
    plan, state, data, _ = training_plan()
    index = np.zeros(64 * 200_000, np.int64)
    begin = time.perf_counter()
    done = plan.run(state, [data], [], index, 0, 200_000, budget=0.05)
    assert 1 <= done < 200_000
    assert time.perf_counter() - begin < 5
    assert 1 <= plan.run(state, [data], [], index, 0, 200_000, budget=1e-9) < 100


def test_interrupts_are_answered_within_a_batch_or_between_batches():
    plan, state, data, _ = training_plan()
    index = np.zeros(64 * 2_000_000, np.int64)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        plan.run(state, [data], [], index, 0, 2_000_000)
    assert time.perf_counter() - begin < 5
    timer.join()
    # One batch of many seconds.
    size = 1 << 22
    long = Plan(1)
    slot = long.add_bound(size)
    code = [(LOAD, 0, 0, 0, 0, 0)] + [("pow_f", 0, 0, 0, 0, 0), ("sin_f", 0, 0, 0, 0, 0)] * 300
    long.add_tile((size,), 1, "F", [(slot, 0, (1,), 0, False)], [*code, ("store", 0, 0, 0, 0, 0)])
    long.finish()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        long.run([np.ones(size, np.float32)], [], [])
    assert time.perf_counter() - begin < 3
    timer.join()


def test_a_forked_child_runs_on_one_thread():
    code = """
import os, sys, numpy as np
sys.path.insert(0, sys.argv[1])
from test_plan import training_plan
from hotloop import _native
_native.set_num_threads(2)
def work():
    plan, state, data, index = training_plan()
    plan.run(state, [data], [], index, 0, 5)
    return state[0].tobytes()
want = work()
pid = os.fork()
if pid == 0:
    os._exit(0 if _native.get_num_threads() == 1 and work() == want else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, folder], timeout=60, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


# ---- machine -----------------------------------------------------------------------------------


def test_threads_and_instruction_sets_are_settable():
    _native.set_num_threads(3)
    assert _native.get_num_threads() == 3
    _native.set_num_threads(0)
    assert _native.get_num_threads() >= 1
    with pytest.raises(ValueError, match="-1"):
        _native.set_num_threads(-1)
    for isa in ISAS:
        _native.select_isa(isa)
        assert _native.isa() == isa
    with pytest.raises(ValueError, match="portable"):
        _native.select_isa("sse9")
    assert _native.isa() == ISAS[-1]
    info = _native.build_info()
    assert info["isas"] == ISAS
    assert info["compiler"]


def test_importing_starts_no_thread_and_an_unknown_isa_is_refused():
    code = "import os; from hotloop import _native; print(len(os.listdir('/proc/self/task')))"
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    if os.path.isdir("/proc/self/task"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
        assert done.stdout == "1\n", done.stderr
    done = subprocess.run(
        [sys.executable, "-c", "import hotloop._native"],
        capture_output=True,
        text=True,
        env={**env, "HOTLOOP_ISA": "vax"},
    )
    assert done.returncode != 0
    assert "HOTLOOP_ISA='vax'" in done.stderr
    assert "portable" in done.stderr


@pytest.mark.parametrize(("k", "n"), [(1, 1), (5, 32), (7, 33), (784, 10), (0, 5), (5, 0)])
def test_panels_round_trip(k, n):
    matrix = np.random.default_rng(0).random((k, n), np.float32)
    packed = panels(matrix)
    np.testing.assert_array_equal(unpacked(packed, k, n), matrix)
    assert np.count_nonzero(packed) == np.count_nonzero(matrix)
    with pytest.raises(ValueError, match="panels"):
        pack_panels(matrix, np.zeros(packed.size + 1, np.float32))
    with pytest.raises(ValueError, match="2 dimensions"):
        pack_panels(matrix.reshape(-1), packed)


def test_the_oracle_and_the_plan_agree_on_a_batch_of_rows():
    """One hand-written case with rows through the index: an anchor for the random tests."""
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    out = np.zeros((3, 2), np.float32)
    index = np.array([5, 0, 3])
    code = [(LOAD, 0, 0, 0, 0, 0), ("store", 0, 0, 0, 0, 1)]
    plan = Plan(3)
    operands = [(plan.add_input(2), 0, (2,), 1, False), (plan.add_output(2), 0, (2,), 1, False)]
    plan.add_tile((3,), 2, "F", operands, code)
    plan.finish()
    plan.run([], [x], [out], index)
    np.testing.assert_array_equal(out, x[index])
    flat = [x.reshape(-1), np.zeros(6, np.float32)]
    run_program((3,), 2, "F", operands, code, [], flat, {0: (index, 2), 1: (np.arange(3), 2)})
    np.testing.assert_array_equal(flat[1].reshape(3, 2), x[index])


def doubling_plan():
    """b := 2 * a."""
    plan = Plan(1)
    a, b = plan.add_bound(4), plan.add_bound(4)
    operands = [(slot, 0, (0,), 1, False) for slot in (a, b)]
    instructions = [("load", 0, 0, 0, 0, 0), ("add_f", 1, 0, 0, 0, 0), ("store", 0, 1, 0, 0, 1)]
    plan.add_tile((1,), 4, "FF", operands, instructions)
    plan.finish()
    return plan


def test_kept_arrays_need_not_be_given():
    plan = doubling_plan()
    a, out = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    plan.keep([a])
    assert plan.run([out], [], []) == 1
    np.testing.assert_array_equal(out, 2 * a)
    a += 1
    plan.run((out,), (), ())
    np.testing.assert_array_equal(out, 2 * a)
    plan.keep([np.full(4, 7, np.float32), out])  # lives as long as it is kept
    plan.run([], [], [])
    np.testing.assert_array_equal(out, 14)
    plan.keep([])
    plan.run([a, out], [], [])
    np.testing.assert_array_equal(out, 2 * a)


def test_kept_arrays_are_checked():
    plan = doubling_plan()
    a = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="needs 2 bound arrays, not 3"):
        plan.keep([a, a, a])
    with pytest.raises(ValueError, match="bound array 1 cannot be used"):
        plan.keep([a, memoryview(a).toreadonly()])
    with pytest.raises(ValueError, match="bound array 0 must be C-contiguous"):
        plan.keep([np.zeros(8, np.float32)[::2]])
    plan.keep([np.zeros(3, np.float32)])
    with pytest.raises(ValueError, match="3 elements"):
        plan.run([a], [], [])
    with pytest.raises(ValueError, match="needs 1 bound arrays"):
        plan.run([a, a], [], [])
