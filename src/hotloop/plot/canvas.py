"""matplotlib, loaded when a picture is drawn; never pyplot: no windows, no global state."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    Canvas: TypeAlias = Figure | SubFigure


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of a size in inches.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: pip install 'hotloop[plot]'."
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def file_types() -> tuple[str, ...]:
    """The endings of file names that figures can be saved under."""
    return tuple(sorted(new_figure(1, 1).canvas.get_supported_filetypes()))
