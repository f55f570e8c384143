"""Curves of a training run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hotloop.plot.canvas import new_figure

if TYPE_CHECKING:
    from hotloop.plot.canvas import Canvas


def curves(
    history: Any, metrics: Sequence[str] | None = None, figure: "Canvas | None" = None
) -> "Canvas":
    """Draws metrics over the epochs, training and validation in one picture each.

    Args:
        history: What `fit` returned, or the dict in it.
        metrics: Names of the metrics to draw, without `val_`; by default all, the loss first.
        figure: A matplotlib figure to draw into; by default a new one.

    Returns:
        The figure. Save it with `figure.savefig(...)`.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if the history is empty or has no metric of a name.
    """
    values: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    if not values:
        raise ValueError("`history` has no epochs: there is nothing to draw.")
    if metrics is None:
        names = [name for name in values if not name.startswith("val_")]
        metrics = sorted(names, key=lambda name: (name != "loss", name))
    for name in metrics:
        if name not in values:
            raise ValueError(f"`history` has no metric {name!r}; it has {', '.join(values)}.")
    if figure is None:
        figure = new_figure(5 * len(metrics), 3.5)
    axes = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axis, name in zip(axes, metrics, strict=True):
        for label, key in (("train", name), ("test", f"val_{name}")):
            if key in values:
                axis.plot(range(1, len(values[key]) + 1), values[key], marker=".", label=label)
        axis.set_title(f"Model {name}")
        axis.set_xlabel("Epoch")
        axis.set_ylabel(name.capitalize())
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    return figure
