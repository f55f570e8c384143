"""`einsum`: sums of products of axes that have names."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph import Tensor, apply
from hotloop.ops.convert import broadcast, cast_to, result_dtype, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.products import multiply_matrices, multiply_stacks

# A name is a letter, or "…0", "…1", … for the axes that an ellipsis stands for.
Names = list[str]


class _Term:
    """A tensor whose axes have names."""

    __slots__ = ("names", "value")

    def __init__(self, value: Tensor, names: Names):
        self.value = value
        self.names = names

    def sizes(self) -> dict[str, int]:
        return dict(zip(self.names, self.value.shape, strict=True))


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """The sum of products that `subscripts` describes, as in `numpy.einsum`.

    Args:
        subscripts: a name for each axis of each operand, as in `"bij,bjk->bik"`. Axes of one name
            run together; those that the result does not name are summed over. `...` stands for
            leading axes, which broadcast. Without `->` the result has the names that occur once, in
            alphabetical order. A name that occurs twice in an operand takes its diagonal.
        *operands: the tensors; the result has their common dtype.

    Two operands become one product of matrices, or of stacks of them where a name is in both and in
    the result; more are multiplied pair by pair, the pair with the smallest result first. Raises
    `ValueError` if the subscripts do not fit the operands, `TypeError` for other arguments.
    """
    if kwargs:
        raise TypeError(
            f"einsum takes no argument {', '.join(sorted(kwargs))}: the order of the products is "
            "chosen from the shapes."
        )
    dtype = result_dtype(*operands)
    values = [cast_to(tensor(x), dtype) for x in operands]
    inputs, result = _parse(subscripts, values)
    terms = [_Term(value, names) for value, names in zip(values, inputs, strict=True)]
    _check_sizes(subscripts, terms)
    terms = [_diagonals(_drop_broadcast(term, terms)) for term in terms]
    while len(terms) > 1:
        i, j = _cheapest_pair(terms, result)
        others = [term for k, term in enumerate(terms) if k not in (i, j)]
        keep = set(result).union(*(term.names for term in others))
        terms = [*others, _multiply(terms[i], terms[j], keep, result)]
    last = _sum_out(terms[0], set(result))
    return _ordered(last, [name for name in result if name in last.names])


# -- the subscripts --------------------------------------------------------------------------------


def _parse(subscripts: str, values: list[Tensor]) -> tuple[list[Names], Names]:
    """The names of each operand's axes and of the result's."""

    def refuse(why: str) -> ValueError:
        shapes = ", ".join(str(value.shape) for value in values)
        return ValueError(f"einsum {subscripts!r} of operands of shapes {shapes}: {why}.")

    if not isinstance(subscripts, str):
        raise TypeError(f"einsum takes its subscripts as a string, got {subscripts!r}.")
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(values):
        raise refuse(f"{len(parts)} operands are described, {len(values)} are given")
    for part in [*parts, right]:
        rest = part.replace("...", "", 1)
        if not all(c.isascii() and c.isalpha() for c in rest):
            raise refuse(f"{part!r} is not made of letters and at most one '...'")
    hidden = []  # how many axes the ellipsis of each operand stands for
    for part, value in zip(parts, values, strict=True):
        named = len(part.replace("...", ""))
        if named > value.ndim or ("..." not in part and named != value.ndim):
            raise refuse(f"{part!r} names {named} axes of a tensor of shape {value.shape}")
        hidden.append(value.ndim - named)
    most = max(hidden)
    inputs = [_expand(part, most, count) for part, count in zip(parts, hidden, strict=True)]
    if arrow:
        if most and "..." not in right:
            raise refuse("the result must name the axes of '...'")
        result = _expand(right, most, most)
    else:
        every = [c for part in parts for c in part if c != "."]
        once = sorted(c for c in set(every) if every.count(c) == 1)
        result = [*_expand("...", most, most), *once]
    if len(set(result)) != len(result):
        raise refuse("the result names an axis twice")
    unknown = set(result).difference(*inputs)
    if unknown:
        raise refuse(f"no operand has the axis {min(unknown)!r} of the result")
    return inputs, result


def _expand(part: str, most: int, count: int) -> Names:
    """The names in a part, the last `count` of `most` hidden ones for its ellipsis."""
    before, dots, after = part.partition("...")
    hidden = [f"…{i}" for i in range(most - count, most)] if dots else []
    return [*before, *hidden, *after]


def _check_sizes(subscripts: str, terms: list[_Term]) -> None:
    sizes: dict[str, int] = {}
    for term in terms:
        for name, size in zip(term.names, term.value.shape, strict=True):
            known = sizes.setdefault(name, size)
            if name[0] == "…" and known == 1:
                sizes[name] = size
            elif size != known and not (name[0] == "…" and size == 1):
                shapes = ", ".join(str(t.value.shape) for t in terms)
                axis = "an axis of '...'" if name[0] == "…" else f"axis {name!r}"
                raise ValueError(
                    f"einsum {subscripts!r} of operands of shapes {shapes}: {axis} has size "
                    f"{known} in one place and {size} in another."
                )


# -- single operands -------------------------------------------------------------------------------


def _drop_broadcast(term: _Term, terms: list[_Term]) -> _Term:
    """Without hidden axes of size 1 that are longer, or named as well, elsewhere."""
    kept = []
    for name, size in zip(term.names, term.value.shape, strict=True):
        longer = any(other.sizes().get(name, 1) > 1 for other in terms if other is not term)
        kept.append(not (name[0] == "…" and size == 1 and longer))
    if all(kept):
        return term
    shape = [d for d, keep in zip(term.value.shape, kept, strict=True) if keep]
    names = [n for n, keep in zip(term.names, kept, strict=True) if keep]
    return _Term(apply("reshape", [term.value], shape=shape), names)


def _diagonals(term: _Term) -> _Term:
    """Names that occur twice become one axis: every (n + 1)-th element of the two together."""
    names, value = list(term.names), term.value
    for name in sorted(set(names)):
        while names.count(name) > 1:
            i = names.index(name)
            j = names.index(name, i + 1)
            rest = [a for a in range(value.ndim) if a not in (i, j)]
            value = apply("transpose", [value], perm=[*rest, i, j])
            names = [names[a] for a in rest] + [name]
            n = value.shape[-1]
            value = apply("reshape", [value], shape=(*value.shape[:-2], n * n))
            start, stop = [0] * value.ndim, list(value.shape)
            step = [1] * (value.ndim - 1) + [n + 1]
            value = apply("slice", [value], start=start, stop=stop, step=step)
    return _Term(value, names)


def _sum_out(term: _Term, keep: set[str]) -> _Term:
    """Without the axes that nothing else needs."""
    axes = tuple(a for a, name in enumerate(term.names) if name not in keep)
    if not axes:
        return term
    value = term.value
    if value.dtype == "bool":  # whether any is true
        value = cast_to(_sum_out(_Term(cast_to(value, "int32"), term.names), keep).value, "bool")
        return _Term(value, [name for name in term.names if name in keep])
    total = apply("sum", [value], axes=axes)
    shape = [d for a, d in enumerate(value.shape) if a not in axes]
    names = [name for name in term.names if name in keep]
    return _Term(apply("reshape", [total], shape=shape), names)


def _ordered(term: _Term, names: Names) -> Tensor:
    perm = [term.names.index(name) for name in names]
    if perm == list(range(len(perm))):
        return term.value
    return apply("transpose", [term.value], perm=perm)


# -- pairs -----------------------------------------------------------------------------------------


def _cheapest_pair(terms: list[_Term], result: Names) -> tuple[int, int]:
    best = (0, 1)
    least = None
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            others = (t.names for k, t in enumerate(terms) if k not in (i, j))
            keep = set(result).union(*others)
            sizes = terms[i].sizes() | terms[j].sizes()
            size = math.prod(d for name, d in sizes.items() if name in keep)
            if least is None or size < least:
                least, best = size, (i, j)
    return best


def _multiply(a: _Term, b: _Term, keep: set[str], result: Names) -> _Term:
    """The product of two terms, summed over what is in both and not kept."""
    a = _sum_out(a, keep.union(b.names))
    b = _sum_out(b, keep.union(a.names))
    sizes = a.sizes() | b.sizes()
    both = [name for name in a.names if name in b.names]
    summed = [name for name in both if name not in keep]
    stacked = [name for name in both if name in keep]
    left = [name for name in a.names if name not in both]
    right = [name for name in b.names if name not in both]
    names = [*stacked, *left, *right]
    if not summed:
        if set(names) == set(result):
            names = result
        factors = []
        for term in (a, b):
            own = _ordered(term, [name for name in names if name in term.names])
            shape = [sizes[name] if name in term.names else 1 for name in names]
            factors.append(apply("reshape", [own], shape=shape))
        x, y = broadcast(*factors)
        return _Term(apply("and" if x.dtype == "bool" else "mul", [x, y]), names)
    stack = tuple(sizes[name] for name in stacked)
    m, k, n = (math.prod(sizes[name] for name in group) for group in (left, summed, right))
    x = apply("reshape", [_ordered(a, [*stacked, *left, *summed])], shape=(*stack, m, k))
    y = apply("reshape", [_ordered(b, [*stacked, *summed, *right])], shape=(*stack, k, n))
    product = multiply_stacks(x, y) if stack else multiply_matrices(x, y)
    shape = [sizes[name] for name in names]
    return _Term(apply("reshape", [product], shape=shape), names)
