"""Model: a layer that trains."""

from __future__ import annotations

from typing import Any, NoReturn

from hotloop.layers import Layer
from hotloop.models.forward import ForwardPlans
from hotloop.models.summary import print_summary
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor
from hotloop.storage import weights
from hotloop.training import Trainer
from hotloop.training.data import InputSpec


class Model(Trainer, Layer):
    """A model: built from symbolic tensors, or a subclass that defines `call`.

    `Model(inputs, outputs)` makes a `Functional`. A subclass makes its layers in `__init__` (after
    `super().__init__()`) and applies them in `call(self, inputs)`, with an optional `training`
    argument.
    """

    _passes_masks = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            from hotloop.models.functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            raise NotImplementedError(
                f"{type(self).__name__} passes `inputs` and `outputs` to Model.__init__(): "
                "subclasses of functional models are not supported yet. Use Model(inputs, outputs) "
                "as it is, or define `call`."
            )
        Trainer.__init__(self)
        Layer.__init__(self, *args, **kwargs)
        self._forward = ForwardPlans()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`: symbolic for symbolic ones, else values.

        Args:
            inputs: array, tensor, or structure of them; batch first.
            training: whether layers such as Dropout behave as in training; False by default.
        """
        if len(args) == 1:
            outputs = self._forward.run(self, args[0], kwargs)
            if outputs is not NotImplemented:
                return outputs
        if self.built:
            return super().__call__(*args, **kwargs)
        with self._trainer.plans.lock:
            return super().__call__(*args, **kwargs)

    def _call_layer(self, inputs: Any, training: Any) -> Any:
        """The call itself, operation by operation or traced, never through a forward plan."""
        kwargs = {} if training is None else {"training": training}
        return Layer.__call__(self, inputs, **kwargs)

    @property
    def layers(self) -> list[Layer]:
        """The layers right below this model."""
        return list(self._flatten_layers(include_self=False, recursive=False))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer called `name`, or at `index` of `layers`.

        Raises:
            ValueError: there is none, or not exactly one of the arguments was given.
        """
        if (name is None) == (index is None):
            raise ValueError(
                "Provide either a layer name or a layer index at `get_layer`. Received: "
                f"name={name!r}, index={index!r}"
            )
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(layers)} layers."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No such layer: {name}. Existing layers are: {[layer.name for layer in layers]}."
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | tuple[str, str] | None = None,
    ) -> None:
        """Prints a table of the layers, their output shapes and numbers of parameters.

        Args:
            line_length: width of the table; by default 88 or the terminal's width.
            positions: where the columns end, as shares of the width.
            print_fn: called with the whole text; `print` by default.
            expand_nested: whether to list the layers of nested models.
            show_trainable: whether to add a column that says which layers train.
            layer_range: names (or patterns) of the first and last layer to list.
        """
        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Not there yet."""
        _not_saved("save")

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None
    ) -> None:
        """Writes the weights, and the optimizer's variables if it has any, to a safetensors file.

        The file is written under another name and renamed when it is whole and on the disk: what
        was there before stays until then, and if anything fails.

        Args:
            filepath: path that ends in `.safetensors`.
            overwrite: whether a file that is there is replaced.
            max_shard_size: None; everything goes into one file.

        Raises:
            ValueError: another suffix, or a model without weights yet.
            FileExistsError: the file is there, and `overwrite` is False.
            NotImplementedError: `max_shard_size`.
            OSError: the file cannot be written.
        """
        weights.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Takes the weights from a file of `save_weights`, all of them or none.

        Layers are matched by class and order, not by name. The state of the optimizer is taken too
        if the model is compiled with the same kind; if it does not fit, a warning says so.

        Args:
            filepath: path that ends in `.safetensors`.
            skip_mismatch: whether to load the layers that fit, and to warn about the others.

        Raises:
            ValueError: the weights do not fit (the message lists missing and unexpected ones and
                other shapes), the file is damaged, or the model has no weights yet.
            OSError: the file cannot be read.
        """
        weights.load_weights(self, filepath, skip_mismatch, kwargs)

    def export(self, filepath: Any, format: str = "tf_saved_model", **kwargs: Any) -> None:
        """Not there yet."""
        _not_saved("export")

    def to_json(self, **kwargs: Any) -> str:
        """Not there yet."""
        _not_saved("to_json")

    def _input_specs(self, x: Any, name: str) -> tuple[list[InputSpec] | None, Any]:
        """What the model knows of its inputs, and their structure. A subclassed model: nothing."""
        del x, name
        return None, None


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether these are the arguments of `Functional`."""
    if "inputs" in kwargs or "outputs" in kwargs or len(args) >= 2:
        return True
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(args))


def _not_saved(method: str) -> NoReturn:
    raise NotImplementedError(
        f"Model.{method}() is not supported yet. `save_weights()` and `load_weights()` keep the "
        "weights in a file; pickle keeps a whole model."
    )
