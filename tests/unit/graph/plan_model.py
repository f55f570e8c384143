"""The native plan in NumPy: same calls, readable loops, real shared memory. What lowering means.

Programs run over their whole domain at once, one instruction after the other, so the model shows
wrong operands and wrong lives of values, and leaves tiles and threads to the native tests.
"""

from __future__ import annotations

import numpy as np

from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.primitives.sources import philox_words

_BLOCKS = {"search": "searchsorted", "product": "batch_matmul", "scan": "cumsum"}
_REDUCE = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}


def _typed(lanes: np.ndarray, kind: str) -> np.ndarray:
    return lanes.view(np.float32) if kind == "f" else lanes


def _lanes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    if values.dtype != np.float32:
        values = values.astype(np.int32)
    return np.ascontiguousarray(values).view(np.int32)


def _elementwise(name: str, arguments: list[np.ndarray]) -> np.ndarray:
    """A kernel of kernels.def on int32 lanes."""
    if name == "select":
        return np.where(arguments[0] != 0, arguments[1], arguments[2])
    if name == "f2i":
        return _lanes(
            PRIMITIVES["cast"].reference(np.float32, {"dtype": "int32"}, _typed(arguments[0], "f"))
        )
    if name == "i2f":
        return _lanes(arguments[0].astype(np.float32))
    if name == "f2b":
        return _lanes(_typed(arguments[0], "f") != 0)
    if name == "i2b":
        return _lanes(arguments[0] != 0)
    primitive, kind = name.rsplit("_", 1)
    values = [_typed(a, kind) for a in arguments]
    if kind == "b":
        values = [v.astype(bool) for v in values]
    return _lanes(np.asarray(PRIMITIVES[primitive].reference(np.float32, {}, *values)))


def _panel_addresses(offset: int, ld: int, shape: tuple[int, int]) -> np.ndarray:
    assert ld == shape[0]
    row, col = np.arange(shape[0])[:, None], np.arange(shape[1])
    return offset + col // 32 * shape[0] * 32 + row * 32 + col % 32


class Plan:
    """The same calls as `hotloop._native.Plan`."""

    kept_at: object = None

    def __init__(self, batch_size: int):
        self.batch_size = batch_size
        self.slots: list[tuple] = []
        self.steps: list[tuple] = []
        self.counts = {"bound": 0, "input": 0, "output": 0}
        self.arena_size = 0
        self.kept: list = []

    # -- slots -------------------------------------------------------------------------------------

    def _add(self, kind, *what) -> int:
        if kind in self.counts:
            what = (self.counts[kind], *what)
            self.counts[kind] += 1
        self.slots.append((kind, *what))
        return len(self.slots) - 1

    def add_arena(self, size, offset):
        assert size % 16 == 0
        assert offset % 16 == 0
        self.arena_size = max(self.arena_size, offset + size)
        return self._add("arena", size, offset)

    def add_const(self, array):
        assert array.itemsize == 4
        return self._add("const", np.array(array).reshape(-1).view(np.int32))

    def add_bound(self, size):
        return self._add("bound", size)

    def add_input(self, row_size):
        return self._add("input", row_size)

    def add_output(self, row_size):
        return self._add("output", row_size)

    # -- steps -------------------------------------------------------------------------------------

    def add_tile(self, outer, cols, registers, operands, instructions, reductions=()):
        self.steps.append(
            ("tile", tuple(outer), cols, registers, operands, instructions, reductions)
        )

    def add_gemm(self, m, n, k, a, b, c=None, epilogue=None):
        assert (c is None) != (epilogue is None)
        self.steps.append(("gemm", m, n, k, a, b, c, epilogue))

    def add_block(self, kind, target, sources, sizes):
        self.steps.append(("block", kind, target, sources, sizes))

    def finish(self):
        self.arena = np.full(self.arena_size, 0x7FC00BAD, np.int32)

    def keep(self, arrays):
        self.kept = list(arrays)

    def run(self, bound, inputs, outputs, index=None, start=0, steps=1, budget=0.0):
        bound = [*self.kept, *bound]
        assert (len(bound), len(inputs), len(outputs)) == tuple(self.counts.values())
        self._given = {"bound": bound, "input": inputs, "output": outputs}
        for array in (*bound, *inputs, *outputs):
            assert array.flags.c_contiguous
            assert array.itemsize == 4
        for step in range(start, start + steps):
            at = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
            self._rows = {"output": at, "input": at if index is None else index[at]}
            for kind, *what in self.steps:
                {"tile": self._tile, "gemm": self._gemm, "block": self._block}[kind](*what)
        return steps

    # -- memory ------------------------------------------------------------------------------------

    def _memory(self, slot):
        """Lanes of a slot, and the rows of the batch if it is mapped."""
        kind, *what = self.slots[slot]
        if kind == "arena":
            size, offset = what
            return self.arena[offset : offset + size], None
        if kind == "const":
            return what[0], None
        number, size = what
        lanes = self._given[kind][number].reshape(-1).view(np.int32)
        if kind == "bound":
            assert lanes.size == size, (lanes.size, size)
            return lanes, None
        return lanes, (self._rows[kind], size)

    def _addresses(self, operand, outer, cols):
        """Memory and the address of every element of the domain."""
        slot, offset, strides, col_stride, panel = operand
        lanes, rows = self._memory(slot)
        if panel:
            (k,) = outer
            r, c = np.arange(k)[:, None], np.arange(cols)
            return lanes, offset + (c // 32) * k * 32 + r * 32 + c % 32
        address = np.full((*outer, cols), offset, np.int64)
        for axis, (dim, stride) in enumerate(
            zip((*outer, cols), (*strides, col_stride), strict=True)
        ):
            steps = np.arange(dim) * stride
            if axis == 0 and rows is not None:
                assert dim == self.batch_size
                assert dim == 1 or stride == rows[1]
                steps = rows[0] * rows[1]
            address += steps.reshape([-1 if a == axis else 1 for a in range(len(outer) + 1)])
        assert address.size == 0 or (address.min() >= 0 and address.max() < lanes.size)
        return lanes, address

    # -- programs ----------------------------------------------------------------------------------

    def _tile(self, outer, cols, registers, operands, instructions, reductions, product=None):
        values = [None] * len(registers)
        if product is not None:
            values[0] = product.astype(np.float32).view(np.int32)
        for name, dst, a, b, c, imm in instructions:
            if name == "store":
                width = cols if registers[a] == "F" else 1
                lanes, address = self._addresses(operands[imm], outer, width)
                assert np.unique(address).size == address.size
                lanes[address] = values[a]
                continue
            shape = (*outer, cols if registers[dst] == "F" else 1)
            if name == "load":
                lanes, address = self._addresses(operands[imm], outer, shape[-1])
                result = lanes[address]
            elif name == "const_f":
                result = np.full(shape, imm, np.float32).view(np.int32)
            elif name == "const_i":
                result = np.full(shape, imm, np.int32)
            elif name == "expand":
                assert registers[a] == "R"
                result = np.broadcast_to(values[a], shape)
            elif name == "uniform":
                assert registers[dst] == "F" or cols == 1
                slot, offset, *_ = operands[a]
                key = self._memory(slot)[0][offset : offset + 2].view(np.uint32)
                words = philox_words(int(key[0]), int(key[1]), imm, int(np.prod(shape)))
                result = _lanes(((words >> 8) * np.float32(2.0**-24)).astype(np.float32)).reshape(
                    shape
                )
            elif name.startswith("row_"):
                assert registers[a] == "F"
                assert registers[dst] == "R"
                _, operation, kind = name.split("_")
                x = _typed(values[a], kind)
                if operation.startswith("arg"):
                    result = getattr(np, operation)(x, axis=-1, keepdims=True).astype(np.int32)
                else:
                    result = _lanes(
                        _REDUCE[operation](x, axis=-1, keepdims=True, dtype=x.dtype)
                        if operation in ("sum", "prod")
                        else _REDUCE[operation](x, axis=-1, keepdims=True)
                    )
            else:
                arguments = [values[r] for r in (a, b, c)]
                used = [v for v in arguments[: _arity(name)]]
                for r in (a, b, c)[: _arity(name)]:
                    assert registers[r] == registers[dst], (name, registers[r], registers[dst])
                result = _elementwise(name, used)
            assert result.shape == shape, (name, result.shape, shape)
            assert result.dtype == np.int32, name
            values[dst] = result
        for name, register, slot, offset in reductions:
            operation, kind = name.split("_")
            x = _typed(np.ascontiguousarray(values[register]), kind)
            x = x.reshape(-1, x.shape[-1])
            result = _lanes(_REDUCE[operation](x, axis=0).astype(x.dtype))
            self._memory(slot)[0][offset : offset + result.size] = result

    def _gemm(self, m, n, k, a, b, c, epilogue):
        slot, offset, ld, trans, panel = a
        lanes, rows = self._memory(slot)
        stored = (k, m) if trans else (m, k)
        down = np.arange(stored[0]) * ld if rows is None else rows[0] * rows[1]
        if rows is not None:
            assert ld == rows[1]
            assert stored[0] == self.batch_size
        address = offset + down[:, None] + np.arange(stored[1])
        if panel:
            assert rows is None
            address = _panel_addresses(offset, ld, stored)
        left = lanes[address].view(np.float32)
        slot, offset, ld, flip, panel = b
        lanes, rows = self._memory(slot)
        assert rows is None
        stored = (n, k) if flip else (k, n)
        if panel:
            address = _panel_addresses(offset, ld, stored)
        else:
            address = offset + np.arange(stored[0])[:, None] * ld + np.arange(stored[1])
        right = lanes[address].view(np.float32)
        product = (left.T if trans else left).astype(np.float64) @ (right.T if flip else right)
        if epilogue is not None:
            registers, operands, instructions = epilogue
            assert registers[0] == "F"
            self._tile((m,), n, registers, operands, instructions, (), product)
            return
        slot, offset, ld, panel = c
        lanes, _ = self._memory(slot)
        address = offset + np.arange(m)[:, None] * ld + np.arange(n)
        if panel:
            address = _panel_addresses(offset, ld, (m, n))
        lanes[address] = product.astype(np.float32).view(np.int32)

    def _block(self, kind, target, sources, sizes):
        def place(slot, offset, size, dtype=np.float32):
            lanes, rows = self._memory(slot)
            assert rows is None
            assert 0 <= offset <= offset + size <= lanes.size
            return lanes[offset : offset + size].view(dtype)

        def put(result):
            lanes = place(*target, result.size, np.int32)
            lanes[:] = _lanes(result).reshape(-1)

        assert kind == "gather" or not any(panel for _, _, panel in sources)
        (first, first_at, panel), *rest = sources
        reference = PRIMITIVES[_BLOCKS.get(kind, kind)].reference
        if kind == "gather":
            batch, rows, cols, count, shared, fill = sizes
            if panel:
                lanes, address = self._addresses((first, first_at, (), 1, True), (rows,), cols)
                table = lanes[address].view(np.float32)
            else:
                table = place(first, first_at, batch * rows * cols)
            table = table.view(np.int32).reshape(batch, rows, cols)
            indices = place(*rest[0][:2], (1 if shared else batch) * count, np.int32)
            fill = int(np.array(fill, np.uint32).view(np.int32))
            put(reference(np.float32, {"fill": fill}, table, indices.reshape(-1, count)))
        elif kind == "scatter":
            batch, rows, cols, count, shared, how = sizes
            dtype = np.float32 if how < 4 else np.int32
            indices = place(first, first_at, (1 if shared else batch) * count, np.int32)
            updates = place(*rest[0][:2], batch * count * cols, dtype)
            attrs = {"rows": rows, "combine": ("sum", "max", "min", "prod")[how % 4]}
            put(
                reference(
                    np.float32,
                    attrs,
                    indices.reshape(-1, count),
                    updates.reshape(batch, count, cols),
                )
            )
        elif kind == "scan":
            outer, length, inner, reverse, choice = sizes
            x = place(first, first_at, outer * length * inner, (np.float32, np.int32)[choice // 2])
            reference = PRIMITIVES[("cumsum", "cumprod")[choice % 2]].reference
            attrs = {"axis": 1, "reverse": bool(reverse)}
            put(reference(np.float32, attrs, x.reshape(outer, length, inner)))
        elif kind == "argsort":
            rows, cols, floats, descending = sizes
            x = place(first, first_at, rows * cols, np.float32 if floats else np.int32)
            put(reference(np.float32, {"descending": descending}, x.reshape(rows, cols)))
        elif kind == "search":
            length, count, floats, right = sizes
            dtype = np.float32 if floats else np.int32
            values = place(*rest[0][:2], count, dtype)
            put(
                reference(
                    np.float32, {"right": right}, place(first, first_at, length, dtype), values
                )
            )
        elif kind == "product":
            put(self._product(sources, sizes))
        elif kind == "triangular":
            batch, n, m, lower, trans = sizes
            t = place(first, first_at, batch * n * n).reshape(batch, n, n)
            b = place(*rest[0][:2], batch * n * m).reshape(batch, n, m)
            put(reference(np.float32, {"lower": lower, "trans": trans}, t, b))
        else:
            batch, m, n = (*sizes, sizes[1])[:3]
            attrs = {"complete": sizes[3]} if kind == "qr" else {}
            x = place(first, first_at, batch * m * n).reshape(batch, m, n)
            put(reference(np.float32, attrs, x))

    def _product(self, sources, sizes):
        m, n, k, ta, tb, lda, ldb, axes, *walk = sizes
        dims = walk[:axes]
        stacks = []
        for (slot, offset, _), rows, cols, ld, strides in (
            (sources[0], *((k, m) if ta else (m, k)), lda, walk[axes : 2 * axes]),
            (sources[1], *((n, k) if tb else (k, n)), ldb, walk[2 * axes :]),
        ):
            lanes, mapped = self._memory(slot)
            assert mapped is None
            address = offset + np.arange(rows)[:, None] * ld + np.arange(cols)
            for axis, (dim, stride) in enumerate(zip(dims, strides, strict=True)):
                shape = [-1 if a == axis else 1 for a in range(axes)] + [1, 1]
                address = address + (np.arange(dim) * stride).reshape(shape)
            stacks.append(lanes[address].view(np.float32).astype(np.float64))
        a, b = stacks
        a = np.swapaxes(a, -1, -2) if ta else a
        return np.asarray(a @ (np.swapaxes(b, -1, -2) if tb else b), np.float32)


def _arity(name: str) -> int:
    if name == "select":
        return 3
    if name.rsplit("_", 1)[0] in _UNARY or name in ("f2i", "i2f", "f2b", "i2b"):
        return 1
    return 2


_UNARY = frozenset(
    (
        "neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "exp", "expm1", "log",
        "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "isnan", "not",
    )
)  # fmt: skip
