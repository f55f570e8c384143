"""Block operations in canonical form: whole contiguous arrays from whole contiguous arrays.

Nothing fuses with them. `imm` of such an operation holds the sizes that its native step takes
(csrc/plan/plan.h); an operand that is not contiguous is copied first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.passes.domain import Domain
from hotloop.graph.passes.node import Node
from hotloop.graph.passes.operations import GENERAL, Leaf, Op, Ref, Splat
from hotloop.graph.passes.view import Ints, View, coalesce, strides_of

if TYPE_CHECKING:
    from hotloop.graph.passes.canonical import Canonical

_MAX_AXES = 6  # HL_BLOCK_AXES of csrc/plan/plan.h
_COMBINES = {  # the numbers of hl_combine
    f"{name}_{kind}": number
    for number, (kind, name) in enumerate(
        (kind, name) for kind in "fi" for name in ("sum", "max", "min", "prod")
    )
}


def _kind(dtype: str) -> str:
    return "f" if dtype == FLOAT else "i"


def _source(program: Canonical, node: Node) -> Ref:
    """All elements of `node`, in order and in one piece of memory."""
    view = program._in_memory(program._views[id(node)], node.size)
    dims, strides = coalesce(view.shape, view.strides)
    root = view.root
    looked_up = isinstance(root, Leaf) and (root.batch or root.panel)
    if looked_up or len(dims) > 1 or (dims and strides[0] != 1):
        view = View(program._copy(view), (node.size,), (1,))
    return Ref(view.root, [node.size], [1], view.offset, node.size, GENERAL)


def _block(program: Canonical, node: Node, kind: str, args: list[Any], sizes: Ints) -> None:
    domain = Domain(node.size, None, frozenset(), False, 0)
    op = program._add(Op("block", kind, args, node.size, node.dtype, domain))
    op.imm = sizes
    program._result(op, node)


def _table(program: Canonical, node: Node) -> Ref:
    """Rows to choose from: a variable in panels is read as it is."""
    view = program._views[id(node)]
    if not isinstance(view, Splat):
        root = view.root
        if isinstance(root, Leaf) and root.panel and view.offset == 0:
            rows = (1, *root.shape)
            if node.shape == rows and view.strides[1:] == strides_of(rows)[1:]:
                return Ref(root, [node.size], [1], 0, node.size, GENERAL)
    return _source(program, node)


def gather(program: Canonical, node: Node) -> None:
    """Rows of a table."""
    table, indices = node.inputs
    batch, rows, cols = table.shape
    count, shared = indices.shape[1], int(indices.shape[0] == 1)
    args = [_table(program, table), _source(program, indices)]
    _block(program, node, "gather", args, (batch, rows, cols, count, shared, node.attrs["fill"]))


def scatter(program: Canonical, node: Node) -> None:
    """Rows combined by index."""
    indices, updates = node.inputs
    batch, count, cols = updates.shape
    shared = int(indices.shape[0] == 1)
    combine = _COMBINES[f"{node.attrs['combine']}_{_kind(node.dtype)}"]
    args = [_source(program, indices), _source(program, updates)]
    _block(program, node, "scatter", args, (batch, node.shape[1], cols, count, shared, combine))


def scan(program: Canonical, node: Node) -> None:
    """Running sums and products."""
    axis = node.attrs["axis"]
    outer, inner = math.prod(node.shape[:axis]), math.prod(node.shape[axis + 1 :])
    choice = 2 * (_kind(node.dtype) == "i") + (node.op == "cumprod")
    sizes = (outer, node.shape[axis], inner, int(node.attrs["reverse"]), choice)
    _block(program, node, "scan", [_source(program, node.inputs[0])], sizes)


def argsort(program: Canonical, node: Node) -> None:
    """The order of each row."""
    (x,) = node.inputs
    cols = x.shape[-1]
    floats, descending = int(x.dtype == FLOAT), int(node.attrs["descending"])
    sizes = (x.size // cols, cols, floats, descending)
    _block(program, node, "argsort", [_source(program, x)], sizes)


def search(program: Canonical, node: Node) -> None:
    """Places in a sorted line."""
    line, values = node.inputs
    sizes = (line.size, values.size, int(line.dtype == FLOAT), int(node.attrs["right"]))
    _block(program, node, "search", [_source(program, line), _source(program, values)], sizes)


# -- products --------------------------------------------------------------------------------------


class _Stack:
    """Matrices [rows, cols] at the places of the leading axes."""

    def __init__(self, view: View, ld: int, trans: bool):
        self.view = view
        self.ld = ld
        self.trans = trans


def _in_place(view: View, trans: bool) -> _Stack | None:
    """The matrices where they are, if rows or columns are contiguous."""
    root = view.root
    if isinstance(root, Leaf) and (root.batch or root.panel):
        return None
    (rows, cols), (down, right) = view.shape[-2:], view.strides[-2:]
    if any(stride < 0 for stride in view.strides):
        return None
    for r, c, step, unit, turned in (
        (rows, cols, down, right, False),
        (cols, rows, right, down, True),
    ):
        if (c == 1 or unit == 1) and (r == 1 or step >= c):
            return _Stack(view, step if r != 1 else c, trans != turned)
    return None


def _stack(program: Canonical, node: Node, trans: bool) -> _Stack:
    view = program._in_memory(program._views[id(node)], node.size)
    if view.shape != node.shape:
        view = View(view.root, node.shape, strides_of(node.shape))
    stack = _in_place(view, trans)
    return _copied(program, view, trans) if stack is None else stack


def _copied(program: Canonical, view: View, trans: bool) -> _Stack:
    copy = View(program._copy(view), view.shape, strides_of(view.shape))
    return _Stack(copy, view.shape[-1], trans)


def _axes(shape: Ints, a: Ints, b: Ints) -> list[tuple[int, int, int]]:
    """The fewest leading axes that walk through both stacks: size, stride in a, stride in b."""
    axes: list[tuple[int, int, int]] = []
    for dim, left, right in zip(shape, a, b, strict=True):
        if dim == 1:
            continue
        if axes and axes[-1][1:] == (left * dim, right * dim):
            axes[-1] = (axes[-1][0] * dim, left, right)
        else:
            axes.append((dim, left, right))
    return axes


def product(program: Canonical, node: Node) -> None:
    """A product for each place of the leading axes."""
    a, b = node.inputs
    ta, tb = node.attrs["ta"], node.attrs["tb"]
    m, n = node.shape[-2:]
    if n == 1 and m > 1:  # a column is dear where a row is cheap
        a, b, ta, tb, m, n = b, a, not tb, not ta, n, m
    left, right = _stack(program, a, ta), _stack(program, b, tb)
    axes = _axes(node.shape[:-2], left.view.strides[:-2], right.view.strides[:-2])
    if len(axes) > _MAX_AXES:
        left, right = _copied(program, left.view, ta), _copied(program, right.view, tb)
        axes = _axes(node.shape[:-2], left.view.strides[:-2], right.view.strides[:-2])
    k = a.shape[-2] if ta else a.shape[-1]
    sizes = [m, n, k, int(left.trans), int(right.trans), left.ld, right.ld, len(axes)]
    for which in range(3):
        sizes += [axis[which] for axis in axes]
    args = [
        Ref(stack.view.root, [], [], stack.view.offset, source.size, GENERAL)
        for stack, source in ((left, a), (right, b))
    ]
    _block(program, node, "product", args, tuple(sizes))


# -- matrices --------------------------------------------------------------------------------------


def triangular(program: Canonical, node: Node) -> None:
    """Triangular systems."""
    sizes = (*node.shape, int(node.attrs["lower"]), int(node.attrs["trans"]))
    args = [_source(program, source) for source in node.inputs]
    _block(program, node, "triangular", args, sizes)


def factors(program: Canonical, node: Node) -> None:
    """Factorisations, a matrix a task."""
    (x,) = node.inputs
    sizes = x.shape if node.op in ("qr", "svd") else x.shape[:2]
    if node.op == "qr":
        sizes = (*sizes, int(node.attrs["complete"]))
    _block(program, node, node.op, [_source(program, x)], sizes)


HANDLERS: dict[str, Any] = {
    "gather": gather,
    "scatter": scatter,
    "cumsum": scan,
    "cumprod": scan,
    "argsort": argsort,
    "searchsorted": search,
    "batch_matmul": product,
    "triangular": triangular,
    **dict.fromkeys(("cholesky", "lu", "qr", "eigh", "svd"), factors),
}
