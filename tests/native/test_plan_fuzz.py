"""Random tile programs against NumPy, bit for bit: small whole numbers make every sum exact."""

import numpy as np
import pytest
from oracle import aligned, run_program

from hotloop import _native

ISAS = _native.supported_isas()


@pytest.fixture(autouse=True)
def defaults():
    yield
    _native.set_num_threads(0)
    _native.select_isa()


class Case:
    """One random program with its buffers."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.batch = 1
        self.buffers, self.slots = [], []  # flat arrays; how to add them
        self.operands, self.instructions, self.reductions = [], [], []
        self.registers = ""
        self.defined = {"Ff": [], "Fi": [], "Rf": [], "Ri": []}
        self.mapped = {}
        self.panels = bool(rng.random() < 0.25)
        sizes = [1, 2, 3, 5, 16, 17, 31, 33, 64, 100] + ([700, 3000] if rng.random() < 0.3 else [])
        nouter = 1 if self.panels else int(rng.integers(0, 4))
        self.outer = tuple(int(rng.choice(sizes[: 12 - 2 * nouter])) for _ in range(nouter))
        self.cols = int(
            rng.choice(
                [1, 2, 3, 10, 15, 16, 17, 32, 33, 48, 64, 100, 128, 257, 2000 if nouter < 2 else 7]
            )
        )
        self.row_programs = bool(rng.random() < 0.5) and not (self.panels and self.cols > 32)
        self.use_inputs = bool(rng.random() < 0.3) and nouter > 0
        if self.use_inputs:
            self.batch = self.outer[0]
        for _ in range(int(rng.integers(1, 4))):
            self.load()
        for _ in range(int(rng.integers(1, 14))):
            rng.choice(
                [
                    self.compute,
                    self.compute,
                    self.compute,
                    self.load,
                    self.store,
                    self.source,
                    self.rows,
                ]
            )()
        self.store(), self.store()
        if rng.random() < 0.4:
            self.reduce()

    def pick(self, kinds):
        have = [r for kind in kinds for r in self.defined[kind]]
        return None if not have else int(self.rng.choice(have))

    def new(self, kind):
        """A new register, or an old one of the same kind overwritten."""
        have = [r for k, rs in self.defined.items() for r in rs if k[0] == kind[0]]
        if have and self.rng.random() < 0.3:
            register = int(self.rng.choice(have))
            for rs in self.defined.values():
                if register in rs:
                    rs.remove(register)
        else:
            register = len(self.registers)
            self.registers += kind[0]
        self.defined[kind].append(register)
        return register

    def emit(self, name, kind, a=0, b=0, c=0, imm=0):
        self.instructions.append((name, self.new(kind), a, b, c, imm))

    def add_buffer(self, size, data=True, kind=None, row_size=0):
        kind = kind or str(
            self.rng.choice(["bound", "bound", "shifted", "const" if data else "bound"])
        )
        buffer = aligned(size, np.int32, shift=1 if kind == "shifted" else 0)
        if data:
            buffer.view(np.float32)[:] = self.rng.integers(-3, 4, size)
        self.buffers.append(buffer)
        self.slots.append((kind, row_size or size))
        return len(self.buffers) - 1

    def layout(self, full, store):
        """A new operand over a new buffer."""
        rng, outer, cols = self.rng, self.outer, self.cols
        dims = [*outer, cols] if full else [*outer]
        if self.panels and full and rng.random() < 0.7:
            gap = int(rng.integers(0, 2)) * 16
            size = (cols + 31) // 32 * 32 * outer[0]
            slot = self.add_buffer(gap + size, kind="bound")
            columns = np.arange((cols + 31) // 32)[:, None, None] * 32 + np.arange(32)
            padding = np.broadcast_to(columns >= cols, (columns.shape[0], outer[0], 32))
            self.buffers[slot][gap:][padding.reshape(-1)] = 0
            return (slot, gap, (0,), 1, True)
        if self.use_inputs and rng.random() < 0.5:
            return self.mapped_layout(dims, full, store)
        style = rng.choice(
            ["plain", "plain", "plain", "transposed", "gaps", "reverse", "broadcast"]
        )
        order = list(range(len(dims)))
        if style == "transposed":
            rng.shuffle(order)
        strides, step = [0] * len(dims), 1
        for d in reversed(order):
            if style == "broadcast" and not store and rng.random() < 0.6:
                continue
            if style == "gaps":
                step += int(rng.integers(0, 3)) if d != len(dims) - 1 or rng.random() < 0.3 else 0
            strides[d] = step
            step *= dims[d]
        offset = int(rng.choice([0, 0, 16, 3]))
        size = offset + 1 + sum(s * (n - 1) for s, n in zip(strides, dims, strict=True))
        if style == "reverse" and not store and dims:
            d = int(rng.integers(len(dims)))
            offset += strides[d] * (dims[d] - 1)
            strides[d] = -strides[d]
        slot = self.add_buffer(size + int(rng.integers(0, 5)), data=not store)
        return (slot, offset, tuple(strides[: len(outer)]), strides[-1] if full else 0, False)

    def mapped_layout(self, dims, full, store):
        strides, step = [0] * len(dims), 1
        for d in range(len(dims) - 1, 0, -1):
            strides[d] = step
            step *= dims[d]
        row_size = step + int(self.rng.integers(0, 3))
        strides[0] = row_size
        kind = "output" if store else "input"
        rows = 3 * self.batch if store else 2 * self.batch + 5
        slot = self.add_buffer(rows * row_size, data=not store, kind=kind, row_size=row_size)
        self.mapped[slot] = row_size
        return (
            slot,
            0,
            tuple(strides[: len(self.outer)]),
            strides[-1] if full and len(dims) > 1 else 0,
            False,
        )

    def load(self):
        full = not self.row_programs or self.rng.random() < 0.7
        self.operands.append(self.layout(full, store=False))
        self.emit("load", "Ff" if full else "Rf", imm=len(self.operands) - 1)

    def store(self):
        full = not self.row_programs or self.rng.random() < 0.7
        register = self.pick(["Ff", "Fi"] if full else ["Rf", "Ri"])
        if register is None:
            return
        bound = [
            i
            for i, o in enumerate(self.operands)
            if self.slots[o[0]][0] in ("bound", "shifted")
            and self.injective(o, full)
            and self.kind_of(i) == full
        ]
        floats = (
            register in self.defined["Ff" if full else "Rf"]
        )  # the second batch loads them as such
        if bound and floats and self.rng.random() < 0.5:
            number = int(self.rng.choice(bound))  # in place
        else:
            self.operands.append(self.layout(full, store=True))
            number = len(self.operands) - 1
        self.instructions.append(("store", 0, register, 0, 0, number))

    def kind_of(self, number):
        for name, dst, a, _, _, imm in self.instructions:
            if imm == number and name in ("load", "store"):
                return self.registers[dst if name == "load" else a] == "F"
        return None

    def injective(self, operand, full):
        _, _, strides, col_stride, panel = operand
        dims = [*self.outer, self.cols] if full else [*self.outer]
        steps = [*strides, col_stride] if full else [*strides]
        return panel or all(s != 0 for s, n in zip(steps, dims, strict=True) if n > 1)

    def compute(self):
        level = "R" if self.row_programs and self.rng.random() < 0.3 else "F"
        floats, ints = [level + "f"], [level + "i"]
        a, b, i, j = self.pick(floats), self.pick(floats), self.pick(ints), self.pick(ints)
        choices = []
        if a is not None:
            choices += [("neg_f", floats, a, 0, 0), ("abs_f", floats, a, 0, 0)]
            choices += [(name, floats, a, b, 0) for name in ("add_f", "sub_f", "max_f", "min_f")]
            choices += [("lt_f", ints, a, b, 0), ("eq_f", ints, a, b, 0)]
        if i is not None:
            choices += [
                ("add_i", ints, i, j, 0),
                ("max_i", ints, i, j, 0),
                ("i2f", floats, i, 0, 0),
            ]
            if a is not None:
                choices += [("select", floats, i, a, b)]
        if choices:
            name, kind, x, y, z = choices[int(self.rng.integers(len(choices)))]
            self.emit(name, kind[0], x, y, z)

    def source(self):
        name = str(self.rng.choice(["const_f", "const_i", "iota_row", "iota_col"]))
        level = "R" if self.row_programs and self.rng.random() < 0.3 and name != "iota_col" else "F"
        kind = level + ("f" if name == "const_f" else "i")
        self.emit(name, kind, imm=int(self.rng.integers(-3, 4)) if "const" in name else 0)

    def rows(self):
        if not self.row_programs:
            return
        if self.rng.random() < 0.4 and self.pick(["Rf", "Ri"]) is not None:
            kind = str(self.rng.choice([k for k in ("Rf", "Ri") if self.defined[k]]))
            self.emit("expand", "F" + kind[1], self.pick([kind]))
        elif self.pick(["Ff"]) is not None:
            name = str(
                self.rng.choice(
                    ["row_sum_f", "row_max_f", "row_min_f", "row_argmax_f", "row_argmin_f"]
                )
            )
            self.emit(name, "Ri" if "arg" in name else "Rf", self.pick(["Ff"]))

    def reduce(self):
        for _ in range(int(self.rng.integers(1, 3))):
            kinds = [
                k
                for k in self.defined
                if self.defined[k] and (k[0] == "F" or not self.panels or self.cols <= 32)
            ]
            kind = str(self.rng.choice(kinds))
            name = str(self.rng.choice(["sum", "max", "min"])) + "_" + kind[1]
            width = self.cols if kind[0] == "F" else 1
            slot = self.add_buffer(width + 2, data=False, kind="bound")
            self.reductions.append((name, self.pick([kind]), slot, 1))

    def run(self, threads, isa):
        """Runs the program natively for batches 1 and 2 and returns every buffer."""
        _native.select_isa(isa)
        _native.set_num_threads(threads)
        plan = _native.Plan(self.batch)
        copies = [self.copy(b) for b in self.buffers]
        groups = {"bound": [], "input": [], "output": []}
        for (kind, size), copy in zip(self.slots, copies, strict=True):
            if kind == "const":
                plan.add_const(copy)
            else:
                group = "bound" if kind == "shifted" else kind
                getattr(plan, f"add_{group}")(size)
                groups[group].append(copy)
        plan.add_tile(
            self.outer, self.cols, self.registers, self.operands, self.instructions, self.reductions
        )
        plan.finish()
        index = self.index() if self.use_inputs and self.rng_index else None
        plan.run(groups["bound"], groups["input"], groups["output"], index, 0, 2)
        return copies

    rng_index = True

    def index(self):
        return np.random.default_rng(5).integers(0, 2 * self.batch + 5, 2 * self.batch)

    @staticmethod
    def copy(buffer):
        new = aligned(buffer.size, np.int32, shift=buffer.ctypes.data % 64 // 4)
        new[:] = buffer
        return new

    def expected(self):
        copies = [self.copy(b) for b in self.buffers]
        floats = [c.view(np.float32) for c in copies]
        index = self.index() if self.rng_index else np.arange(2 * self.batch)
        for batch in range(2):
            span = slice(batch * self.batch, (batch + 1) * self.batch)
            mapped = {}
            for slot, row_size in self.mapped.items():
                rows = (
                    index[span]
                    if self.slots[slot][0] == "input"
                    else np.arange(2 * self.batch)[span]
                )
                mapped[slot] = (rows, row_size)
            run_program(
                self.outer,
                self.cols,
                self.registers,
                self.operands,
                self.instructions,
                self.reductions,
                floats,
                mapped,
            )
        return copies


@pytest.mark.parametrize("seed", range(400))
def test_random_programs(seed):
    case = Case(seed)
    case.rng_index = seed % 3 != 0
    expected = case.expected()
    for threads, isa in [(1, ISAS[0]), (3, ISAS[seed % len(ISAS)])]:
        for slot, (got, want) in enumerate(zip(case.run(threads, isa), expected, strict=True)):
            np.testing.assert_array_equal(
                got, want, err_msg=f"slot {slot} on {threads} threads, {isa}"
            )
