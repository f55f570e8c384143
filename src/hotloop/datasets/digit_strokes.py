"""How the ten digits are written: our own stroke skeletons, several styles for each.

A style is a list of strokes in a unit square, x to the right and y down. A stroke is a kind and
points: "line" joins them by straight lines, "curve" by a smooth curve through all of them, "loop"
by a smooth closed curve. Points at the same place are one point: it moves as one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

Point = tuple[float, float]
Stroke = tuple[str, list[Point]]

_UPPER_LOOP = [(0.5, 0.08), (0.72, 0.16), (0.74, 0.34), (0.5, 0.48), (0.26, 0.34), (0.28, 0.16)]
_LOWER_LOOP = [(0.5, 0.48), (0.76, 0.6), (0.76, 0.82), (0.5, 0.93), (0.24, 0.82), (0.24, 0.6)]

STYLES: tuple[tuple[list[Stroke], ...], ...] = (
    (  # 0: round, narrow, not quite closed
        [("loop", [(0.5, 0.08), (0.76, 0.2), (0.84, 0.5), (0.75, 0.8), (0.5, 0.92), (0.25, 0.8),
                   (0.16, 0.5), (0.24, 0.2)])],
        [("loop", [(0.52, 0.07), (0.68, 0.25), (0.7, 0.55), (0.58, 0.86), (0.44, 0.93),
                   (0.32, 0.75), (0.3, 0.45), (0.38, 0.17)])],
        [("curve", [(0.6, 0.14), (0.42, 0.1), (0.24, 0.3), (0.2, 0.6), (0.32, 0.86), (0.55, 0.92),
                    (0.76, 0.74), (0.8, 0.42), (0.7, 0.18), (0.48, 0.09)])],
    ),
    (  # 1: a stroke, a stroke with a flag, with a flag and a foot
        [("line", [(0.5, 0.08), (0.5, 0.92)])],
        [("curve", [(0.3, 0.3), (0.42, 0.22), (0.54, 0.08)]),
         ("line", [(0.54, 0.08), (0.52, 0.92)])],
        [("line", [(0.3, 0.28), (0.52, 0.08), (0.52, 0.9)]), ("line", [(0.28, 0.9), (0.76, 0.9)])],
    ),
    (  # 2: with a straight foot, with a loop, with a round neck
        [("curve", [(0.22, 0.28), (0.34, 0.11), (0.58, 0.08), (0.76, 0.24), (0.7, 0.46),
                    (0.46, 0.7), (0.2, 0.91)]), ("line", [(0.2, 0.91), (0.82, 0.9)])],
        [("curve", [(0.24, 0.22), (0.46, 0.08), (0.72, 0.2), (0.68, 0.48), (0.42, 0.8),
                    (0.22, 0.86), (0.24, 0.72), (0.44, 0.76), (0.62, 0.9), (0.84, 0.82)])],
        [("curve", [(0.2, 0.24), (0.44, 0.09), (0.7, 0.16), (0.74, 0.38), (0.5, 0.6), (0.28, 0.76),
                    (0.22, 0.9)]), ("curve", [(0.22, 0.9), (0.5, 0.86), (0.8, 0.92)])],
    ),
    (  # 3: two bowls, a flat roof, a small upper bowl
        [("curve", [(0.22, 0.2), (0.44, 0.08), (0.7, 0.16), (0.7, 0.36), (0.44, 0.47)]),
         ("curve", [(0.44, 0.47), (0.74, 0.56), (0.76, 0.8), (0.48, 0.93), (0.2, 0.8)])],
        [("line", [(0.24, 0.1), (0.74, 0.1), (0.46, 0.42)]),
         ("curve", [(0.46, 0.42), (0.74, 0.52), (0.76, 0.78), (0.5, 0.93), (0.22, 0.82)])],
        [("curve", [(0.3, 0.14), (0.52, 0.07), (0.66, 0.2), (0.58, 0.36), (0.4, 0.42)]),
         ("curve", [(0.4, 0.42), (0.7, 0.48), (0.8, 0.7), (0.6, 0.92), (0.26, 0.88)])],
    ),
    (  # 4: open, closed, with a short stem
        [("line", [(0.32, 0.1), (0.2, 0.56), (0.82, 0.54)]),
         ("line", [(0.66, 0.28), (0.62, 0.92)])],
        [("line", [(0.62, 0.92), (0.64, 0.08), (0.18, 0.62), (0.84, 0.62)])],
        [("curve", [(0.28, 0.12), (0.22, 0.36), (0.32, 0.5), (0.54, 0.48), (0.7, 0.4)]),
         ("line", [(0.72, 0.1), (0.7, 0.4), (0.66, 0.92)])],
    ),
    (  # 5: square, soft, with the roof apart
        [("line", [(0.76, 0.1), (0.32, 0.1), (0.28, 0.44)]),
         ("curve", [(0.28, 0.44), (0.52, 0.38), (0.76, 0.54), (0.74, 0.8), (0.48, 0.93),
                    (0.2, 0.84)])],
        [("curve", [(0.74, 0.12), (0.5, 0.1), (0.34, 0.14), (0.28, 0.3), (0.36, 0.44), (0.58, 0.48),
                    (0.72, 0.66), (0.62, 0.86), (0.4, 0.93), (0.22, 0.86)])],
        [("line", [(0.34, 0.14), (0.3, 0.46)]),
         ("curve", [(0.3, 0.46), (0.56, 0.44), (0.74, 0.62), (0.66, 0.86), (0.42, 0.93),
                    (0.22, 0.84)]), ("line", [(0.34, 0.14), (0.8, 0.08)])],
    ),
    (  # 6: curved, straight, with a small loop
        [("curve", [(0.68, 0.1), (0.42, 0.22), (0.26, 0.48), (0.24, 0.74), (0.42, 0.92),
                    (0.68, 0.86), (0.74, 0.66), (0.58, 0.54), (0.36, 0.6), (0.25, 0.74)])],
        [("curve", [(0.56, 0.07), (0.36, 0.4), (0.26, 0.7), (0.38, 0.9), (0.62, 0.9), (0.74, 0.72),
                    (0.62, 0.56), (0.42, 0.58), (0.28, 0.72)])],
        [("curve", [(0.48, 0.07), (0.32, 0.3), (0.24, 0.6), (0.3, 0.84), (0.48, 0.92), (0.62, 0.82),
                    (0.6, 0.66), (0.46, 0.62), (0.3, 0.72)])],
    ),
    (  # 7: plain, crossed, curved with a hook
        [("line", [(0.2, 0.12), (0.8, 0.11), (0.44, 0.92)])],
        [("line", [(0.2, 0.12), (0.78, 0.1), (0.42, 0.92)]), ("line", [(0.34, 0.5), (0.74, 0.48)])],
        [("line", [(0.22, 0.26), (0.26, 0.13), (0.78, 0.12)]),
         ("curve", [(0.78, 0.12), (0.62, 0.38), (0.5, 0.64), (0.48, 0.92)])],
    ),
    (  # 8: two loops, one line that crosses itself, a narrow one
        [("loop", _UPPER_LOOP), ("loop", _LOWER_LOOP)],
        [("loop", [(0.7, 0.16), (0.46, 0.08), (0.28, 0.22), (0.38, 0.4), (0.62, 0.54), (0.76, 0.76),
                   (0.52, 0.93), (0.26, 0.8), (0.34, 0.58), (0.6, 0.42), (0.74, 0.26)])],
        [("loop", [(0.64, 0.12), (0.44, 0.1), (0.38, 0.26), (0.48, 0.44), (0.6, 0.64), (0.6, 0.86),
                   (0.44, 0.92), (0.34, 0.78), (0.42, 0.56), (0.58, 0.4), (0.68, 0.24)])],
    ),
    (  # 9: straight stem, curved tail, one line
        [("loop", [(0.5, 0.08), (0.7, 0.16), (0.73, 0.34), (0.54, 0.48), (0.32, 0.42),
                   (0.28, 0.2)]),
         ("line", [(0.73, 0.34), (0.66, 0.92)])],
        [("loop", [(0.5, 0.08), (0.72, 0.16), (0.74, 0.36), (0.52, 0.48), (0.3, 0.4),
                   (0.28, 0.2)]),
         ("curve", [(0.74, 0.36), (0.74, 0.66), (0.58, 0.9), (0.3, 0.88)])],
        [("curve", [(0.72, 0.16), (0.5, 0.07), (0.3, 0.22), (0.36, 0.44), (0.58, 0.42),
                    (0.72, 0.16), (0.7, 0.5), (0.6, 0.92)])],
    ),
)  # fmt: skip

SAMPLES = 96  # points along a digit; half a pixel apart at most, at the sizes that are drawn


@dataclass(frozen=True)
class Skeleton:
    """A style, ready to be moved: samples are `weights @ points`.

    Attributes:
        digit: The digit it is.
        points: `(k, 2)`, the distinct points of the strokes.
        weights: `(SAMPLES, k)`, the share of each point in each sample.
        spacing: Length of line, in unit squares, that each sample stands for.
    """

    digit: int
    points: np.ndarray
    weights: np.ndarray
    spacing: float


@cache
def skeletons() -> tuple[Skeleton, ...]:
    """All styles of all digits, the styles of a digit side by side."""
    return tuple(
        _skeleton(digit, strokes) for digit, styles in enumerate(STYLES) for strokes in styles
    )


def _skeleton(digit: int, strokes: list[Stroke]) -> Skeleton:
    points = sorted({point for _, stroke in strokes for point in stroke})
    dense = []
    for kind, stroke in strokes:
        index = [points.index(point) for point in stroke]
        dense.append(_interpolate(kind, index, len(points)))
    places = np.array(points)
    lengths = [_lengths(weights @ places) for weights in dense]
    total = sum(length[-1] for length in lengths)
    # Each stroke gets its share of the samples, evenly spaced along it.
    shares = np.array([length[-1] for length in lengths]) / total * SAMPLES
    counts = np.maximum(2, np.floor(shares).astype(int))
    counts[-1] += SAMPLES - counts.sum()
    rows = []
    for weights, length, count in zip(dense, lengths, counts, strict=True):
        at = (np.arange(count) + 0.5) / count * length[-1]
        after = np.clip(np.searchsorted(length, at), 1, len(length) - 1)
        share = (at - length[after - 1]) / (length[after] - length[after - 1])
        rows.append(weights[after - 1] * (1 - share)[:, None] + weights[after] * share[:, None])
    return Skeleton(digit, places, np.concatenate(rows), float(total) / SAMPLES)


def _interpolate(kind: str, index: list[int], k: int, steps: int = 16) -> np.ndarray:
    """Weights `(n, k)` of the points at which a stroke is sampled densely."""
    if kind == "loop":
        index = [*index, index[0]]
    last = len(index) - 1
    rows = []
    for segment in range(last):
        for step in range(steps + (segment == last - 1)):
            t = step / steps
            row = np.zeros(k)
            shares: tuple[tuple[int, float], ...]
            if kind == "line":
                shares = ((segment, 1 - t), (segment + 1, t))
            else:  # a Catmull-Rom spline: through all points, linear in them
                shares = (
                    (segment - 1, ((2 - t) * t - 1) * t / 2),
                    (segment, ((3 * t - 5) * t * t + 2) / 2),
                    (segment + 1, ((4 - 3 * t) * t + 1) * t / 2),
                    (segment + 2, (t - 1) * t * t / 2),
                )
            for position, share in shares:
                if kind == "loop":
                    position %= last
                else:
                    position = min(max(position, 0), last)
                row[index[position]] += share
            rows.append(row)
    return np.array(rows)


def _lengths(samples: np.ndarray) -> np.ndarray:
    """Length of the line up to each sample."""
    steps = np.diff(samples, axis=0)
    return np.concatenate([[0.0], np.cumsum(np.sqrt((steps * steps).sum(axis=1)))])
