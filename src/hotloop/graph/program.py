"""Tile programs: the instructions of one cluster.

Registers are assigned once; the native compiler shares them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop.graph.passes.domain import ROW_LIMIT
from hotloop.graph.passes.fuse import Cluster
from hotloop.graph.passes.operations import EXPAND, FLAT, Leaf, Op, Ref, Splat
from hotloop.graph.passes.view import spread

_SUFFIX = {"float32": "f", "int32": "i", "bool": "i"}
_LOGIC = frozenset(("not", "and", "or", "xor"))
_CASTS = {
    ("float32", "int32"): "f2i",
    ("int32", "float32"): "i2f",
    ("bool", "float32"): "i2f",
    ("float32", "bool"): "f2b",
    ("int32", "bool"): "i2b",
}
_ROWREDS = {
    "sum": "row_sum",
    "amax": "row_max",
    "amin": "row_min",
    "prod": "row_prod",
    "argmax": "row_argmax",
    "argmin": "row_argmin",
}
COMBINES = {"sum": "sum", "amax": "max", "amin": "min", "prod": "prod"}

Memory = tuple[int, int]  # slot, offset


class Program:
    """Writes the program of a cluster. `slot_of(root)` says where memory is."""

    def __init__(self, cluster: Cluster, slot_of: Callable[[Any], int]):
        self.outer, self.cols = cluster.domain.outer_and_cols()
        self.registers: list[str] = []
        self.operands: list[tuple[int, int, tuple[int, ...], int, bool]] = []
        self.instructions: list[tuple[str, int, int, int, int, Any]] = []
        self.reductions: list[tuple[str, int, int, int]] = []
        self.columns_first: list[tuple[Op, int]] = []  # totals that take a second step
        self._cluster = cluster
        self._slot_of = slot_of
        self._dims = [*self.outer, self.cols]
        self._operand_numbers: dict[Any, int] = {}
        self._loads: dict[Any, int] = {}
        self._consts: dict[Any, int] = {}
        self._values: dict[Op, int] = {}
        self._expanded: dict[Op, int] = {}

    # -- pieces ------------------------------------------------------------------------------------

    def _register(self, full: bool) -> int:
        self.registers.append("F" if full else "R")
        return len(self.registers) - 1

    def _emit(self, name: str, full: bool, a: int = 0, b: int = 0, c: int = 0, imm: Any = 0) -> int:
        dst = self._register(full)
        self.instructions.append((name, dst, a, b, c, imm))
        return dst

    def _operand(
        self, slot: int, ref: Ref, full: bool, panel: bool, walk: tuple[list[int], list[int]]
    ) -> int:
        """The number of an operand, the same for the same place."""
        if panel:
            operand: Any = (slot, ref.offset, (), 1, True)
        else:
            dims, strides = walk
            if full:
                steps = spread(dims, strides, self._dims)
            else:
                steps = [*spread(dims, strides, self._dims[:-1]), 0]
            operand = (slot, ref.offset, tuple(steps[:-1]), steps[-1], False)
        key = (operand, full)
        number = self._operand_numbers.get(key)
        if number is None:
            number = self._operand_numbers[key] = len(self.operands)
            self.operands.append(operand)
        return number

    def _load(self, ref: Ref, full: bool) -> int:
        root = ref.root
        panel = isinstance(root, Leaf) and root.panel
        slot = self._slot_of(root)
        number = self._operand(slot, ref, full, panel, (ref.dims, ref.strides))
        value = self._loads.get(number)
        if value is None:
            value = self._loads[number] = self._emit("load", full, imm=number)
        return value

    def _constant(self, splat: Splat, full: bool) -> int:
        key = (splat.value.tobytes(), splat.dtype, full)
        value = self._consts.get(key)
        if value is None:
            if splat.dtype == "float32":
                value = self._emit("const_f", full, imm=float(splat.value))
            else:
                value = self._emit("const_i", full, imm=int(splat.value))
            self._consts[key] = value
        return value

    def _value(self, arg: Any, full: bool) -> int:
        """The register that holds an operand."""
        if isinstance(arg, Splat):
            return self._constant(arg, full)
        root = arg.root
        if isinstance(root, Op) and root in self._values:
            if arg.kind == FLAT:
                return self._values[root]
            assert arg.kind == EXPAND
            wide = self._expanded.get(root)
            if wide is None:
                wide = self._expanded[root] = self._emit("expand", True, self._values[root])
            return wide
        return self._load(arg, full)

    # -- operations --------------------------------------------------------------------------------

    def write(
        self,
        homes: Callable[[Op], list[tuple[int, int]]],
        slot_of_variable: Callable[[Leaf], int],
    ) -> None:
        """All operations. `homes(op)`: slots of its result, with the batch size of rows or 0."""
        cluster = self._cluster
        last_read: dict[Leaf, int] = {}
        for at, op in enumerate(cluster.ops):
            for arg in op.args:
                if isinstance(arg, Ref) and isinstance(arg.root, Leaf):
                    last_read[arg.root] = at
        postponed: list[tuple[int, int]] = []
        if cluster.gemm is not None:
            self._values[cluster.gemm] = self._register(True)
        for at, op in enumerate(cluster.ops):
            if op.kind == "gemm":
                self._store_all(op, True, homes(op))
                continue
            full = cluster.full(op)
            if op.kind == "map":
                self._values[op] = self._map(op, full)
                self._store_all(op, full, homes(op))
            elif op.kind == "uniform":
                (key,) = op.args
                slot = self._slot_of(key.root)
                operand = (slot, key.offset, (0,) * len(self.outer), 0, False)
                self.operands.append(operand)
                number = len(self.operands) - 1
                self._values[op] = self._emit("uniform", full, number, imm=op.imm)
                self._store_all(op, full, homes(op))
            elif op.kind == "rowred":
                a = self._value(op.args[0], True)
                name = f"{_ROWREDS[op.name]}_{_SUFFIX[_dtype(op.args[0])]}"
                self._values[op] = self._emit(name, False, a)
                self._store_all(op, False, homes(op))
            elif op.kind in ("columns", "total"):
                self._reduce(op, full, homes(op))
            elif op.kind == "part":
                assert op.view is not None
                a = self._value(op.args[0], full)
                walk = (op.view.dims, op.view.strides)
                number = self._operand(self._slot_of(op.buffer), op.view, full, False, walk)
                self._store(a, number)
            else:
                leaf = op.variable
                assert leaf is not None
                a = self._value(op.args[0], full)
                number = self._operand(
                    slot_of_variable(leaf), op.args[0], full, leaf.panel, ([leaf.size], [1])
                )
                if last_read.get(leaf, -1) > at:
                    postponed.append((a, number))
                else:
                    self._store(a, number)
        for a, number in postponed:
            self._store(a, number)

    def _store(self, register: int, operand: int) -> None:
        self.instructions.append(("store", 0, register, 0, 0, operand))

    def _store_all(self, op: Op, full: bool, homes: list[tuple[int, int]]) -> None:
        for slot, batch in homes:
            walk = ([op.size], [1]) if not batch else _rows(op.size, batch)
            plain = Ref(op, walk[0], walk[1], 0, op.size, FLAT)
            self._store(self._values[op], self._operand(slot, plain, full, False, walk))

    def _map(self, op: Op, full: bool) -> int:
        values = [self._value(arg, full) for arg in op.args]
        name = op.name
        if name == "copy":
            return values[0]
        if name == "cast":
            cast = _CASTS.get((_dtype(op.args[0]), op.dtype))
            return values[0] if cast is None else self._emit(cast, full, values[0])
        if name in _LOGIC:
            name = f"{name}_b"
        elif name != "select":
            name = f"{name}_{_SUFFIX[_dtype(op.args[0])]}"
        return self._emit(name, full, *values)

    def _reduce(self, op: Op, full: bool, homes: list[tuple[int, int]]) -> None:
        (arg,) = op.args
        suffix = _SUFFIX[op.dtype]
        combine = f"{COMBINES[op.name]}_{suffix}"
        if op.kind == "columns":
            value = self._value(arg, True)
            self.reductions += [(combine, value, slot, 0) for slot, _ in homes]
            return
        value = self._value(arg, full)
        if full and self._cluster.domain.exact and self.cols > ROW_LIMIT:
            # Rows are not whole in panels: columns first, their total in a step of its own.
            self.columns_first.append((op, value))
            return
        if full:
            value = self._emit(f"{_ROWREDS[op.name]}_{suffix}", False, value)
        self.reductions += [(combine, value, slot, 0) for slot, _ in homes]


def _dtype(arg: Any) -> str:
    return arg.dtype if isinstance(arg, Splat) else arg.root.dtype


def _rows(size: int, batch: int) -> tuple[list[int], list[int]]:
    """The walk over rows of a batch."""
    row = size // batch
    return ([batch, row], [row, 1]) if row > 1 else ([batch], [1])
