"""With HOTLOOP_PROFILE=1, a table of where the time of each plan went, printed at exit.

Nothing of this is asked during a run: the native plan keeps the counts, and plans that are made
while the variable is unset do not even do that.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from hotloop.graph.lower import Recipe

__all__ = ["print_tables", "watch"]

_VARIABLE = "HOTLOOP_PROFILE"
_SHOWN = 10  # plans; those that took longest
_watched: dict[int, tuple[Recipe, list[Any]]] = {}
_peak = 0.0


def watch(recipe: Recipe, plan: Any) -> None:
    """Has the plan, just made from the recipe, measured if HOTLOOP_PROFILE asks for it.

    Raises:
        ValueError: the variable is neither "1" nor "0" nor empty.
    """
    setting = os.environ.get(_VARIABLE, "")
    if setting in ("", "0"):
        return
    if setting != "1":
        raise ValueError(f"{_VARIABLE}={setting!r}: expected 1 (a table at exit) or 0 (none)")
    if not _watched:
        _begin()
    plan.profile(True)
    _watched.setdefault(id(recipe), (recipe, []))[1].append(plan)


def _begin() -> None:
    # Now, because at exit no thread may be started any more.
    from hotloop.graph.machine import fma_peak, get_num_threads

    global _peak
    _peak = fma_peak(get_num_threads())
    atexit.register(print_tables)


def print_tables(file: TextIO | None = None) -> None:
    """Prints the tables of all plans watched so far, those that took longest first.

    Args:
        file: where to; standard error by default.
    """
    file = file or sys.stderr
    tables = [(recipe, _sums(plans)) for recipe, plans in _watched.values()]
    tables = [(recipe, sums) for recipe, sums in tables if any(row.calls for row in sums)]
    tables.sort(key=lambda table: -_total(table[1]))
    print(f"\n{_VARIABLE}: plans that ran: {len(tables)}; peak {_peak:.0f} GFLOP/s", file=file)
    for recipe, sums in tables[:_SHOWN]:
        _print_table(recipe, sums, file)
    rest = tables[_SHOWN:]
    if rest:
        seconds = sum(_total(sums) for _, sums in rest)
        print(f"\n{len(rest)} more, quicker: {seconds * 1e3:.2f} ms", file=file)


class _Sums(NamedTuple):
    calls: int
    seconds: float
    sparse_calls: int
    macs: int


def _sums(plans: list[Any]) -> list[_Sums]:
    """What each step took, over all plans made from one recipe."""
    tables = [plan.profile_table() for plan in plans]
    return [
        _Sums(
            sum(row["calls"] for row in rows),
            sum(row["nanoseconds"] for row in rows) / 1e9,
            sum(row["sparse_calls"] for row in rows),
            sum(row["macs"] for row in rows),
        )
        for rows in zip(*tables, strict=True)
    ]


def _total(sums: list[_Sums]) -> float:
    return sum(row.seconds for row in sums)


def _print_table(recipe: Recipe, sums: list[_Sums], file: TextIO) -> None:
    total = _total(sums)
    rows = f"batches of {recipe.batch}" if recipe.batched else "whole arrays"
    print(f"\n{len(sums)} step{'s' * (len(sums) != 1)}, {rows}: {total * 1e3:.2f} ms", file=file)
    head = ("calls", "ms", "share", "GFLOP/s", "of peak", "bytes", "GB/s")
    print("".join(f"{title:>9}" for title in head), " step", file=file)
    steps = [
        (name, args) for name, args in recipe.calls if name in ("add_gemm", "add_tile", "add_block")
    ]
    for (name, args), text, row in zip(steps, recipe.text, sums, strict=True):
        calls, seconds = row.calls, row.seconds
        moved = _bytes(name, args)
        speed = calls / seconds if seconds else 0.0
        cells = [f"{calls}", f"{seconds * 1e3:.2f}", f"{seconds / total if total else 0:.1%}"]
        if name == "add_gemm":
            rate = 2e-9 * row.macs / seconds if seconds else 0.0
            cells += [f"{rate:.1f}", f"{rate / _peak:.1%}"]
        else:
            cells += ["", ""]
        cells += [_scaled(moved), f"{moved * speed / 1e9:.1f}"]
        if row.sparse_calls:
            done = row.macs / (math.prod(args[:3]) * calls)
            often = f"in {row.sparse_calls} of {calls} calls"
            text = f"sparse {text} ({done:.0%} of its terms, {often})"
        print("".join(f"{cell:>9}" for cell in cells), f" {text}", file=file)


def _bytes(name: str, args: tuple[Any, ...]) -> int:
    """What one call of a step reads and writes, each operand counted once."""
    if name == "add_block":
        return _bytes_of_block(*args)
    if name == "add_gemm":
        m, n, k, _, _, target, epilogue = args
        elements = m * k + k * n + (m * n if target is not None else 0)
        outer, cols, operands, reductions = (m,), n, epilogue[1] if epilogue else [], ()
    else:
        outer, cols, _, operands, _, reductions = args
        elements = 0
    for _, _, strides, col_stride, panel in operands:
        if panel:
            elements += math.prod(outer) * cols
        else:
            sizes = [size for size, stride in zip(outer, strides, strict=True) if stride]
            elements += math.prod(sizes) * (cols if col_stride else 1)
    elements += len(reductions) * cols
    return 4 * elements


_MATRICES = frozenset(("triangular", "cholesky", "lu", "qr", "eigh", "svd"))


def _bytes_of_block(kind: str, target: Any, sources: Any, sizes: Any) -> int:
    if kind == "gather":
        batch, _, cols, count, _, _ = sizes
        return 4 * batch * count * (2 * cols + 1)
    if kind == "scatter":
        batch, rows, cols, count, _, _ = sizes
        return 4 * batch * (count * (3 * cols + 1) + rows * cols)
    if kind == "product":
        m, n, k = sizes[:3]
        return 4 * (m * k + k * n + m * n) * math.prod(sizes[8 : 8 + sizes[7]])
    if kind in _MATRICES:
        rows, cols = sizes[1], sizes[2] if kind in ("triangular", "qr", "svd") else sizes[1]
        return 4 * sizes[0] * rows * cols * 2
    if kind == "search":
        return 4 * (sizes[0] + 2 * sizes[1])
    return 8 * math.prod(sizes[: 3 if kind == "scan" else 2])


def _scaled(count: float) -> str:
    for unit in ("", "k", "M"):
        if count < 1000:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:.3g}G"
