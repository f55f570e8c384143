"""Canonical form: a list of operations a step can do, whose operands are strided views of memory.

Shapes are gone: a result is `size` elements in row-major order. Reshapes, broadcasts, transposes
and slices became views; pads and concats became parts stored into a buffer; a reduction is over
the columns of each row, over all rows of each column, or over everything. What no
tile program can do is a block operation (`blocks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.graph.passes.domain import ROW_LIMIT, Domain, make_domain
from hotloop.graph.passes.node import ELEMENTWISE, REDUCTIONS, Node
from hotloop.graph.passes.operands import Operands
from hotloop.graph.passes.operations import (
    FLAT,
    GENERAL,
    Buffer,
    Leaf,
    Op,
    Ref,
    Splat,
)
from hotloop.graph.passes.view import View, coalesce, cuts_of

if TYPE_CHECKING:
    from hotloop.graph.passes import blocks
else:
    blocks = Later("hotloop.graph.passes.blocks")

_MAX_SINGLE_ROW = 8192  # a lone row of up to so many columns is reduced within a program


class Canonical(Operands):
    """The result: `ops` in an order in which they may run, and the leaves they use."""

    def __init__(self, batch: int):
        super().__init__(batch)
        self._batched = False
        self._views: dict[int, View | Splat] = {}

    def _result(self, op: Op, node: Node) -> None:
        self._views[id(node)] = View(op, node.shape)

    # -- nodes -------------------------------------------------------------------------------------

    def build(
        self,
        outputs: Sequence[Node],
        updates: Sequence[tuple[Any, Node]],
        order: Sequence[Node],
        panels: set[int],
        batched: bool,
    ) -> None:
        """Fills the lists. `order` are the nodes that outputs and updates are made of, sorted;
        `panels` the ids of variables that live in panels.
        """
        self._panels = panels
        self._batched = batched
        for node in order:
            if node.size == 0:
                empty = Leaf("const", node.value, node.shape, node.dtype, 0, False)
                self._views[id(node)] = View(empty, node.shape)
            elif node.op in ELEMENTWISE:
                self._map(node)
            else:
                handler = _HANDLERS.get(node.op) or blocks.HANDLERS[node.op]
                handler(self, node)
        for index, node in enumerate(outputs):
            if node.size:
                self._output(index, node)
        stores = [self._store(variable, node) for variable, node in updates if node.size]
        self._order([store for store in stores if store is not None])

    def _leaf(self, node: Node) -> None:
        if node.op == "splat":
            self._views[id(node)] = Splat(node.value, node.dtype)
            return
        if node.op == "const":
            leaf = Leaf("const", node.value, node.shape, node.dtype, 0, False)
        elif node.op == "variable":
            leaf = self.leaf_of_variable(node.attrs["variable"])
        else:
            index = node.attrs["index"]
            batch = self.batch if self._batched else 0
            leaf = Leaf("input", index, node.shape, node.dtype, batch, False)
            self.inputs[index] = leaf
        self._views[id(node)] = View(leaf, node.shape)

    def _map(self, node: Node) -> None:
        domain = Domain(node.size, None, frozenset(), False, 0)
        args = []
        for source in node.inputs:
            arg, domain = self._operand(self._views[id(source)], domain)
            args.append(arg)
        self._result(self._add(Op("map", node.op, args, node.size, node.dtype, domain)), node)

    def _reshape(self, node: Node) -> None:
        value = self._views[id(node.inputs[0])]
        if isinstance(value, View):
            view = value.reshape(node.shape)
            if view is None:
                op = self._copy(value)
                view = View(op, node.shape)
            value = view
        self._views[id(node)] = value

    def _move(self, node: Node) -> None:
        value = self._views[id(node.inputs[0])]
        if isinstance(value, View):
            if node.op == "transpose":
                value = value.transpose(tuple(node.attrs["perm"]))
            elif node.op == "broadcast_to":
                value = value.broadcast(node.shape)
            else:
                value = value.slice(node.shape, node.attrs["start"], node.attrs["step"])
        self._views[id(node)] = value

    def _uniform(self, node: Node) -> None:
        key = self._in_memory(self._views[id(node.inputs[0])], 2)
        _, strides = coalesce(key.shape, key.strides)
        if strides != [1] or (isinstance(key.root, Leaf) and (key.root.batch or key.root.panel)):
            key = View(self._copy(key), (2,), (1,))
        ref = Ref(key.root, [2], [1], key.offset, 2, GENERAL)
        domain = Domain(node.size, None, frozenset(), False, 0)
        op = self._add(Op("uniform", "uniform", [ref], node.size, node.dtype, domain))
        op.imm = int(node.attrs["offset"])
        self._result(op, node)

    def _part(self, buffer: Buffer, value: View | Splat, at: View, before: list[Op]) -> Op:
        """Stores `value` at the view `at` of the buffer."""
        dims, strides = coalesce(at.shape, at.strides)
        target = Ref(buffer, dims, strides, at.offset, 1, GENERAL)
        for dim in dims:
            target.size *= dim
        domain = make_domain(target.size, None, cuts_of(dims), False, 0)
        assert domain is not None
        arg, domain = self._operand(value, domain)
        op = self._add(Op("part", "part", [arg], target.size, buffer.dtype, domain))
        op.buffer, op.view = buffer, target
        op.deps += [(other, GENERAL) for other in before]
        buffer.parts.append(op)
        return op

    def _pad(self, node: Node) -> None:
        (source,) = node.inputs
        buffer = Buffer(node.size, node.dtype)
        whole = View(buffer, node.shape)
        zero = np.zeros((), np.int32 if node.dtype != "float32" else np.float32)[()]
        fill = self._part(buffer, Splat(zero, node.dtype), whole, [])
        inside = whole.slice(source.shape, node.attrs["low"], (1,) * len(source.shape))
        self._part(buffer, self._views[id(source)], inside, [fill])
        self._views[id(node)] = whole

    def _concat(self, node: Node) -> None:
        buffer = Buffer(node.size, node.dtype)
        whole = View(buffer, node.shape)
        axis = node.attrs["axis"]
        start = [0] * len(node.shape)
        for source in node.inputs:
            inside = whole.slice(source.shape, tuple(start), (1,) * len(source.shape))
            self._part(buffer, self._views[id(source)], inside, [])
            start[axis] += source.shape[axis]
        self._views[id(node)] = whole

    # -- reductions --------------------------------------------------------------------------------

    def _reduce(self, node: Node) -> None:
        (source,) = node.inputs
        value = self._views[id(source)]
        axes = set(node.attrs["axes"])
        runs: list[tuple[int, bool]] = []  # sizes of alternately kept and reduced groups of axes
        for axis, dim in enumerate(source.shape):
            if dim == 1:
                continue
            if runs and runs[-1][1] == (axis in axes):
                runs[-1] = (runs[-1][0] * dim, runs[-1][1])
            else:
                runs.append((dim, axis in axes))
        flags = [reduced for _, reduced in runs]
        sizes = [size for size, _ in runs]
        if flags == [True]:
            keeps_a_row = len(axes) < len(source.shape) and 0 not in axes
            if keeps_a_row and sizes[0] <= _MAX_SINGLE_ROW:
                op = self._rowred(node, value, 1, sizes[0])
            else:
                op = self._total(node, value)
        elif flags == [False, True]:
            op = self._rowred(node, value, *sizes)
        elif flags == [True, False]:
            op = self._columns(node, value, *sizes)
        elif flags == [True, False, True]:
            inner = self._rowred(node, value, sizes[0] * sizes[1], sizes[2])
            op = self._columns(node, View(inner, (inner.size,), (1,)), sizes[0], sizes[1])
        else:
            op = self._rowred_across(node, value, sorted(axes))
        self._result(op, node)

    def _arg(self, node: Node) -> None:
        (source,) = node.inputs
        value = self._views[id(source)]
        axis = node.attrs["axis"]
        if all(dim == 1 for dim in source.shape[axis + 1 :]):
            op = self._rowred(node, value, node.size, source.shape[axis])
        else:
            op = self._rowred_across(node, value, [axis])
        self._result(op, node)

    def _rowred_across(self, node: Node, value: View | Splat, axes: list[int]) -> Op:
        """Reduces axes that are not the last ones, by walking with those in the innermost place."""
        (source,) = node.inputs
        if isinstance(value, View):
            kept = [axis for axis in range(len(source.shape)) if axis not in axes]
            value = value.transpose(tuple(kept + axes))
        return self._rowred(node, value, node.size, source.size // node.size)

    def _rowred(self, node: Node, value: View | Splat, rows: int, cols: int) -> Op:
        domain = Domain(rows * cols, cols, frozenset(), False, 0)
        if isinstance(value, View) and cols > ROW_LIMIT:
            root = value.root
            if isinstance(root, Leaf) and root.panel:  # whose rows are not whole
                value = View(self._copy(value), (rows * cols,), (1,))
        arg, domain = self._operand(value, domain)
        return self._add(Op("rowred", node.op, [arg], rows, node.dtype, domain))

    def _columns(self, node: Node, value: View | Splat, rows: int, cols: int) -> Op:
        domain = Domain(rows * cols, cols, frozenset(), False, 0)
        arg, domain = self._operand(value, domain)
        return self._add(Op("columns", node.op, [arg], cols, node.dtype, domain))

    def _total(self, node: Node, value: View | Splat) -> Op:
        domain = Domain(node.inputs[0].size, None, frozenset(), False, 0)
        arg, domain = self._operand(value, domain)
        return self._add(Op("total", node.op, [arg], 1, node.dtype, domain))

    # -- products ----------------------------------------------------------------------------------

    def _matmul(self, node: Node) -> None:
        a, b = node.inputs
        k = a.shape[0] if node.attrs["ta"] else a.shape[1]
        args = [
            self._matrix(self._views[id(a)], a.shape, node.attrs["ta"], right=False),
            self._matrix(self._views[id(b)], b.shape, node.attrs["tb"], right=True),
        ]
        domain = Domain(node.size, node.shape[1], frozenset(), True, 0)
        op = self._add(Op("gemm", "matmul", args, node.size, node.dtype, domain))
        op.imm = k
        self._result(op, node)

    # -- results -----------------------------------------------------------------------------------

    def _output(self, index: int, node: Node) -> None:
        value = self._views[id(node)]
        op = None
        if isinstance(value, View) and isinstance(value.root, Op):
            ref = self._ref(value)
            if ref is not None and ref.kind == FLAT:
                op = value.root
                if op.kind == "block" and op.outputs:
                    op = None  # it is written to one place only
                elif self._batched:
                    domain = self._as_rows(op)
                    if domain is None:
                        op = None
                    else:
                        op.domain = domain
        if op is None:
            op = self._copy(value, node.size)
            if self._batched:
                domain = self._as_rows(op)
                if domain is None:
                    whole = View(op, (op.size,), (1,))
                    op = self._copy(whole)
                    domain = self._as_rows(op)
                assert domain is not None
                op.domain = domain
        op.outputs.append(index)

    def _as_rows(self, op: Op) -> Domain | None:
        """The domain of an operation that stores its result into rows of the batch."""
        if op.kind in ("columns", "total", "block"):
            return None
        d = op.domain
        return make_domain(d.size, d.cols, d.cuts, d.exact, self.batch)

    def _store(self, variable: Any, node: Node) -> Op | None:
        value = self._views[id(node)]
        leaf = self.leaf_of_variable(variable)
        ref = self._ref(value) if isinstance(value, View) else None
        if ref is not None and ref.kind == FLAT and ref.root is leaf:
            return None  # assigned its own value
        if ref is None or ref.kind != FLAT or not isinstance(ref.root, Op):
            copy = self._copy(value, node.size)
            ref = Ref(copy, [copy.size], [1], 0, copy.size, FLAT)
        cols = leaf.shape[1] if leaf.panel else None
        domain = Domain(leaf.size, cols, frozenset(), leaf.panel, 0)
        op = Op("store", "store", [ref], leaf.size, leaf.dtype, domain)
        op.variable = leaf
        return op

    def _order(self, stores: list[Op]) -> None:
        """Writes down what must come before what."""
        readers: dict[int, list[tuple[Op, str]]] = {}
        for number, op in enumerate([*self.ops, *stores]):
            op.number = number
            for arg in op.args:
                if isinstance(arg, Splat):
                    continue
                root = arg.root
                kind = arg.kind if isinstance(arg, Ref) else GENERAL
                if isinstance(root, Op):
                    in_memory_only = root.kind in ("columns", "total", "block")
                    op.deps.append((root, GENERAL if in_memory_only else kind))
                elif isinstance(root, Buffer):
                    op.deps += [(part, GENERAL) for part in root.parts]
                elif root.kind == "variable":
                    readers.setdefault(id(root), []).append((op, kind))
        for store in stores:
            store.deps += readers.get(id(store.variable), [])
        self.ops += stores


_HANDLERS: dict[str, Any] = {
    "splat": Canonical._leaf,
    "const": Canonical._leaf,
    "input": Canonical._leaf,
    "variable": Canonical._leaf,
    "reshape": Canonical._reshape,
    "transpose": Canonical._move,
    "broadcast_to": Canonical._move,
    "slice": Canonical._move,
    "pad": Canonical._pad,
    "concat": Canonical._concat,
    "random_uniform": Canonical._uniform,
    "argmax": Canonical._arg,
    "argmin": Canonical._arg,
    "matmul": Canonical._matmul,
    **dict.fromkeys(REDUCTIONS, Canonical._reduce),
}
