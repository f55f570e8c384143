"""The table that `summary` prints, laid out as Keras lays it out."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hotloop.ops import tree
from hotloop.utils.progbar import print_message

_COLUMNS = ("Layer (type)", "Output Shape", "Param #")


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints the table of `model`; see `Model.summary`.

    Raises:
        ValueError: the table does not fit the line, or `layer_range` names no layers.
    """
    layers = getattr(model, "operations", None) or model.layers
    linear = _is_linear(model)
    header = [*_COLUMNS]
    align = ["left", "left", "right"]
    length, ends = 88, [0.45, 0.80, 1.0]
    if not linear:
        header, align = [*header, "Connected to"], [*align, "left"]
        length, ends = 108, [0.3, 0.56, 0.74, 1.0]
    if positions is not None:
        ends = list(positions)
    if show_trainable:
        header, align = [*header, "Trainable"], [*align, "center"]
        length += 12
        ends = [*(0.9 * end for end in ends), 1.0]
    if len(ends) != len(header):
        raise ValueError(
            f"`positions` must have {len(header)} entries, one per column. Received: {positions!r}"
        )
    import shutil  # brings compression libraries along

    length = line_length or min(length, shutil.get_terminal_size().columns - 4)
    widths = _column_widths(length, ends)

    rows: list[list[str]] = []
    for layer in _in_range(layers, layer_range):
        rows.extend(_layer_rows(layer, model, linear, show_trainable, expand_nested, 0))
    lines = [f'Model: "{model.name}"', *_table(header, rows, align, widths), *_totals(model)]
    text = "\n".join(lines)
    if print_fn is None:
        print_message(text + "\n")
    else:
        print_fn(text)


def count_parameters(variables: Iterable[Any]) -> int:
    """Number of elements of all variables."""
    return sum(math.prod(variable.shape) for variable in variables)


def readable_size(size: float) -> str:
    """Bytes as `"397.54 KB"`."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _is_linear(model: Any) -> bool:
    """Whether the model is a chain, for which a column of connections would say nothing."""
    nodes = getattr(model, "_nodes", None)
    if nodes is None:
        return True
    used: set[int] = set()
    for position, node in enumerate(nodes):
        parents = node.parents
        if len(node.inputs) > 1 or id(node.operation) in used:
            return False
        if position > 0 and (len(parents) != 1 or parents[0] is not nodes[position - 1]):
            return False
        used.add(id(node.operation))
    return True


def _in_range(layers: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(
            "`layer_range` must be two names (or patterns), of the first and the last layer to "
            f"list. Received: layer_range={layer_range!r}"
        )
    first = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    last = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not first or not last:
        raise ValueError(
            f"`layer_range` {tuple(layer_range)} does not match the layers "
            f"{[layer.name for layer in layers]}."
        )
    low, high = sorted((min(first), max(last)))
    return layers[low : high + 1]


def _layer_rows(
    layer: Any, model: Any, linear: bool, show_trainable: bool, expand: bool, level: int
) -> list[list[str]]:
    prefix = "   " * level + "└ " if level else ""
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", _output_shape(layer)]
    built = getattr(layer, "built", True)
    weights = getattr(layer, "weights", [])
    row.append(f"{count_parameters(weights):,}" if built else "0 (unbuilt)")
    if not linear:
        row.append(_connections(layer, model))
    if show_trainable:
        row.append(("Y" if layer.trainable else "N") if weights else "-")
    rows = [row]
    if expand:
        for inner in getattr(layer, "layers", None) or ():
            rows.extend(_layer_rows(inner, model, linear, show_trainable, expand, level + 1))
    return rows


def _output_shape(layer: Any) -> str:
    if layer.nodes:
        shapes = [tensor.shape for tensor in layer.nodes[-1].outputs]
    elif hasattr(layer, "output_shape"):
        shapes = tree.flatten(layer.output_shape) and [layer.output_shape]
    else:
        shapes = _computed_shape(layer)
    if not shapes:
        return "?"
    texts = [_shape_text(shape) for shape in shapes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _computed_shape(layer: Any) -> list[Any]:
    """The shape for the input that the layer was built with, where it can tell."""
    shapes = getattr(layer, "_build_shapes", None)
    if not shapes:
        return []
    try:
        return [layer.compute_output_shape(**shapes)]
    except (NotImplementedError, TypeError):
        return []


def _shape_text(shape: Any) -> str:
    # As Keras writes it: no comma behind the only dimension.
    return f"({', '.join(str(dim) for dim in shape)})"


def _connections(layer: Any, model: Any) -> str:
    known = {id(node) for node in model._nodes}
    parts = [
        f"{tensor.node.operation.name}[{tensor.node_index}][{tensor.tensor_index}]"
        for node in layer.nodes
        if id(node) in known
        for tensor in node.inputs
        if tensor.node is not None
    ]
    return ", ".join(parts) or "-"


def _column_widths(length: int, ends: Sequence[float]) -> list[int]:
    """Widths between the rules, padding included."""
    widths: list[int] = []
    for end in ends:
        width = int(end * length) - sum(widths)
        if width < 4:
            raise ValueError("Insufficient console width to print summary.")
        widths.append(width)
    # Each column has a blank on both sides and a rule, which come off the widths evenly.
    excess = 3 * len(widths) + 1
    widths = [width + 2 for width in widths]
    for position in range(len(widths)):
        share = round(excess / (len(widths) - position))
        widths[position] -= share
        excess -= share
    return widths


def _table(
    header: Sequence[str], rows: list[list[str]], align: Sequence[str], widths: Sequence[int]
) -> list[str]:
    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * width for width in widths) + right

    lines = [rule("┏", "━", "┳", "┓"), *_row(header, align, widths, "┃"), rule("┡", "━", "╇", "┩")]
    for position, row in enumerate(rows):
        if position:
            lines.append(rule("├", "─", "┼", "┤"))
        lines.extend(_row(row, align, widths, "│"))
    return [*lines, rule("└", "─", "┴", "┘")]


def _row(cells: Sequence[str], align: Sequence[str], widths: Sequence[int], edge: str) -> list[str]:
    place = {"left": str.ljust, "right": str.rjust, "center": str.center}
    wrapped = [
        textwrap.wrap(cell, width - 2, break_on_hyphens=False, drop_whitespace=True) or [""]
        if not cell.startswith(" ")
        else [cell[: width - 2]]
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for position in range(max(map(len, wrapped))):
        parts = [
            f" {place[how](cell[position] if position < len(cell) else '', width - 2)} "
            for cell, how, width in zip(wrapped, align, widths, strict=True)
        ]
        lines.append(edge + edge.join(parts) + edge)
    return lines


def _totals(model: Any) -> list[str]:
    trainable = count_parameters(model.trainable_variables)
    frozen = count_parameters(model.non_trainable_weights)
    optimizer = model.optimizer
    slots = None
    if model.compiled and optimizer is not None and optimizer.built:
        slots = count_parameters(optimizer.variables)

    def line(title: str, count: int) -> str:
        return f" {title}: {count:,} ({readable_size(4 * count)})"

    lines = [
        line("Total params", trainable + frozen + (slots or 0)),
        line("Trainable params", trainable),
        line("Non-trainable params", frozen),
    ]
    if slots is not None:
        lines.append(line("Optimizer params", slots))
    return lines
