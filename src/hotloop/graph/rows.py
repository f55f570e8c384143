"""Whether a function treats each row of a batch by itself, so that batches may be put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop.graph.order import sort_topologically
from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.tensor import Tensor
from hotloop.graph.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Collection

    from hotloop.graph.variable import Variable

# What is known of a tensor in both traces.
_EQUAL = "equal"  # the same shape and values in both, whatever the batch
_REPEATED = "repeated"  # one row, the same in both, as often as the batch has rows
_ROWS = "rows"  # row r is the same function of the inputs' rows r


class _Comparison:
    def __init__(self, few: int, many: int, most: int, changed: Collection[Variable] = ()):
        self.changed = changed
        self.few = few
        self.many = many
        self.most = most
        self._known: dict[tuple[int, int], str | None] = {}

    def kind(self, few: Tensor, many: Tensor) -> str | None:
        """What holds of both; None if nothing that is known here."""
        stack = [(few, many)]
        while stack:
            a, b = stack[-1]
            if (id(a), id(b)) in self._known:
                stack.pop()
                continue
            if not self._comparable(a, b):
                self._known[id(a), id(b)] = None
                stack.pop()
                continue
            pairs = list(zip(a.inputs, b.inputs, strict=True))
            missing = [pair for pair in pairs if (id(pair[0]), id(pair[1])) not in self._known]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            kinds = [self._known[id(x), id(y)] for x, y in pairs]
            self._known[id(a), id(b)] = None if None in kinds else self._judge(a, b, kinds)
        return self._known[id(few), id(many)]

    def _comparable(self, a: Tensor, b: Tensor) -> bool:
        return (
            a.primitive == b.primitive
            and a.dtype == b.dtype
            and len(a.inputs) == len(b.inputs)
            and b.size <= self.most
        )

    def _judge(self, a: Tensor, b: Tensor, kinds: list[Any]) -> str | None:
        if a.primitive == "input":
            return _ROWS if a.attrs["index"] == b.attrs["index"] else None
        if a.primitive == "variable":
            variable = a.attrs["variable"]
            return (
                _EQUAL if variable is b.attrs["variable"] and not self._changes(variable) else None
            )
        if a.primitive == "constant":
            return self._judge_constants(a.value, b.value)
        if all(kind == _EQUAL for kind in kinds):
            if a.shape == b.shape and a.attrs == b.attrs:
                return _EQUAL
            rows = self._batch_wide(a.shape, b.shape)
            if a.primitive == "iota":
                rows &= a.attrs["axis"] == b.attrs["axis"] != 0
            else:
                rows &= a.primitive == "broadcast_to" and b.inputs[0].shape[0] == 1
            return _REPEATED if rows else None
        if not self._batch_wide(a.shape, b.shape) or not self._keeps_rows(a, b, kinds):
            return None
        return _ROWS if _ROWS in kinds else _REPEATED

    def _changes(self, variable: Variable) -> bool:
        return any(variable is other for other in self.changed)

    def _judge_constants(self, a: np.ndarray | None, b: np.ndarray | None) -> str | None:
        if a is None or b is None:
            return None
        if a.shape == b.shape:
            return _EQUAL if a.tobytes() == b.tobytes() else None
        if not self._batch_wide(a.shape, b.shape):
            return None
        row = a[:1].tobytes()
        return (
            _REPEATED if a.tobytes() == row * self.few and b.tobytes() == row * self.many else None
        )

    def _batch_wide(self, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        """Whether these are shapes, or the ends of a slice, of all rows of the batches."""
        return a[:1] == (self.few,) and b[:1] == (self.many,) and a[1:] == b[1:]

    def _keeps_rows(self, a: Tensor, b: Tensor, kinds: list[str]) -> bool:
        """Whether rows of the result are of the same rows of the inputs that have rows."""
        name, attrs = a.primitive, b.attrs
        if name in ("reshape", "broadcast_to"):  # both shapes begin with the batch
            return True
        if name == "slice":
            ends = self._batch_wide(a.attrs["stop"], attrs["stop"])
            same = a.attrs["start"] == attrs["start"] and a.attrs["step"] == attrs["step"]
            return ends and same and attrs["start"][0] == 0 and attrs["step"][0] == 1
        if a.attrs != attrs:
            return False
        if PRIMITIVES[name].elementwise:
            return _EQUAL not in kinds
        match name:
            case "transpose":
                return attrs["perm"][0] == 0
            case "pad":
                return attrs["low"][0] == attrs["high"][0] == 0
            case "concat":
                return attrs["axis"] != 0 and _EQUAL not in kinds
            case "sum" | "amax" | "amin" | "prod":
                return 0 not in attrs["axes"]
            case "argmax" | "argmin":
                return attrs["axis"] != 0
            case "matmul":
                return not attrs["ta"] and kinds[0] != _EQUAL and kinds[1] == _EQUAL
            case "batch_matmul":
                return b.ndim > 2 and _EQUAL not in kinds
            case _:  # nothing is known of its rows
                return False


def are_apart(few: Trace, many: Trace, most: int) -> bool:
    """Whether the second trace does to each row what the first one does, and rows are apart.

    Args:
        few: a function traced on a batch of rows.
        many: the same function, traced on a batch of more rows.
        most: elements that no tensor of the second trace may exceed.

    Then batches may be put together, and nobody can tell: what a row gives does not depend on the
    other rows, its place or the size of the batch. A function that is not understood is not apart.
    """
    if few.updates or many.updates or len(few.outputs) != len(many.outputs):
        return False
    sizes = few.inputs[0].shape[0], many.inputs[0].shape[0]
    comparison = _Comparison(*sizes, most)
    return sizes[0] < sizes[1] and all(
        comparison.kind(a, b) in (_ROWS, _REPEATED)
        for a, b in zip(few.outputs, many.outputs, strict=True)
    )


def cut(few: Trace, many: Trace, most: int, widest: int) -> tuple[Trace, Trace] | None:
    """A step that changes variables, as what it does to each row by itself and what comes after.

    Args:
        few: the step traced on a batch of rows; without outputs.
        many: likewise on a batch of more rows.
        most: as for `are_apart`.
        widest: elements that a row may have on its way from the first part to the second.

    Returns a trace of the first part on the larger batch, which changes nothing, and one of the
    second part on the smaller batch, whose inputs are the outputs of the first one. None if they
    cannot be told from each other, or the first part has no product and is not worth it.
    """
    if few.outputs or list(few.updates) != list(many.updates):
        return None
    sizes = few.inputs[0].shape[0], many.inputs[0].shape[0]
    comparison = _Comparison(*sizes, most, few.updates)
    between: dict[int, tuple[Tensor, Tensor]] = {}
    seen: set[int] = set()
    stack = list(zip(few.updates.values(), many.updates.values(), strict=True))
    while stack:
        a, b = stack.pop()
        if id(a) in seen:
            continue
        seen.add(id(a))
        kind = comparison.kind(a, b)
        if kind == _ROWS:
            between[id(a)] = a, b
        elif kind is None:
            if a.primitive != b.primitive or len(a.inputs) != len(b.inputs):
                return None
            stack += zip(a.inputs, b.inputs, strict=True)
    first = [b for _, b in between.values()]
    products = {"matmul", "batch_matmul"}
    if sum(tensor.size for tensor in first) > widest * sizes[1] or not any(
        tensor.primitive in products for tensor in sort_topologically(first)
    ):
        return None
    return Trace(many.inputs, first, {}, {}), _after(few, [a for a, _ in between.values()])


def _after(trace: Trace, known: list[Tensor]) -> Trace:
    """The trace with tensors that are known taken as its inputs."""
    inputs = [
        Tensor("input", tensor.shape, tensor.dtype, (), {"index": index}, origin=tensor.origin)
        for index, tensor in enumerate(known)
    ]
    made = {id(tensor): leaf for tensor, leaf in zip(known, inputs, strict=True)}
    for tensor in sort_topologically(list(trace.updates.values())):
        sources = tuple(made.get(id(source), source) for source in tensor.inputs)
        if id(tensor) in made or all(a is b for a, b in zip(sources, tensor.inputs, strict=True)):
            continue
        made[id(tensor)] = Tensor(
            tensor.primitive,
            tensor.shape,
            tensor.dtype,
            sources,
            tensor.attrs,
            origin=tensor.origin,
        )
    updates = {variable: made.get(id(value), value) for variable, value in trace.updates.items()}
    return Trace(inputs, [], updates, trace.reads)
