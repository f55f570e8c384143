"""A function of scalars, or of small arrays, as a function of whole tensors."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from hotloop.graph import Tensor, constant
from hotloop.ops.convert import broadcast_shapes, expand
from hotloop.ops.manipulation import reshape, stack
from hotloop.ops.symbolic import FunctionOperation, any_symbolic

_SIDE = r"\s*\([\w\s,]*\)(?:\s*,\s*\([\w\s,]*\))*\s*"


def _parse(signature: str) -> tuple[list[list[str]], int]:
    """`(m,n),(n)->(m)` as the names of the inputs' axes, and the number of results."""
    if not re.fullmatch(rf"{_SIDE}->{_SIDE}", signature):
        raise ValueError(f'signature must look like "(m,n),(n)->(m)", got {signature!r}.')
    sides = [
        [re.findall(r"\w+", group) for group in re.findall(r"\(([^()]*)\)", side)]
        for side in signature.split("->")
    ]
    return sides[0], len(sides[1])


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Iterable[int] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function that calls `pyfunc` for every element of its broadcast arguments.

    With a `signature` such as `"(m,n),(n)->(m)"`, for every array of the named axes instead. The
    arguments at the positions `excluded` are handed on as they are. The calls are unrolled:
    functions of `hotloop.ops` on whole tensors are much faster.
    """
    if not callable(pyfunc):
        raise ValueError(f"pyfunc must be callable, got {pyfunc!r}.")
    fixed = frozenset(excluded or ())
    parsed = None if signature is None else _parse(signature)

    @functools.wraps(pyfunc)
    def wrapper(*args: Any) -> Any:
        if any_symbolic(args):
            name = getattr(pyfunc, "__name__", "vectorize")
            return FunctionOperation(wrapper, name)(*args)
        places = [i for i in range(len(args)) if i not in fixed]
        tensors = [constant(args[i]) for i in places]
        cores = [[] for _ in tensors] if parsed is None else parsed[0]
        if len(cores) != len(tensors):
            raise ValueError(
                f"The signature {signature!r} has {len(cores)} inputs, got {len(tensors)}."
            )
        lead, parts = _aligned(tensors, cores, signature)
        results = []
        for row in range(math.prod(lead)):
            values = list(args)
            for place, part in zip(places, parts, strict=True):
                values[place] = part[row]
            results.append(pyfunc(*values))
        if not results:
            raise ValueError(f"vectorize needs at least one element, got shape {lead}.")
        if isinstance(results[0], tuple):
            return tuple(_joined(column, lead) for column in zip(*results, strict=True))
        return _joined(results, lead)

    return wrapper


def _aligned(
    tensors: list[Tensor], cores: list[list[str]], signature: str | None
) -> tuple[tuple[int, ...], list[Tensor]]:
    """The shape of the loop, and each tensor with that shape as its first axis."""
    sizes: dict[str, int] = {}
    leads = []
    for x, names in zip(tensors, cores, strict=True):
        if x.ndim < len(names):
            raise ValueError(f"An argument of shape {x.shape} lacks axes of {signature!r}.")
        own = x.shape[x.ndim - len(names) :]
        for name, size in zip(names, own, strict=True):
            if sizes.setdefault(name, size) != size:
                raise ValueError(
                    f"Axis {name!r} of {signature!r} has the sizes {sizes[name]} and {size}."
                )
        leads.append(x.shape[: x.ndim - len(names)])
    lead = broadcast_shapes(*leads) if leads else ()
    parts = []
    for x, names in zip(tensors, cores, strict=True):
        own = x.shape[x.ndim - len(names) :]
        parts.append(reshape(expand(x, (*lead, *own)), (math.prod(lead), *own)))
    return lead, parts


def _joined(results: Any, lead: tuple[int, ...]) -> Tensor:
    joined = stack(list(results))
    return reshape(joined, (*lead, *joined.shape[1:]))
