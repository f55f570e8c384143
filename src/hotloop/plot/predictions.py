"""Images with what a classifier makes of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hotloop.plot.canvas import new_figure

if TYPE_CHECKING:
    from hotloop.plot.canvas import Canvas

_RIGHT, _WRONG, _OTHER = "blue", "red", "#777777"


def predictions(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str] | None = None,
    rows: int = 5,
    columns: int = 3,
    figure: "Canvas | None" = None,
) -> "Canvas":
    """Draws a grid of images, each with its predicted class and a bar per class.

    Under an image stand the predicted class, its probability, and in brackets the true class: blue
    if they are the same, red if not. Among the bars, the true class is blue and a wrongly predicted
    one red.

    Args:
        images: Grey images `(n, height, width)`; the first `rows * columns` are drawn.
        labels: True classes `(n,)`.
        probabilities: Predicted probabilities `(n, classes)`.
        class_names: Names of the classes; by default their numbers.
        rows: Rows of the grid.
        columns: Columns of the grid.
        figure: A matplotlib figure to draw into; by default a new one.

    Returns:
        The figure. Save it with `figure.savefig(...)`.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if the arrays do not fit together.
    """
    images, labels = np.asarray(images), np.asarray(labels).reshape(-1)
    probabilities = np.asarray(probabilities)
    if images.ndim != 3 or probabilities.ndim != 2:
        raise ValueError(
            "predictions() expects `images` of shape (n, height, width) and `probabilities` of "
            f"shape (n, classes), and received {images.shape} and {probabilities.shape}."
        )
    if not len(images) == len(labels) == len(probabilities):
        raise ValueError(
            "predictions() expects as many `images` as `labels` and `probabilities`, and received "
            f"{len(images)}, {len(labels)} and {len(probabilities)}."
        )
    classes = probabilities.shape[1]
    if class_names is None:
        class_names = [str(number) for number in range(classes)]
    if len(class_names) != classes or (
        len(labels) and not 0 <= labels.min() <= labels.max() < classes
    ):
        raise ValueError(
            f"predictions() received `probabilities` of {classes} classes, but "
            f"{len(class_names)} `class_names` and `labels` from {labels.min()} to {labels.max()}."
        )
    if figure is None:
        figure = new_figure(4 * columns, 2 * rows)
    axes = figure.subplots(rows, 2 * columns, squeeze=False)
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        left, right = axes[row, 2 * column], axes[row, 2 * column + 1]
        if number >= len(images):
            left.axis("off")
            right.axis("off")
            continue
        _draw_image(left, images[number], int(labels[number]), probabilities[number], class_names)
        _draw_bars(right, int(labels[number]), probabilities[number])
    return figure


def _draw_image(axis, image, label: int, probabilities, class_names) -> None:
    predicted = int(np.argmax(probabilities))
    axis.imshow(image, cmap="binary")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_xlabel(
        f"{class_names[predicted]} {100 * probabilities[predicted]:.0f}% ({class_names[label]})",
        color=_RIGHT if predicted == label else _WRONG,
        fontsize="small",  # two long names have to fit under an image
    )


def _draw_bars(axis, label: int, probabilities) -> None:
    classes = len(probabilities)
    bars = axis.bar(range(classes), probabilities, color=_OTHER)
    axis.set_xticks(range(classes))
    axis.set_yticks([])
    axis.set_ylim(0, 1)
    bars[int(np.argmax(probabilities))].set_color(_WRONG)
    bars[label].set_color(_RIGHT)
