"""Pictures of models: boxes and arrows in the language of Graphviz, through pydot."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from hotloop.layers import InputLayer, Layer
from hotloop.models import Functional, Sequential
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor

# Formats that are the text itself, for which Graphviz is not needed.
_TEXT = ("dot", "gv")


def model_to_dot(
    model: Layer,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """The layers of `model` as boxes, and what flows between them as arrows.

    Needs pydot: `pip install 'hotloop[graph]'`. A model that is neither Sequential nor Functional
    is one box.

    Args:
        model: the model; it must be built.
        show_shapes: whether boxes say the shapes of the layer's inputs and outputs.
        show_dtype: whether they say the dtype of its outputs.
        show_layer_names: whether they say its name, beside its class.
        rankdir: "TB" draws from top to bottom, "LR" from left to right.
        expand_nested: whether Sequential and Functional models inside are drawn with their layers,
            in a frame each.
        dpi: resolution of the picture.
        subgraph: whether to return a `pydot.Cluster`, to be put into another picture.
        show_layer_activations: whether boxes say the layer's activation, if it has one.
        show_trainable: whether they say if the layer's weights are trained.
        splines: how arrows run: "ortho", "curved", "polyline", "spline" or "line".

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster`.

    Raises:
        ImportError: pydot is missing.
        TypeError: `model` is not a model.
        ValueError: it is not built, or there are other arguments.
    """
    _check_built(model)
    _refuse_unknown(kwargs)
    drawing = _Drawing(
        _import_pydot(),
        expand_nested,
        {
            "names": show_layer_names,
            "activations": show_layer_activations,
            "shapes": show_shapes,
            "dtype": show_dtype,
            "trainable": show_trainable,
        },
    )
    if subgraph:
        return drawing.frame(model)
    dot = drawing.pydot.Dot()
    dot.set("rankdir", rankdir)
    dot.set("concentrate", True)
    dot.set("dpi", dpi)
    dot.set("splines", splines)
    dot.set_node_defaults(shape="record")
    drawing.fill(dot, model)
    return dot


def plot_model(
    model: Layer,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draws `model` into a file; the arguments are those of `model_to_dot`.

    Needs pydot, `pip install 'hotloop[graph]'`, and the programs of Graphviz, except where
    `to_file` ends in ".dot" or ".gv": that is the text Graphviz draws from.

    Args:
        model: the model; it must be built.
        to_file: path of the picture; its ending is the format, "png" if it has none.

    Returns:
        The picture for a notebook where IPython is installed, else None.

    Raises:
        ImportError: pydot or Graphviz is missing.
        TypeError: `model` is not a model.
        ValueError: it is not built, the format is unknown, or there are other arguments.
    """
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    path = os.fspath(to_file)
    form = os.path.splitext(path)[1][1:] or "png"
    if form in _TEXT:
        dot.write(path, format="raw")
        return None
    if form not in dot.formats:
        raise ValueError(
            f"Graphviz writes no files in the format {form!r}. Use one of {sorted(dot.formats)}. "
            f"Received: to_file={path!r}"
        )
    try:
        picture = dot.create(format=form)
    except FileNotFoundError as error:
        raise ImportError(
            "plot_model needs the programs of Graphviz (the package `graphviz` of the operating "
            "system, or https://graphviz.org/download). Without them, write the text that they "
            f"draw from, to_file='model.dot'. Received: to_file={path!r}"
        ) from error
    with open(path, "wb") as file:
        file.write(picture)
    return None if form == "pdf" else _notebook_picture(path)


class _Drawing:
    """How one picture is drawn.

    Args:
        pydot: the module.
        expand: whether models inside are drawn with their layers.
        show: what boxes say.
    """

    def __init__(self, pydot: ModuleType, expand: bool, show: dict[str, bool]) -> None:
        self.pydot = pydot
        self.expand = expand
        self.show = show

    def fill(self, graph: Any, model: Any) -> None:
        """Puts the boxes of `model`, and the arrows between them, into `graph`."""
        if isinstance(model, Sequential):
            inner = model.layers
        elif isinstance(model, Functional):
            inner = model.operations
        else:
            inner = [model]
        for layer in inner:
            if self._is_open(layer) and layer is not model:
                graph.add_subgraph(self.frame(layer))
            else:
                graph.add_node(self._box(layer))
        for ends in dict.fromkeys(self._arrows(model)):
            graph.add_edge(self.pydot.Edge(*ends, penwidth="2"))

    def frame(self, model: Any) -> Any:
        """`model` as a part of a picture."""
        # By its identity: Graphviz makes one of two clusters that have one name.
        cluster = self.pydot.Cluster(str(id(model)), style="dashed")
        cluster.set("label", model.name)
        cluster.set("labeljust", "l")
        self.fill(cluster, model)
        return cluster

    def _is_open(self, layer: Any) -> bool:
        return self.expand and isinstance(layer, (Functional, Sequential))

    def _arrows(self, model: Any) -> Iterator[tuple[str, str]]:
        """Names of the boxes that arrows of `model` lead from and to."""
        if isinstance(model, Sequential):
            for source, target in zip(model.layers, model.layers[1:], strict=False):
                yield self._exit(source, 0), self._entry(target, 0)
        elif isinstance(model, Functional):
            for node in model._nodes:
                for position, tensor in enumerate(node.inputs):
                    if tensor.node is not None:
                        start = self._exit(tensor.node.operation, tensor.tensor_index)
                        yield start, self._entry(node.operation, position)

    def _exit(self, operation: Any, index: int) -> str:
        """The box that makes the output number `index` of `operation`."""
        while self._is_open(operation):
            if isinstance(operation, Sequential):
                operation = operation.layers[-1]
            else:
                tensor = operation.outputs[index]
                operation, index = tensor.node.operation, tensor.tensor_index
        return str(id(operation))

    def _entry(self, operation: Any, index: int) -> str:
        """The box that takes the input number `index` of `operation`."""
        while self._is_open(operation):
            if isinstance(operation, Sequential):
                operation = operation.layers[0]
            else:
                operation = operation.inputs[index].node.operation
        return str(id(operation))

    def _box(self, layer: Any) -> Any:
        return self.pydot.Node(
            str(id(layer)),
            label=f"<{_table(layer, self.show)}>",
            fontname="Helvetica",
            border="0",
            margin="0",
        )


def _table(layer: Any, show: dict[str, bool]) -> str:
    """What the box of `layer` says, as a table in Graphviz's HTML."""
    kind = type(layer).__name__
    cells = list(_details(layer, show))
    span = f'colspan="{max(1, len(cells))}"'
    title = f"<b>{_text(layer.name)}</b> ({_text(kind)})" if show["names"] else f"<b>{kind}</b>"
    rows = [_cell(title, f'{span} bgcolor="black"', 'point-size="16" color="white"')]
    activation = getattr(layer, "activation", None)
    if show["activations"] and activation is not None:
        rows.append(_fact("Activation", _activation_name(activation), span))
    if cells:
        rows.append("".join(cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{body}</table>'


def _details(layer: Any, show: dict[str, bool]) -> Iterator[str]:
    """The cells of the last row."""
    if show["shapes"]:
        if not isinstance(layer, InputLayer):
            yield _fact("Input shape", _of_tensors(layer, "input", "shape"))
        yield _fact("Output shape", _of_tensors(layer, "output", "shape"))
    if show["dtype"]:
        yield _fact("Output dtype", _of_tensors(layer, "output", "dtype"))
    if show["trainable"] and getattr(layer, "weights", None):
        word, color = (
            ("Trainable", "forestgreen") if layer.trainable else ("Non-trainable", "firebrick")
        )
        yield _cell(f"<b>{word}</b>", f'bgcolor="{color}"', 'point-size="14" color="white"')


def _fact(name: str, value: str, attributes: str = "") -> str:
    text = f"{name}: <b>{_text(value)}</b>"
    return _cell(text, f'{attributes} bgcolor="white"'.strip(), 'point-size="14"')


def _cell(text: str, attributes: str, font: str) -> str:
    return f"<td {attributes}><font {font}>{text}</font></td>"


def _text(value: str) -> str:
    return html.escape(value)


def _activation_name(activation: Any) -> str:
    return str(getattr(activation, "name", getattr(activation, "__name__", activation)))


def _of_tensors(layer: Any, which: str, what: str) -> str:
    """Shape or dtype of the symbolic input or output of `layer`, "?" where it has none."""
    try:
        tensors = getattr(layer, which)
    except AttributeError:  # never called on symbolic inputs
        return "?"
    found = tree.map_structure(
        lambda x: getattr(x, what) if isinstance(x, KerasTensor) else None, tensors
    )
    if isinstance(found, dict):
        return ", ".join(f"{key}: {value}" for key, value in found.items())
    return str(found)


def _check_built(model: Any) -> None:
    if not isinstance(model, Layer):
        raise TypeError(
            f"`model` must be a hotloop model. Received: {model!r} of type {type(model).__name__}"
        )
    if not model.built:
        raise ValueError(
            f"The model '{model.name}' has not yet been built. Call `build()` with the shape of "
            "its input, or call the model on data."
        )


def _refuse_unknown(kwargs: dict[str, Any]) -> None:
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("The argument `layer_range` is no longer supported, as in Keras 3.")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {sorted(kwargs)}")


def _import_pydot() -> ModuleType:
    try:
        import pydot
    except ImportError as error:
        raise ImportError(
            "Pictures of models need the package pydot: pip install 'hotloop[graph]'"
        ) from error
    return pydot


def _notebook_picture(path: str) -> Any:
    try:
        from IPython import display
    except ImportError:
        return None
    return display.Image(filename=path)
