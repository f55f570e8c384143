"""Intermediate matrices of products live in panels, where every step can take them so.

A product computes tiles of 32 columns. In row-major order each row of such a tile is a piece of its
own, a whole row apart from the next: it is copied in and out, the pieces of wide matrices compete
for few cache sets, and as a right operand the matrix has to be packed. In panels a tile is one
block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hotloop.graph.variable import PANEL

Call = tuple[str, tuple[Any, ...]]
Shape = tuple[int, int]

_SLOT = ("add_arena", "add_const", "add_bound", "add_input", "add_output")


def spread_intermediates(calls: list[Call]) -> list[Call]:
    """The calls with every arena slot in panels that may be: matrices of whole panels that products
    take part in, and that no step sees in any other way than as this matrix, row by row."""
    slots = [name for name, _ in calls if name in _SLOT]
    candidates: dict[int, Shape] = {}
    refused = {slot for slot, name in enumerate(slots) if name != "add_arena"}
    for name, args in calls:
        if name == "add_gemm":
            for slot, shape in _products(args):
                if candidates.setdefault(slot, shape) != shape:
                    refused.add(slot)
    for slot, (rows, cols) in candidates.items():
        if rows < 2 or cols <= PANEL or cols % PANEL:
            refused.add(slot)
    steps = [(name, args) for name, args in calls if name not in _SLOT]
    while True:  # one that is refused may take others of its step with it
        before = len(refused)
        for name, args in steps:
            _refuse(name, args, candidates, refused)
        if len(refused) == before:
            break
    chosen = {slot: shape for slot, shape in candidates.items() if slot not in refused}
    return [(name, _rewrite(name, args, chosen)) for name, args in calls]


def _products(args: tuple[Any, ...]) -> Iterator[tuple[int, Shape]]:
    """The slots that a product sees as matrices, and their shapes as they are stored."""
    m, n, k, left, right, target, epilogue = args
    yield left[0], (k, m) if left[3] else (m, k)
    yield right[0], (n, k) if right[3] else (k, n)
    if target is not None:
        yield target[0], (m, n)
    if epilogue is not None:
        for operand in epilogue[1]:
            if operand[2] != (0,) and operand[3]:
                yield operand[0], (m, n)


def _refuse(
    name: str, args: tuple[Any, ...], candidates: dict[int, Shape], refused: set[int]
) -> None:
    """Refuses the slots that this step cannot take in panels."""
    if name == "add_block":
        _, target, sources, _ = args
        refused.add(target[0])
        refused.update(source[0] for source in sources)
    elif name == "add_gemm":
        m, n, k, left, right, target, epilogue = args
        for matrix, shape in (
            (left, (k, m) if left[3] else (m, k)),
            (right, (n, k) if right[3] else (k, n)),
            (target, (m, n)),
        ):
            if matrix is None or matrix[0] in refused:
                continue
            slot, offset, ld = matrix[:3]
            if candidates[slot] != shape or offset or ld != shape[1]:
                refused.add(slot)
        if epilogue is not None:
            registers, operands, instructions = epilogue
            _refuse_operands((m,), n, registers, operands, instructions, (), candidates, refused)
    else:
        outer, cols, registers, operands, instructions, reductions = args
        refused.update(slot for _, _, slot, _ in reductions)
        _refuse_operands(
            outer, cols, registers, operands, instructions, reductions, candidates, refused
        )


def _refuse_operands(
    outer: tuple[int, ...],
    cols: int,
    registers: str,
    operands: list[Any],
    instructions: list[Any],
    reductions: Sequence[Any],
    candidates: dict[int, Shape],
    refused: set[int],
) -> None:
    # In panels a row is not whole.
    whole_rows = cols > PANEL and (
        any(name.startswith("row_") for name, *_ in instructions)
        or any(name == "store" and registers[a] == "R" for name, _, a, *_ in instructions)
        or any(registers[register] == "R" for _, register, _, _ in reductions)
    )
    uses_of_row: set[int] = set()
    for name, dst, a, _, _, imm in instructions:
        if name == "uniform":
            uses_of_row.add(a)
        elif (name == "load" and registers[dst] == "R") or (
            name == "store" and registers[a] == "R"
        ):
            uses_of_row.add(imm)
    for number, (slot, offset, strides, step, _) in enumerate(operands):
        if slot in refused:
            continue
        fits = (
            not whole_rows
            and number not in uses_of_row
            and len(outer) == 1
            and candidates.get(slot) == (outer[0], cols)
            and (offset, tuple(strides), step) == (0, (cols,), 1)
        )
        if not fits:
            refused.add(slot)


def _rewrite(name: str, args: tuple[Any, ...], chosen: dict[int, Shape]) -> tuple[Any, ...]:
    if name == "add_gemm":
        m, n, k, left, right, target, epilogue = args
        if left[0] in chosen:
            left = (*left[:2], chosen[left[0]][0], left[3], True)
        if right[0] in chosen:
            right = (*right[:2], chosen[right[0]][0], right[3], True)
        if target is not None and target[0] in chosen:
            target = (*target[:2], chosen[target[0]][0], True)
        if epilogue is not None:
            registers, operands, instructions = epilogue
            epilogue = (registers, _in_panels(operands, chosen), instructions)
        return (m, n, k, left, right, target, epilogue)
    if name == "add_tile":
        outer, cols, registers, operands, instructions, reductions = args
        operands = _in_panels(operands, chosen)
        return (outer, cols, registers, operands, instructions, reductions)
    return args


def _in_panels(operands: list[Any], chosen: dict[int, Shape]) -> list[Any]:
    return [(slot, 0, (), 1, True) if slot in chosen else (slot, *rest) for slot, *rest in operands]
