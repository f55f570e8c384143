"""Control flow. What is known is followed; what is not is computed both ways and selected.

A compiled function cannot branch: with a predicate that is only known when it runs, every branch
is traced and `select` keeps the results, and the variable updates, of the right one. Loops are
unrolled and need a number of turns that is known when the function is compiled.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.graph import Tensor, TracingError, Variable, apply, constant, current_scope, fill
from hotloop.ops import tree
from hotloop.ops.convert import cast_to, expand, normalize_axis, promote, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import stack, take_range


def _scalar(name: str, value: Any) -> Tensor:
    x = tensor(value)
    if x.size != 1:
        raise ValueError(f"{name} must be one value, got a tensor of shape {x.shape}.")
    return apply("reshape", [x], shape=())


def _keep(hit: Tensor, a: Any, b: Any) -> Any:
    """`a` where `hit`, else `b`; both None stay None."""
    if a is None and b is None:
        return None
    if a is None or b is None:
        raise ValueError("One branch returns None where the other returns a value.")
    a, b = constant(a), constant(b)
    if a.shape != b.shape:
        raise ValueError(
            f"Branches return shapes {a.shape} and {b.shape} in the same place. They must be equal "
            "when the choice is only known when the function runs."
        )
    a, b = promote(a, b)
    return apply("select", [expand(hit, a.shape), a, b])


def _outcome(run: Callable[[], Any]) -> tuple[Any, dict[Variable, Tensor]]:
    """What `run` returns, and what it assigns, which is taken back."""
    scope = current_scope()
    assert scope is not None  # a symbolic tensor exists inside a scope only
    before = dict(scope.updates)
    try:
        result = run()
        assigned = {v: x for v, x in scope.updates.items() if before.get(v) is not x}
    finally:
        scope.updates.clear()
        scope.updates.update(before)
    return result, assigned


def _merge(hit: Tensor, first: Any, second: Any) -> Any:
    """The result and the assignments of the first outcome where `hit`, else of the second."""
    (a, assigned_a), (b, assigned_b) = first, second
    for variable in {**assigned_a, **assigned_b}:
        new = assigned_a.get(variable), assigned_b.get(variable)
        kept = [variable.value if value is None else value for value in new]
        variable.assign(_keep(hit, *kept))
    return tree.map_structure(lambda x, y: _keep(hit, x, y), a, b)


@op
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if `pred` holds, else `false_fn()`.

    With a predicate that is only known when a compiled function runs, both are traced; their
    results must then nest alike and have the same shapes, else `ValueError`.
    """
    hit = cast_to(_scalar("pred", pred), "bool")
    if hit.concrete:
        return true_fn() if bool(hit) else false_fn()
    return _merge(hit, _outcome(true_fn), _outcome(false_fn))


@op
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`; an index out of range counts as the nearest in it.

    As with `cond`, all branches are traced if `index` is only known when a compiled function runs.
    """
    functions = list(branches)
    if not functions:
        raise ValueError("switch needs at least one branch.")
    place = _scalar("index", index)
    if place.dtype != "int32":
        raise TypeError(f"index must be an integer, got {place.dtype}.")
    if place.concrete:
        return functions[min(max(int(place), 0), len(functions) - 1)](*operands)
    found = _outcome(lambda: functions[-1](*operands))
    for number in reversed(range(len(functions) - 1)):
        function = functions[number]
        hit = apply("le", [place, fill(number, (), "int32")])
        other = found

        def chosen(hit: Tensor = hit, function: Any = function, other: Any = other) -> Any:
            return _merge(hit, _outcome(lambda: function(*operands)), other)

        found = _outcome(chosen)
    result, assigned = found
    for variable, value in assigned.items():
        variable.assign(value)
    return result


def _refuse_loop(what: str) -> TracingError:
    return TracingError(
        f"{what} is only known when the compiled function runs, but a loop in it is unrolled when "
        "it is compiled. Give while_loop maximum_iterations (every turn is then computed, and "
        "those after the end are dropped), or compile the model with run_eagerly=True."
    )


@op
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    `loop_vars` is one structure of tensors, or a tuple or list of them, and so is the result.
    Where a compiled function cannot know whether `cond` holds, `maximum_iterations` turns are
    computed and those after the end dropped; raises `TracingError` without it.
    """
    several = isinstance(loop_vars, (tuple, list))
    state: tuple[Any, ...] = tuple(loop_vars) if several else (loop_vars,)
    state = tree.map_structure(constant, state)
    running: Tensor | None = None
    turn = 0
    while maximum_iterations is None or turn < maximum_iterations:
        go = cast_to(_scalar("The result of cond", cond(*state)), "bool")
        if running is not None:
            go = apply("and", [running, go])
        if go.concrete and not bool(go):
            break
        if go.concrete:
            state = _next_state(body, state, several)
        else:
            if maximum_iterations is None:
                raise _refuse_loop("The condition of while_loop")
            turned = _outcome(functools.partial(_next_state, body, state, several))
            state = _merge(go, turned, (state, {}))
            running = go
        turn += 1
    return state if several else state[0]


def _next_state(body: Callable[..., Any], state: tuple[Any, ...], several: bool) -> tuple[Any, ...]:
    result = body(*state)
    result = tuple(result) if several and isinstance(result, (tuple, list)) else (result,)
    if len(result) != len(state):
        raise ValueError(f"body returned {len(result)} values for {len(state)} loop variables.")
    return tree.map_structure(constant, result)


def _known_int(name: str, value: Any) -> int:
    x = _scalar(name, value)
    if x.dtype != "int32":
        raise TypeError(f"{name} must be an integer, got {x.dtype}.")
    if not x.concrete:
        raise _refuse_loop(f"The bound {name} of fori_loop")
    return int(x)


@op
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """`value = body_fun(i, value)` for i from `lower` to `upper` - 1, starting from `init_val`.

    Raises `TracingError` if a bound is only known when a compiled function runs.
    """
    value = init_val
    for i in range(_known_int("lower", lower), _known_int("upper", upper)):
        value = body_fun(constant(i), value)
    return value


def _rows(xs: Any, what: str) -> tuple[Any, int]:
    """The leaves as tensors, and the size of their first axis, which they must share."""
    xs = tree.map_structure(constant, xs)
    leaves = tree.flatten(xs)
    sizes = {x.shape[0] if x.ndim else -1 for x in leaves}
    if len(sizes) != 1 or -1 in sizes:
        raise ValueError(
            f"{what} must have a first axis, of one size, got shapes {[x.shape for x in leaves]}."
        )
    return xs, sizes.pop()


def _row(xs: Any, index: int) -> Any:
    return tree.map_structure(lambda x: x[index], xs)


def _stacked(results: list[Any]) -> Any:
    return tree.map_structure(
        lambda *parts: None if parts[0] is None else stack(list(parts)), *results
    )


@op
def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for the rows x of `xs`; returns the last carry and the ys, stacked.

    `xs` is a structure of tensors, or None with `length` turns. `reverse` goes from the last row to
    the first. Loops are always unrolled; `unroll` is checked and changes nothing.
    """
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"unroll must be a bool or an integer >= 1, got {unroll!r}.")
    if xs is None:
        if length is None:
            raise ValueError("scan needs xs or length.")
        turns = operator.index(length)
    else:
        xs, turns = _rows(xs, "xs")
        if length is not None and length != turns:
            raise ValueError(f"length is {length}, but xs has {turns} rows.")
    if not turns:
        raise ValueError("scan needs at least one turn, got none.")
    carry, ys = tree.map_structure(constant, init), []
    order = range(turns)
    for i in reversed(order) if reverse else order:
        carry, y = f(carry, None if xs is None else _row(xs, i))
        ys.append(y)
    return carry, _stacked(ys[::-1] if reverse else ys)


@op
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` of each row of `xs` (a structure of tensors), the results stacked; unrolled."""
    xs, count = _rows(xs, "xs")
    if not count:
        raise ValueError("map needs at least one row, got none.")
    return _stacked([f(_row(xs, i)) for i in range(count)])


@op
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` of each row of `elements`, the results stacked.

    Computed row by row: functions that broadcast, called on whole tensors, are much faster.
    """
    elements, count = _rows(elements, "elements")
    if not count:
        raise ValueError("vectorized_map needs at least one row, got none.")
    return _stacked([function(_row(elements, i)) for i in range(count)])


def _interleave(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even[0], odd[0], even[1], …"""
    spare = even.shape[axis] - odd.shape[axis]
    high = [spare if a == axis else 0 for a in range(even.ndim)]
    odd = apply("pad", [odd], low=[0] * even.ndim, high=high) if spare else odd
    joined = stack([even, odd], axis=axis + 1)
    shape = [*even.shape[:axis], 2 * even.shape[axis], *even.shape[axis + 1 :]]
    whole = apply("reshape", [joined], shape=shape)
    return take_range(whole, axis, range(shape[axis] - spare))


@op
def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """The running results of an associative `f` along `axis`, in a logarithmic number of steps.

    `f` takes and returns structures like `elems`, whole slices at a time (Blelloch, "Prefix sums
    and their applications", 1990).
    """
    if not callable(f):
        raise TypeError(f"f must be callable, got {f!r}.")
    leaves = [constant(x) for x in tree.flatten(elems)]
    axes = [normalize_axis(axis, x.ndim) for x in leaves]
    sizes = {x.shape[a] for x, a in zip(leaves, axes, strict=True)}
    if len(sizes) != 1:
        raise ValueError(f"elems must have one size along axis {axis}, got {sorted(sizes)}.")

    def turned(parts: list[Tensor]) -> list[Tensor]:
        return [part_of(x, a, slice(None, None, -1)) for x, a in zip(parts, axes, strict=True)]

    def part_of(x: Tensor, a: int, part: slice) -> Tensor:
        return x[(slice(None),) * a + (part,)]

    def parts(values: list[Tensor], part: slice) -> list[Tensor]:
        return [part_of(x, a, part) for x, a in zip(values, axes, strict=True)]

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        result = f(tree.pack_sequence_as(elems, a), tree.pack_sequence_as(elems, b))
        tree.assert_same_structure(elems, result)
        return [constant(x) for x in tree.flatten(result)]

    def running(values: list[Tensor]) -> list[Tensor]:
        count = values[0].shape[axes[0]]
        if count < 2:
            return values
        pairs = combine(parts(values, slice(0, -1, 2)), parts(values, slice(1, None, 2)))
        odd = running(pairs)
        before = parts(odd, slice(0, -1)) if count % 2 == 0 else odd
        even = parts(values, slice(0, 1))
        if before[0].shape[axes[0]]:
            rest = combine(before, parts(values, slice(2, None, 2)))
            even = [
                apply("concat", [x, y], axis=a) for x, y, a in zip(even, rest, axes, strict=True)
            ]
        return [_interleave(x, y, a) for x, y, a in zip(even, odd, axes, strict=True)]

    values = turned(leaves) if reverse else leaves
    values = running(values)
    return tree.pack_sequence_as(elems, turned(values) if reverse else values)
