"""Digits that hotloop draws itself: a stand-in for MNIST that needs no file.

Strokes (`digit_strokes`) are bent, stretched, turned and moved at random, then drawn with a pen of
random thickness, and made noisy. Only additions, multiplications and square roots are used, so a
seed gives the same images everywhere.
"""

import math

import numpy as np

from hotloop.datasets import fast_copy
from hotloop.datasets.digit_strokes import SAMPLES, skeletons

class_names = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

_VERSION = 1  # to be raised whenever the images change
_SIZE = 28
_CHUNK = 2500  # images that are drawn at a time, from one stream of random numbers
_GRID = 4  # control points of the elastic distortion along each side
_RADIUS = 3  # of the pen, in pixels, at most

# Half-widths of the random distortions; the class boundaries blur as they grow.
_JITTER = 0.055  # of each point of a skeleton, in unit squares
_ELASTIC = 0.1  # of the control points of the elastic distortion
_SHEAR = 0.3
_TURN = 0.13  # tangent of half the angle
_SHIFT = 2.3  # pixels

_POINTS = max(len(skeleton.points) for skeleton in skeletons())
_DRAWS = 16 + 2 * _POINTS + 2 * _GRID * _GRID  # random numbers of an image, without its noise


def load_data(
    seed: int = 0, train: int = 60000, test: int = 10000
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Draws a set of digits, in the form of MNIST.

    The same seed always gives the same images, and a smaller set is the beginning of a larger one.
    The full set takes a few seconds the first time; after that it comes from hotloop's cache.

    Args:
        seed: Whole number from 0 to 2**64 - 1.
        train: Number of training images.
        test: Number of test images.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(n, 28, 28)`, 0 for the
        background and 255 for ink, and uint8 labels of shape `(n,)`.

    Raises:
        ValueError: if an argument is not a whole number, or out of range.
    """
    seed = _check("seed", seed, 2**64)
    train = _check("train", train, 2**32)
    test = _check("test", test, 2**32)
    key = f"synthetic_digits-{_VERSION}-{seed}-{train}-{test}"
    shapes = {
        "x_train": (train, _SIZE, _SIZE),
        "y_train": (train,),
        "x_test": (test, _SIZE, _SIZE),
        "y_test": (test,),
    }
    worth_keeping = train + test >= 10 * _CHUNK
    arrays = fast_copy.load(key, shapes) if worth_keeping else None
    if arrays is None:
        arrays = {}
        arrays["x_train"], arrays["y_train"] = _draw(seed, 0, train)
        arrays["x_test"], arrays["y_test"] = _draw(seed, 1, test)
        if worth_keeping:
            fast_copy.store(key, arrays)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _check(name: str, value: int, limit: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ValueError(f"`{name}` should be a whole number, and is {value!r}.")
    if not 0 <= value < limit:
        raise ValueError(f"`{name}` should be in [0, {limit}), and is {value}.")
    return int(value)


def _draw(seed: int, split: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` images and labels of a split."""
    images = np.empty((count, _SIZE, _SIZE), np.uint8)
    labels = np.empty(count, np.uint8)
    for number in range(math.ceil(count / _CHUNK)):
        rows = slice(number * _CHUNK, min(count, (number + 1) * _CHUNK))
        random = np.random.Philox(key=[seed, split << 32 | number])
        _draw_chunk(random, images[rows], labels[rows])
    return images, labels


def _draw_chunk(random: np.random.Philox, images: np.ndarray, labels: np.ndarray) -> None:
    n = len(images)
    # The raw words are used, as NumPy promises them alone to be the same in every version.
    raw = random.random_raw(_CHUNK * _DRAWS).reshape(_CHUNK, _DRAWS)[:n]
    words = random.random_raw(_CHUNK * _SIZE * _SIZE // 8).reshape(_CHUNK, -1)[:n]
    noise = words.astype("<u8").view(np.uint8).reshape(n, _SIZE, _SIZE)
    # From -1 to 1, with 24 bits, which float32 holds exactly.
    u = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    style = (raw[:, 0] % np.uint64(len(skeletons()))).astype(np.intp)
    digits = np.array([skeleton.digit for skeleton in skeletons()], np.uint8)
    labels[:] = digits[style]
    points = u[:, 16 : 16 + 2 * _POINTS].reshape(n, _POINTS, 2)
    x, y, density = _bend(style, points)
    x, y = _stretch(x, y, u[:, 16 + 2 * _POINTS :].reshape(n, 2, _GRID * _GRID))
    x, y = _move(x, y, u[:, 1:9])
    ink = _ink(x, y, density * np.float32(20), u[:, 9:11])
    ink *= (np.float32(0.85) + np.float32(0.15) * u[:, 11])[:, None, None]
    loudness = (np.float32(0.12) + np.float32(0.12) * u[:, 12])[:, None, None]
    ink += loudness * (noise.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1))
    ink -= np.float32(0.15)  # leaves the background mostly clean
    ink *= np.float32(255 / 0.85)
    np.clip(ink, 0, 255, out=ink)
    images[:] = np.rint(ink)


def _bend(style: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples `(n, SAMPLES)` of the skeletons with every point moved a little.

    The products are written out, since BLAS may round differently from machine to machine.
    """
    samples = np.empty((2, len(style), SAMPLES), np.float32)
    density = np.empty((len(style), 1), np.float32)
    for number, skeleton in enumerate(skeletons()):
        rows = np.flatnonzero(style == number)
        weights = skeleton.weights.astype(np.float32)
        k = len(skeleton.points)
        places = skeleton.points.astype(np.float32) + np.float32(_JITTER) * u[rows, :k]
        for axis in range(2):
            total = np.zeros((len(rows), SAMPLES), np.float32)
            for point in range(k):
                total += places[:, point, axis, None] * weights[:, point]
            samples[axis, rows] = total
        density[rows] = skeleton.spacing
    return samples[0], samples[1], density


def _stretch(x: np.ndarray, y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elastic distortion: every sample moves by a smooth mean of what its neighbours on a coarse
    grid of control points move."""
    n = len(x)
    gx = np.clip(x, 0, np.float32(0.999)) * np.float32(_GRID - 1)
    gy = np.clip(y, 0, np.float32(0.999)) * np.float32(_GRID - 1)
    ix, iy = gx.astype(np.intp), gy.astype(np.intp)
    tx, ty = gx - ix.astype(np.float32), gy - iy.astype(np.float32)
    tx, ty = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty)
    corner = iy * _GRID + ix + np.arange(n)[:, None] * (_GRID * _GRID)
    moved = []
    for axis, values in enumerate((x, y)):
        control = np.ascontiguousarray(u[:, axis]).reshape(-1) * np.float32(_ELASTIC)
        top = control[corner] * (1 - tx) + control[corner + 1] * tx
        bottom = control[corner + _GRID] * (1 - tx) + control[corner + _GRID + 1] * tx
        moved.append(values + (top * (1 - ty) + bottom * ty))
    return moved[0], moved[1]


def _move(x: np.ndarray, y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales, shears, turns and shifts; from unit squares to pixels."""
    columns = [u[:, i, None] for i in range(8)]
    x = (x - np.float32(0.5)) * (17 + 3 * columns[0] + columns[6])
    y = (y - np.float32(0.5)) * (20 + 2 * columns[1] + columns[7])
    x = x + np.float32(_SHEAR) * columns[2] * y
    half = np.float32(_TURN) * columns[3]
    scale = 1 / (1 + half * half)
    cos, sin = (1 - half * half) * scale, 2 * half * scale
    center = np.float32((_SIZE - 1) / 2)
    return (
        cos * x - sin * y + (center + np.float32(_SHIFT) * columns[4]),
        sin * x + cos * y + (center + np.float32(_SHIFT) * columns[5]),
    )


def _ink(x: np.ndarray, y: np.ndarray, density: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Draws the samples as points and spreads each by the pen: `(n, 28, 28)`, full ink is 1."""
    n = len(x)
    margin = _RADIUS  # room for the pen, and for what leaves the image
    side = _SIZE + 2 * margin
    x = np.clip(x + np.float32(margin), 0, np.float32(side - 1.01))
    y = np.clip(y + np.float32(margin), 0, np.float32(side - 1.01))
    ix, iy = x.astype(np.intp), y.astype(np.intp)
    tx, ty = x - ix.astype(np.float32), y - iy.astype(np.float32)
    at = iy * side + ix + np.arange(n)[:, None] * (side * side)
    canvas = np.zeros(n * side * side)
    for step, share in (
        (0, (1 - tx) * (1 - ty)),
        (1, tx * (1 - ty)),
        (side, (1 - tx) * ty),
        (side + 1, tx * ty),
    ):
        canvas += np.bincount(
            (at + step).reshape(-1), (share * density).reshape(-1), minlength=canvas.size
        )
    dots = canvas.astype(np.float32).reshape(n, side, side)
    width = np.float32(2.0) + np.float32(0.75) * u[:, 0]
    offset = np.arange(_RADIUS + 1, dtype=np.float32)
    pen = np.maximum(0, 1 - (offset / width[:, None]) ** 2) ** 2
    # A straight line is to have full ink in its middle, or a little more.
    strength = (np.float32(1.3) + np.float32(0.3) * u[:, 1]) / (
        pen[:, 0] + 2 * pen[:, 1:].sum(axis=1)
    )
    ink = _spread(_spread(dots, pen, 1), pen, 2)
    ink *= strength[:, None, None]
    return np.minimum(ink, 1, out=ink)


def _spread(image: np.ndarray, pen: np.ndarray, axis: int) -> np.ndarray:
    """Convolves along an axis with a symmetric pen, and drops the margin there."""
    image = np.moveaxis(image, axis, 1)
    total = image[:, _RADIUS : _RADIUS + _SIZE] * pen[:, 0, None, None]
    for step in range(1, _RADIUS + 1):
        sides = (
            image[:, _RADIUS - step : _RADIUS - step + _SIZE]
            + (image[:, _RADIUS + step : _RADIUS + step + _SIZE])
        )
        sides *= pen[:, step, None, None]
        total += sides
    return np.moveaxis(total, 1, axis)
