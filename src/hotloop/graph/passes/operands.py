"""Operands: views of memory in the form in which a step reads them, or copied where none fits."""

from __future__ import annotations

from typing import Any

from hotloop.graph.passes.domain import Domain, join, make_domain
from hotloop.graph.passes.operations import (
    EXPAND,
    FLAT,
    GENERAL,
    Leaf,
    Matrix,
    Op,
    Ref,
    Splat,
)
from hotloop.graph.passes.view import View, coalesce, cuts_of, split_at, strides_of


class Operands:
    """Operations in the making, in an order in which they may run, and the memory they read."""

    def __init__(self, batch: int):
        self.batch = batch
        self.ops: list[Op] = []
        self.inputs: dict[int, Leaf] = {}
        self.variables: dict[int, Leaf] = {}
        self._panels: set[int] = set()
        self._row_major: dict[int, Op] = {}

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

    def _ref(self, view: View) -> Ref | None:
        """The operand for a view, None if it must be copied first."""
        root = view.root
        if view.in_order and not (isinstance(root, Leaf) and root.batch):
            size = root.size
            one = size == 1
            return Ref(root, [] if one else [size], [] if one else [1], 0, size, FLAT)
        dims, strides = coalesce(view.shape, view.strides)
        size = 1
        for dim in dims:
            size *= dim
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
                plain = View(root, root.shape)
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
