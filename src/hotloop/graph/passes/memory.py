"""Offsets in the arena: values share memory when their lives do not overlap."""

from __future__ import annotations

from collections.abc import Sequence

UNIT = 16  # elements: 64 bytes


def place(lives: Sequence[tuple[int, int, int]]) -> tuple[list[int], int]:
    """Offsets for values given as (size, first step, last step), and the size of the whole.

    A value may take the place of another only if that was last read in an earlier step. First fit,
    large values first.
    """
    order = sorted(range(len(lives)), key=lambda i: (-lives[i][0], lives[i][1]))
    offsets = [0] * len(lives)
    placed: list[tuple[int, int, int, int]] = []  # offset, end, first, last; by offset
    total = 0
    for i in order:
        size, first, last = lives[i]
        size = -(-size // UNIT) * UNIT
        at = 0
        for start, end, begin, finish in placed:
            if begin > last or finish < first:
                continue
            if start >= at + size:
                break
            at = max(at, end)
        offsets[i] = at
        total = max(total, at + size)
        placed.append((at, at + size, first, last))
        placed.sort()
    return offsets, total
