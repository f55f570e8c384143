"""Chains: found in programs however they are written, and the same bits as without them."""

import numpy as np
import pytest
from oracle import aligned

from hotloop import _native
from hotloop._native import Plan, pack_panels, panels_size

ISAS = _native.supported_isas()

# name -> (names of vectors, of scalars, steps, values stored over which vector)
UPDATE = ["mul c g g", "mul d c share", "mul a v rho", "add v2 a d"]
CHAINS = {
    "adam": (
        "g m v w",
        "s1 s2 rate epsilon",
        [
            *("sub a g m", "mul b a s1", "add m2 m b", "mul c g g", "sub d c v", "mul e d s2"),
            *("add v2 v e", "mul f m2 rate", "sqrt h v2", "add i h epsilon", "div j f i"),
            "sub w2 w j",
        ],
        {"m": "m2", "v": "v2", "w": "w2"},
    ),
    "adamw": (
        "g m v w",
        "s1 s2 rate epsilon decay",
        [
            *("sub a g m", "mul b a s1", "add m2 m b", "mul c g g", "sub d c v", "mul e d s2"),
            *("add v2 v e", "mul f m2 rate", "sqrt h v2", "add i h epsilon", "div j f i"),
            *("mul k w decay", "sub l w k", "sub w2 l j"),
        ],
        {"m": "m2", "v": "v2", "w": "w2"},
    ),
    "nadam": (
        "g m v w",
        "s1 s2 rate share of_root epsilon",
        [
            *("sub a g m", "mul b a s1", "add m2 m b", "mul c g g", "sub d c v", "mul e d s2"),
            *("add v2 v e", "mul f m2 rate", "mul n g share", "add o f n", "sqrt h v2"),
            *("mul q h of_root", "add i q epsilon", "div j o i", "sub w2 w j"),
        ],
        {"m": "m2", "v": "v2", "w": "w2"},
    ),
    "adagrad": (
        "g v w",
        "rate epsilon",
        [
            *("mul a g g", "add v2 v a", "mul b g rate", "add c v2 epsilon", "sqrt d c"),
            *("div e b d", "sub w2 w e"),
        ],
        {"v": "v2", "w": "w2"},
    ),
    "lion": (
        "g m w",
        "momentum share rate",
        [
            *("mul a m momentum", "mul b g share", "add c a b", "sign d c", "mul e d rate"),
            "sub w2 w e",
        ],
        {"w": "w2"},
    ),
    "lion_decay": (
        "g m w",
        "momentum share rate decay",
        [
            *("mul a m momentum", "mul b g share", "add c a b", "sign d c", "mul e d rate"),
            *("mul f w decay", "sub h w f", "sub w2 h e"),
        ],
        {"w": "w2"},
    ),
    "blend": ("g y", "rho share", ["mul a g rho", "mul b y share", "add c a b"], {"y": "c"}),
    "rmsprop": (
        "g v w",
        "rho share rate epsilon",
        [*UPDATE, "mul e g rate", "add f v2 epsilon", "sqrt h f", "div i e h", "sub w2 w i"],
        {"v": "v2", "w": "w2"},
    ),
    "rmsprop_momentum": (
        "g v m w",
        "rho share momentum rate epsilon",
        [
            *(*UPDATE, "mul b m momentum", "mul e g rate", "add f v2 epsilon", "sqrt h f"),
            *("div i e h", "add m2 b i", "sub w2 w m2"),
        ],
        {"v": "v2", "m": "m2", "w": "w2"},
    ),
    "rmsprop_centered": (
        "g v m w",
        "rho share rate epsilon",
        [
            *(*UPDATE, "mul b m rho", "mul k g share", "add m2 b k", "mul e g rate"),
            *("mul l m2 m2", "sub o v2 l", "add f o epsilon", "sqrt h f", "div i e h"),
            "sub w2 w i",
        ],
        {"v": "v2", "m": "m2", "w": "w2"},
    ),
    "nesterov": (
        "g m w",
        "momentum rate",
        [
            *("mul a m momentum", "mul b g rate", "sub m2 a b", "mul c m2 momentum"),
            *("sub d c b", "add w2 w d"),
        ],
        {"m": "m2", "w": "w2"},
    ),
    "momentum": (
        "g m w",
        "momentum rate",
        ["mul a m momentum", "mul b g rate", "sub m2 a b", "add w2 w m2"],
        {"m": "m2", "w": "w2"},
    ),
    "sgd": ("g w", "rate", ["mul a g rate", "sub w2 w a"], {"w": "w2"}),
    "bias_relu": (
        "g bias",
        "zero",
        ["add a g bias", "le b a zero", "select c b zero a"],
        {"bias": "c"},
    ),
    "relu_mask": ("g y", "zero", ["le a y zero", "select b a zero g"], {"y": "b"}),
}
SCALARS = {
    "s1": 0.1,
    "s2": 0.001,
    "rate": 0.01,
    "epsilon": 1e-7,
    "decay": 4e-6,
    "of_root": 1.5,
    "rho": 0.9,
    "share": 0.1,
    "momentum": 0.9,
    "zero": 0.0,
}


@pytest.fixture(autouse=True)
def defaults():
    yield
    _native.set_num_threads(0)
    _native.select_isa()


def opcode(name):
    return name if name == "select" else f"{name}_f"


def program(chain, places, rng=None, epilogue=False, kind="F", turned=False):
    """(registers, instructions) of a chain on the operands `places` (of the vectors, without the
    product in an epilogue; the last one is a scalar in memory). With `rng`: in another order."""
    vectors, scalars, steps, results = CHAINS[chain]
    vectors, scalars = vectors.split(), scalars.split()
    made = {}
    lines = []  # (name made, opcode, names read, immediate)
    for v in vectors:
        if v == "g" and epilogue:
            made[v] = ()
        else:
            lines.append((v, "load", (), places[v]))
    for i, s in enumerate(scalars):
        if i == 0 and "scalar" in places:
            lines.append((s, "load", (), places["scalar"]))
        else:
            lines.append((s, "const_f", (), SCALARS[s]))
    for step in steps:
        op, dst, *reads = step.split()
        if turned and op in ("add", "mul"):
            reads.reverse()
        lines.append((dst, opcode(op), tuple(reads), 0))
    if rng is not None:  # any order that makes values before they are read
        waiting, lines = lines, []
        while waiting:
            ready = [i for i, line in enumerate(waiting) if all(r in made for r in line[2])]
            lines.append(waiting.pop(int(rng.choice(ready))))
            made[lines[-1][0]] = ()
    free = list(range(1 if epilogue else 0, len(lines) + 1))
    if rng is not None:
        rng.shuffle(free)
    number = {"g": 0} if epilogue else {}
    instructions = []
    for dst, op, reads, imm in lines:
        number[dst] = int(free.pop(0))
        a, b, c = (*(number[r] for r in reads), 0, 0, 0)[:3]
        instructions.append((op, number[dst], a, b, c, imm))
    for vector, value in results.items():
        instructions.append(("store", 0, number[value], 0, 0, places[vector]))
    return kind * (len(lines) + 1), instructions


def numbers(size, rng, seed_of):
    """Ordinary numbers, some exact zeros; not negative where a root will be taken."""
    values = rng.normal(0, 1, size).astype(np.float32)
    values[rng.random(size) < 0.1] = 0
    return np.abs(values) if seed_of == "v" else values


def compare(make, arrays, isa, chain):
    """Runs `make(plan)` with and without chains on copies of the arrays."""
    _native.select_isa(isa)
    _native.set_num_threads(1)
    seen = {}
    for enabled in (True, False):
        plan = Plan(1)
        plan.chains(enabled)
        copies = []
        for array in arrays:
            copies.append(aligned(array.size))
            copies[-1][:] = array
            plan.add_bound(array.size)
        make(plan)
        plan.finish()
        assert plan.run(copies, [], [], None, 0, 3) == 3
        names = [row["chain"] for row in plan.profile_table()]
        assert names == ([chain] if enabled else [""])
        seen[enabled] = copies
    changed = False
    for with_chain, without, before in zip(seen[True], seen[False], arrays, strict=True):
        np.testing.assert_array_equal(with_chain.view(np.int32), without.view(np.int32))
        changed |= not np.array_equal(with_chain, before)
    assert changed


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(("m", "n"), [(1, 32), (5, 10), (14, 31), (30, 33), (29, 64), (43, 100)])
def test_as_the_epilogue_of_a_weight_gradient(chain, m, n, isa):
    rng = np.random.default_rng(m + n)
    vectors = [v for v in CHAINS[chain][0].split() if v != "g"]
    k = 7
    arrays = [rng.normal(0, 1, k * m).astype(np.float32), rng.normal(0, 1, k * n)]
    operands, places = [], {}
    for v in vectors:
        packed = aligned(panels_size(m, n))
        pack_panels(numbers(m * n, rng, v).reshape(m, n), packed)
        places[v] = len(operands)
        operands.append((len(arrays), 0, (), 1, True))
        arrays.append(packed)
    places["scalar"] = len(operands)
    operands.append((len(arrays), 0, (0,), 0, False))
    arrays.append(np.full(1, SCALARS[CHAINS[chain][1].split()[0]], np.float32))

    def make(plan):
        registers, instructions = program(chain, places, epilogue=True)
        epilogue = (registers, operands, instructions)
        plan.add_gemm(m, n, k, (0, 0, m, True, False), (1, 0, n, False, False), None, epilogue)

    compare(make, arrays, isa, chain)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(("m", "n", "ld"), [(4, 10, 10), (7, 33, 48), (13, 96, 96)])
def test_as_the_epilogue_of_a_product_in_rows(chain, m, n, ld, isa):
    rng = np.random.default_rng(m * n)
    vectors = [v for v in CHAINS[chain][0].split() if v != "g"]
    k = 5
    arrays = [rng.normal(0, 1, m * k), rng.normal(0, 1, k * n)]
    operands, places = [], {}
    for v in vectors:
        places[v] = len(operands)
        operands.append((len(arrays), 0, (ld,), 1, False))
        arrays.append(numbers(m * ld, rng, v))

    def make(plan):
        registers, instructions = program(chain, places, epilogue=True)
        epilogue = (registers, operands, instructions)
        plan.add_gemm(m, n, k, (0, 0, k, False, False), (1, 0, n, False, False), None, epilogue)

    compare(make, arrays, isa, chain)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(("rows", "cols", "ld"), [(1, 10, 10), (1, 4096, 4096), (6, 33, 40)])
@pytest.mark.parametrize("turned", [False, True])
def test_as_a_tile_program(chain, rows, cols, ld, turned, isa):
    rng = np.random.default_rng(rows + cols)
    arrays, operands, places = [], [], {}
    for v in CHAINS[chain][0].split():
        places[v] = len(operands)
        operands.append((len(arrays), 0, (ld,), 1, False))
        arrays.append(numbers(rows * ld, rng, v))
    registers, instructions = program(chain, places, turned=turned)
    compare(
        lambda plan: plan.add_tile((rows,), cols, registers, operands, instructions),
        arrays,
        isa,
        chain,
    )


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_instructions_and_registers_does_not_matter(chain, seed):
    rng = np.random.default_rng(seed)
    arrays, operands, places = [], [], {}
    for v in CHAINS[chain][0].split():
        places[v] = len(operands)
        operands.append((len(arrays), 0, (48,), 1, False))
        arrays.append(numbers(9 * 48, rng, v))
    registers, instructions = program(chain, places, rng=rng, turned=seed % 2 == 1)
    compare(
        lambda plan: plan.add_tile((9,), 40, registers, operands, instructions),
        arrays,
        ISAS[-1],
        chain,
    )


def names_of(instructions, operands, arrays, reductions=()):
    """The chain of a tile program, after checking it against its interpretation."""
    results = {}
    for enabled in (True, False):
        plan = Plan(1)
        plan.chains(enabled)
        copies = [aligned(a.size) for a in arrays]
        for copy, array in zip(copies, arrays, strict=True):
            copy[:] = array
            plan.add_bound(array.size)
        plan.add_tile((3,), 32, "F" * 12, operands, instructions, reductions)
        plan.finish()
        plan.run(copies, [], [])
        results[enabled] = copies
        if enabled:
            name = plan.profile_table()[0]["chain"]
    for a, b in zip(results[True], results[False], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))
    return name


SGD = [
    ("load", 0, 0, 0, 0, 0),
    ("load", 1, 0, 0, 0, 1),
    ("const_f", 2, 0, 0, 0, 0.5),
    ("mul_f", 3, 0, 2, 0, 0),
    ("sub_f", 4, 1, 3, 0, 0),
]
STORE = ("store", 0, 4, 0, 0, 1)


def three_arrays():
    rng = np.random.default_rng(3)
    operands = [(i, 0, (32,), 1, False) for i in range(3)]
    return operands, [rng.normal(0, 1, 96).astype(np.float32) for _ in range(3)]


def test_other_instructions_around_a_chain_stay():
    operands, arrays = three_arrays()
    chain = [SGD[0], ("exp_f", 5, 0, 0, 0, 0), *SGD[1:3], ("mul_f", 3, 5, 2, 0, 0), SGD[4]]
    after = [("tanh_f", 7, 4, 0, 0, 0), STORE, ("store", 0, 7, 0, 0, 2)]
    assert names_of([*chain, *after], operands, arrays) == "sgd"


@pytest.mark.parametrize(
    "extra",
    [
        [("store", 0, 3, 0, 0, 2)],  # the value in between is stored
        [("neg_f", 5, 3, 0, 0, 0), ("store", 0, 5, 0, 0, 2)],  # or used
    ],
)
def test_a_value_that_somebody_else_sees_keeps_its_chain_apart(extra):
    operands, arrays = three_arrays()
    assert names_of([*SGD, STORE, *extra], operands, arrays) == ""


def test_a_value_in_between_that_is_reduced_keeps_its_chain_apart():
    operands, arrays = three_arrays()
    arrays.append(np.zeros(32, np.float32))
    store = [STORE, ("load", 5, 0, 0, 0, 2), ("store", 0, 5, 0, 0, 2)]
    reduce = [("sum_f", 3, 3, 0)]
    assert names_of([*SGD, *store], operands, arrays, reduce) == ""
    reduce = [("sum_f", 4, 3, 0)]  # the result may be
    assert names_of([*SGD, *store], operands, arrays, reduce) == "sgd"


def test_a_scalar_must_be_the_same_everywhere():
    operands, arrays = three_arrays()
    vector = [SGD[0], SGD[1], ("load", 2, 0, 0, 0, 2), *SGD[3:], STORE]
    assert names_of(vector, operands, arrays) == ""


def test_one_value_in_several_roles():
    operands, arrays = three_arrays()
    same = [SGD[0], SGD[2], SGD[3], ("sub_f", 4, 0, 3, 0, 0), ("store", 0, 4, 0, 0, 1)]
    rest = [("load", 5, 0, 0, 0, 2), ("store", 0, 5, 0, 0, 2)]
    assert names_of([*same, *rest], operands, arrays) == "sgd"
    itself = [SGD[0], SGD[2], SGD[3], ("sub_f", 4, 3, 3, 0, 0), ("store", 0, 4, 0, 0, 1)]
    assert names_of([*itself, *rest], operands, arrays) == ""


def test_two_chains_in_one_program():
    operands, arrays = three_arrays()
    second = [("load", 5, 0, 0, 0, 2), ("mul_f", 6, 4, 2, 0, 0), ("sub_f", 7, 5, 6, 0, 0)]
    stores = [STORE, ("store", 0, 7, 0, 0, 2)]
    assert names_of([*SGD, *second, *stores], operands, arrays) == "sgd"


def test_a_store_between_a_load_and_the_chain_that_reads_it():
    operands, arrays = three_arrays()
    early = [*SGD[:4], ("store", 0, 0, 0, 0, 1), SGD[4], ("store", 0, 4, 0, 0, 2)]
    assert names_of(early, operands, arrays) == "sgd"
