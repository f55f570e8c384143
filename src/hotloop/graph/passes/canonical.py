"""Canonical form: a list of operations a step can do, whose operands are strided views of memory.

Shapes are gone: a result is `size` elements in row-major order. Reshapes, broadcasts, transposes
and slices became views; pads and concats became parts stored into a buffer; a reduction is over
the columns of each row, over all rows of each column, or over everything. What no
tile program can do is a block operation (`blocks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.passes import blocks
from hotloop.graph.passes.domain import ROW_LIMIT, Domain, join, make_domain
from hotloop.graph.passes.node import ELEMENTWISE, REDUCTIONS, Node, sort_nodes
from hotloop.graph.passes.operations import (
    EXPAND,
    FLAT,
    GENERAL,
    Buffer,
    Leaf,
    Matrix,
    Op,
    Ref,
    Splat,
)
from hotloop.graph.passes.view import View, coalesce, cuts_of, split_at, strides_of

_MAX_SINGLE_ROW = 8192  # a lone row of up to so many columns is reduced within a program


class Canonical:
    """The result: `ops` in an order in which they may run, and the leaves they use."""

    def __init__(self, batch: int):
        self.batch = batch
        self.ops: list[Op] = []
        self.inputs: dict[int, Leaf] = {}
        self.variables: dict[int, Leaf] = {}
        self._consts: dict[int, Leaf] = {}
        self._views: dict[int, View | Splat] = {}
        self._row_major: dict[int, Op] = {}

    # -- operands ----------------------------------------------------------------------------------

    def _ref(self, view: View) -> Ref | None:
        """The operand for a view, None if it must be copied first."""
        dims, strides = coalesce(view.shape, view.strides)
        size = 1
        for dim in dims:
            size *= dim
        root = view.root
        kind = GENERAL
        if view.offset == 0:
            if root.size == size and (size == 1 or (len(dims) == 1 and strides[0] == 1)):
                kind = FLAT
            elif isinstance(root, Op) and strides and strides[-1] == 0:
                rows = size // dims[-1]
                if root.size == rows and (len(dims) == 1 or (len(dims) == 2 and strides[0] == 1)):
                    kind = EXPAND
        if isinstance(root, Leaf):
            if root.batch and not self._by_rows(root, dims, strides, view.offset, size):
                return None
            if root.panel and kind != FLAT:
                return None
        return Ref(root, dims, strides, view.offset, size, kind)

    def _by_rows(
        self, root: Leaf, dims: list[int], strides: list[int], offset: int, size: int
    ) -> bool:
        """Whether the first dimension is the rows of the batch; gives it a dimension of its own."""
        row = root.size // root.batch
        if size % root.batch:
            return False
        at = split_at(dims, strides, size // root.batch)
        if at is None or at > 1:
            return False
        if root.batch == 1:
            if at:
                return False
            dims.insert(0, 1)
            strides.insert(0, row)
        elif not at or dims[0] != root.batch or strides[0] != row:
            return False
        reach = [stride * (dim - 1) for dim, stride in zip(dims[1:], strides[1:], strict=True)]
        low = offset + sum(r for r in reach if r < 0)
        high = offset + sum(r for r in reach if r > 0)
        return low >= 0 and high < row

    def _operand(self, value: View | Splat, domain: Domain) -> tuple[Any, Domain]:
        """`value` as an operand of something that runs over `domain`, and what that becomes."""
        if isinstance(value, Splat):
            return value, domain
        ref = self._ref(value)
        if ref is not None:
            joined = _join_ref(domain, ref)
            if joined is not None:
                return ref, joined
        copy = self._copy(value)
        return Ref(copy, [copy.size], [1], 0, copy.size, FLAT), domain

    def _copy(self, view: View | Splat, size: int = 0) -> Op:
        """Writes the elements out in order."""
        if isinstance(view, Splat):
            domain = Domain(size, None, frozenset(), False, 0)
            return self._add(Op("map", "copy", [view], size, view.dtype, domain))
        root = view.root
        if isinstance(root, Leaf) and (root.panel or root.batch) and self._ref(view) is None:
            whole = self._row_major.get(id(root))
            if whole is None:
                plain = View(root, root.shape, strides_of(root.shape))
                whole = self._row_major[id(root)] = self._copy(plain)
            view = View(whole, view.shape, view.strides, view.offset)
        ref = self._ref(view)
        assert ref is not None
        joined = _join_ref(Domain(ref.size, None, frozenset(), False, 0), ref)
        if joined is None:
            raise NotImplementedError(
                f"A view of shape {view.shape} with strides {view.strides} has too many axes."
            )
        return self._add(Op("map", "copy", [ref], ref.size, root.dtype, joined))

    def _in_memory(self, value: View | Splat, size: int) -> View:
        """A splat as a view of memory that is full of it."""
        if isinstance(value, Splat):
            return View(self._copy(value, size), (size,), (1,))
        return value

    def _add(self, op: Op) -> Op:
        self.ops.append(op)
        return op

    def _result(self, op: Op, node: Node) -> None:
        self._views[id(node)] = View(op, node.shape, strides_of(node.shape))

    # -- nodes -------------------------------------------------------------------------------------

    def build(
        self,
        outputs: Sequence[Node],
        updates: Sequence[tuple[Any, Node]],
        panels: set[int],
        batched: bool,
    ) -> None:
        """Fills the lists. `panels` are the ids of variables that live in panels."""
        self._panels = panels
        self._batched = batched
        for node in sort_nodes([*outputs, *(value for _, value in updates)]):
            if node.size == 0:
                empty = Leaf("const", node.value, node.shape, node.dtype, 0, False)
                self._views[id(node)] = View(empty, node.shape, strides_of(node.shape))
            elif node.op in ELEMENTWISE:
                self._map(node)
            else:
                _HANDLERS[node.op](self, node)
        for index, node in enumerate(outputs):
            if node.size:
                self._output(index, node)
        stores = [self._store(variable, node) for variable, node in updates if node.size]
        self._order([store for store in stores if store is not None])

    def leaf_of_variable(self, variable: Any) -> Leaf:
        """The memory of a variable."""
        leaf = self.variables.get(id(variable))
        if leaf is None:
            leaf = self.variables[id(variable)] = Leaf(
                "variable",
                variable,
                variable.shape,
                variable.dtype,
                0,
                id(variable) in self._panels,
            )
        return leaf

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
        self._views[id(node)] = View(leaf, node.shape, strides_of(node.shape))

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
                view = View(op, node.shape, strides_of(node.shape))
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
        whole = View(buffer, node.shape, strides_of(node.shape))
        zero = np.zeros((), np.int32 if node.dtype != "float32" else np.float32)[()]
        fill = self._part(buffer, Splat(zero, node.dtype), whole, [])
        inside = whole.slice(source.shape, node.attrs["low"], (1,) * len(source.shape))
        self._part(buffer, self._views[id(source)], inside, [fill])
        self._views[id(node)] = whole

    def _concat(self, node: Node) -> None:
        buffer = Buffer(node.size, node.dtype)
        whole = View(buffer, node.shape, strides_of(node.shape))
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

    def _matrix(
        self, value: View | Splat, shape: tuple[int, ...], trans: bool, right: bool
    ) -> Matrix:
        rows, cols = shape
        view = self._in_memory(value, rows * cols)
        if view.root.size == rows * cols and view.shape != shape:
            view = View(view.root, shape, strides_of(shape))
        root = view.root
        if isinstance(root, Leaf) and root.panel and right and _whole(view):
            return Matrix(root, 0, rows, trans, True)
        if not (isinstance(root, Leaf) and (root.panel or (root.batch and right))):
            matrix = _in_place(view, trans)
            if matrix is not None:
                return matrix
        copy = self._copy(view)
        return Matrix(copy, 0, cols, trans, False)

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


def _join_ref(domain: Domain, ref: Ref) -> Domain | None:
    """`domain` with what reading `ref` asks of it."""
    root = ref.root
    if isinstance(root, Leaf):
        if root.panel:
            panel = Domain(ref.size, root.shape[1], frozenset(), True, 0)
            if domain.cols is not None and domain.cols != root.shape[1]:
                return None
            return join(domain, panel)
        if root.batch:
            dims = ref.dims
            return make_domain(
                domain.size,
                domain.cols,
                domain.cuts.union(cuts_of(dims)),
                domain.exact,
                root.batch,
            )
    if ref.kind == FLAT or ref.kind == EXPAND or not ref.dims:
        if ref.kind == EXPAND and len(ref.dims) == 2:
            # May be loaded: then the walk changes its stride between rows.
            return make_domain(
                domain.size, domain.cols, domain.cuts | {ref.dims[1]}, domain.exact, domain.batch
            )
        return domain
    return make_domain(
        domain.size, domain.cols, domain.cuts.union(cuts_of(ref.dims)), domain.exact, domain.batch
    )


def _whole(view: View) -> bool:
    return view.offset == 0 and view.strides == strides_of(view.shape) == strides_of(
        view.root.shape
    )


def _in_place(view: View, trans: bool) -> Matrix | None:
    """A matrix read where it is: rows or columns contiguous, the others at a stride."""
    (rows, cols), (down, right) = view.shape, view.strides
    root = view.root
    for r, c, s, unit, turned in (
        (rows, cols, down, right, False),
        (cols, rows, right, down, True),
    ):
        if (c != 1 and unit != 1) or (r != 1 and s < c):
            continue
        ld = s if r != 1 else c
        if isinstance(root, Leaf) and root.batch:
            row = root.size // root.batch
            if r != root.batch or (r != 1 and s != row) or view.offset + c > row:
                continue
            ld = row
        return Matrix(root, view.offset, ld, trans != turned, False)
    return None


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
    **blocks.HANDLERS,
    **dict.fromkeys(REDUCTIONS, Canonical._reduce),
}
