"""Constant folding, dead code, algebraic identities and common subexpressions.

The graph is rebuilt from its leaves through `Builder.make`, which applies the identities to each
new node and returns an existing node where an equal one is there already. What the results do not
need is never visited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.graph.dtypes import numpy_dtype
from hotloop.graph.order import sort_topologically
from hotloop.graph.passes.node import (
    BINARY,
    ELEMENTWISE,
    UNARY,
    Node,
    Shape,
    uniform_value,
)
from hotloop.graph.passes.rules import RULES

# NumPy rounds these as the kernels do; the others are folded by running the kernels.
_EXACT = frozenset(
    (
        "neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "isnan", "not", "add",
        "sub", "mul", "div", "max", "min", "eq", "ne", "lt", "le", "and", "or", "xor",
        "select", "cast",
    )
)  # fmt: skip
Evaluate = Callable[[str, list[np.ndarray], dict[str, Any], Shape, str], np.ndarray]


def _freeze(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_freeze(item) for item in value)
    return value


class Builder:
    """Makes simplified nodes. `evaluate` runs one primitive on arrays."""

    def __init__(self, evaluate: Evaluate, reference: Evaluate):
        self._evaluate = evaluate
        self._reference = reference
        self._known: dict[Any, Node] = {}

    def unique(self, key: Any, node: Node) -> Node:
        return self._known.setdefault(key, node)

    def splat(self, value: Any, shape: Shape, dtype: str) -> Node:
        """A node every element of which is `value`."""
        scalar = np.asarray(value, numpy_dtype(dtype))[()]
        key = ("splat", scalar.tobytes(), shape, dtype)
        return self.unique(key, Node("splat", (), {}, shape, dtype, scalar))

    def const(self, array: np.ndarray, dtype: str) -> Node:
        """A node with a known value."""
        value = uniform_value(array)
        if value is not None:
            return self.splat(value, array.shape, dtype)
        array = np.ascontiguousarray(array)
        key: Any = (
            "const",
            array.shape,
            dtype,
            array.tobytes() if array.size <= 4096 else id(array),
        )
        return self.unique(key, Node("const", (), {}, array.shape, dtype, array))

    def leaf(self, op: str, attrs: dict[str, Any], shape: Shape, dtype: str) -> Node:
        """An `input` or a `variable`."""
        key = (op, tuple((name, id(v) if op == "variable" else v) for name, v in attrs.items()))
        return self.unique(key, Node(op, (), attrs, shape, dtype))

    def make(
        self, op: str, inputs: tuple[Node, ...], attrs: dict[str, Any], shape: Shape, dtype: str
    ) -> Node:
        """The simplest node that computes `op`."""
        if 0 in shape:
            return self.const(np.empty(shape, numpy_dtype(dtype)), dtype)
        simpler = None
        if op in ELEMENTWISE:
            simpler = self._elementwise(op, inputs, attrs, shape, dtype)
        else:
            rule = RULES.get(op)
            if rule is not None:
                simpler = rule(self, inputs, attrs, shape, dtype)
            if simpler is None and inputs and all([node.op == "const" for node in inputs]):
                value = self._evaluate(op, [n.value for n in inputs], attrs, shape, dtype)
                simpler = self.const(value, dtype)
        if simpler is not None:
            return simpler
        frozen = tuple([(name, _freeze(value)) for name, value in attrs.items()]) if attrs else ()
        key = (op, inputs, frozen, shape, dtype)
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = Node(op, inputs, attrs, shape, dtype)
        return node

    # -- elementwise -------------------------------------------------------------------------------

    def _elementwise(
        self, op: str, inputs: tuple[Node, ...], attrs: dict[str, Any], shape: Shape, dtype: str
    ) -> Node | None:
        x = inputs[0]
        if op == "stop_gradient" or (op == "cast" and x.dtype == dtype):
            return x
        if x.op in ("splat", "const", "broadcast_to"):
            simpler = self._fold(op, inputs, attrs, shape, dtype)
            if simpler is not None:
                return simpler
        if op in BINARY:
            return self._binary(op, x, inputs[1], shape, dtype)
        if op in UNARY:
            if x.op == op and op in ("neg", "not"):
                return x.inputs[0]
            if x.op == op and op in ("abs", "floor", "ceil", "round", "sign"):
                return x
        elif op == "select":
            if x.op == "splat":
                return inputs[1] if x.value else inputs[2]
            if inputs[1] is inputs[2]:
                return inputs[1]
        return None

    def _fold(
        self, op: str, inputs: tuple[Node, ...], attrs: dict[str, Any], shape: Shape, dtype: str
    ) -> Node | None:
        """What is computed now, from known values, or on fewer elements, from repeated ones."""
        kinds = {node.op for node in inputs}
        if kinds == {"splat"}:
            run = self._reference if op in _EXACT else self._evaluate
            arrays = [np.asarray(node.value) for node in inputs]
            return self.splat(run(op, arrays, attrs, (), dtype), shape, dtype)
        if kinds <= {"splat", "const"}:
            arrays = [
                node.value if node.op == "const" else np.full(shape, node.value) for node in inputs
            ]
            return self.const(self._evaluate(op, arrays, attrs, shape, dtype), dtype)
        if kinds <= {"splat", "broadcast_to"}:
            small = {node.inputs[0].shape for node in inputs if node.op == "broadcast_to"}
            if len(small) == 1:
                return self._compute_before_broadcast(op, inputs, attrs, small.pop(), shape, dtype)
        return None

    def _compute_before_broadcast(
        self,
        op: str,
        inputs: tuple[Node, ...],
        attrs: dict[str, Any],
        small: Shape,
        shape: Shape,
        dtype: str,
    ) -> Node:
        narrow = tuple(
            node.inputs[0]
            if node.op == "broadcast_to"
            else self.splat(node.value, small, node.dtype)
            for node in inputs
        )
        result = self.make(op, narrow, attrs, small, dtype)
        return self.make("broadcast_to", (result,), {"shape": shape}, shape, dtype)

    def _binary(self, op: str, x: Node, y: Node, shape: Shape, dtype: str) -> Node | None:
        left = x.value if x.op == "splat" else None
        right = y.value if y.op == "splat" else None
        if op == "add":
            if left is not None and left == 0:
                return y
            if right is not None and right == 0:
                return x
            if y.op == "neg":
                return self.make("sub", (x, y.inputs[0]), {}, shape, dtype)
        elif op == "sub":
            if right is not None and right == 0:
                return x
            if y.op == "neg":
                return self.make("add", (x, y.inputs[0]), {}, shape, dtype)
        elif op == "mul":
            for one, other in ((left, y), (right, x)):
                if one is not None and one == 1:
                    return other
                if one is not None and one == -1:
                    return self.make("neg", (other,), {}, shape, dtype)
        elif op == "div":
            if right is not None and right == 1:
                return x
        elif op == "pow":
            if right is not None and right == 1:
                return x
            if right is not None and right == 2:
                return self.make("mul", (x, x), {}, shape, dtype)
        elif op in ("max", "min", "and", "or") and x is y:
            return x
        return None


def simplify(roots: list[Any], evaluate: Evaluate, reference: Evaluate) -> list[Node]:
    """Simplified nodes for `roots`, which are tensors of a trace."""
    builder = Builder(evaluate, reference)
    made: dict[int, Node] = {}
    for tensor in sort_topologically(roots, _inputs_of):
        if tensor.inputs and tensor._value is None:
            made[id(tensor)] = builder.make(
                tensor.primitive,
                tuple([made[id(source)] for source in tensor.inputs]),
                tensor.attrs,
                tensor.shape,
                tensor.dtype,
            )
        elif tensor._value is not None:
            made[id(tensor)] = builder.const(tensor._value, tensor.dtype)
        elif tensor.primitive in ("input", "variable"):
            made[id(tensor)] = builder.leaf(
                tensor.primitive, tensor.attrs, tensor.shape, tensor.dtype
            )
        else:
            made[id(tensor)] = builder.make(
                tensor.primitive, (), tensor.attrs, tensor.shape, tensor.dtype
            )
    return _masks_from_results([made[id(root)] for root in roots])


def _inputs_of(tensor: Any) -> tuple[Any, ...]:
    """What has a value is a leaf."""
    return tensor.inputs if tensor._value is None else ()


def _masks_from_results(roots: list[Node]) -> list[Node]:
    """Lets the gradient of relu ask the result (`relu(x) <= 0`) where it asked the argument.

    The answers are equal, and the result is in memory anyway: the next layer reads it.
    """
    order = sort_topologically(roots)
    users: dict[int, list[Node]] = {}
    for node in order:
        for source in node.inputs:
            users.setdefault(id(source), []).append(node)
    for mask in order:
        if mask.op not in ("lt", "le"):
            continue
        zero, x = mask.inputs if mask.op == "lt" else mask.inputs[::-1]
        if zero.op != "splat" or zero.value != 0:
            continue
        for result in users[id(x)]:
            if result.op == "select":
                branches = (x, zero) if mask.op == "lt" else (zero, x)
                if result.inputs == (mask, *branches):
                    break
            elif result.op == "max" and zero in result.inputs:
                break
        else:
            continue
        others = [user for user in users[id(mask)] if user is not result]
        if any(root is mask for root in roots) or not others:
            continue
        asked = (zero, result) if mask.op == "lt" else (result, zero)
        twin = Node(mask.op, asked, mask.attrs, mask.shape, mask.dtype)
        for user in others:
            if user is not result and not _reaches(result, user):
                user.inputs = tuple([twin if node is mask else node for node in user.inputs])
    return roots


def _reaches(result: Node, user: Node) -> bool:
    """Whether `result` is computed from `user`, so that `user` cannot be computed from it."""
    seen: set[int] = set()
    stack = [result]
    while stack:
        node = stack.pop()
        if node is user:
            return True
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.inputs)
    return False
