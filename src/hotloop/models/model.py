"""Model: a layer that trains."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from hotloop import saving
from hotloop._later import Later
from hotloop.layers import Layer
from hotloop.layers.call_arguments import CallArguments, symbolic_inputs
from hotloop.layers.context import name_scope
from hotloop.layers.refused_methods import refusing
from hotloop.models.forward import ForwardPlans
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor
from hotloop.training import Trainer
from hotloop.training.data import InputSpec
from hotloop.training.steps import STEPS_ARE_COMPILED

if TYPE_CHECKING:
    from hotloop.models import functional_config, injection
else:
    functional_config = Later("hotloop.models.functional_config")
    injection = Later("hotloop.models.injection")

_NOT_SAVED = (
    "whole models are not written to files yet. `save_weights()` and `load_weights()` keep the "
    "weights in a file; pickle keeps a whole model."
)
_QUANTIZED = "everything is computed in float32, and nothing is quantized."
_STATE = (
    "`model.get_weights()`, `model.optimizer.variables` and `model.metrics_variables` have the "
    "state; `save_weights()` and `callbacks.BackupAndRestore` keep it."
)


class Model(Trainer, Layer):
    """A model: built from symbolic tensors, or a subclass that defines `call`.

    `Model(inputs, outputs)` makes a `Functional`. A subclass makes its layers in `__init__` (after
    `super().__init__()`) and applies them in `call(self, inputs)`, with optional arguments
    `training` and `mask`; or it passes `inputs` and `outputs` on to `super().__init__` and
    overrides something else, `train_step` for instance.
    """

    _passes_masks = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            from hotloop.models.functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            from hotloop.models.functional import Functional

            injection.derive_from_functional(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
            return
        Trainer.__init__(self)
        Layer.__init__(self, *args, **kwargs)
        self._forward = ForwardPlans()

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_nodes" in state:
            # Another process may have made none of the class yet.
            injection.derive_from_functional(type(self))
        super().__setstate__(state)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for `inputs`: symbolic for symbolic ones, else values.

        Args:
            inputs: array, tensor, or structure of them; batch first.
            training: whether layers such as Dropout behave as in training; False by default.
        """
        outputs = self._forward.repeat(args, kwargs)
        if outputs is not NotImplemented:
            return outputs
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

    def _build_for(self, arguments: CallArguments) -> None:
        super()._build_for(arguments)
        if self._build_shapes is None and type(self).build is Layer.build:
            # Built by being called: whoever makes the model anew has to call it likewise.
            shapes = arguments.shapes()
            self._build_shapes = dict(list(shapes.items())[:1])

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the model as `get_build_config` says it was; without a `build`, by calling it."""
        if not config or type(self).build is not Layer.build or "input_shape" not in config:
            super().build_from_config(config)
            return
        with name_scope(self):
            self.compute_output_spec(symbolic_inputs(config["input_shape"]))
        self._build_shapes = {"input_shape": config["input_shape"]}
        self.built = True
        self._lock_state()

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
        from hotloop.models.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    save = refusing("save", _NOT_SAVED)
    export = refusing("export", _NOT_SAVED)
    get_quantization_layer_structure = refusing("get_quantization_layer_structure", _QUANTIZED)
    get_state_tree = refusing("get_state_tree", _STATE)
    set_state_tree = refusing("set_state_tree", _STATE)
    make_train_function = refusing("make_train_function", STEPS_ARE_COMPILED)
    make_test_function = refusing("make_test_function", STEPS_ARE_COMPILED)
    make_predict_function = refusing("make_predict_function", STEPS_ARE_COMPILED)

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
        from hotloop.storage import weights

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
        from hotloop.storage import weights

        weights.load_weights(self, filepath, skip_mismatch, kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration of the model as JSON text, for `models.model_from_json`.

        Args:
            **kwargs: passed on to `json.dumps`.
        """
        import json

        return json.dumps(saving.serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A new model from `get_config()`, without the weights.

        Args:
            config: the configuration; it is not changed.
            custom_objects: names to classes and functions of your own.

        Raises:
            TypeError: the class cannot be made from it, or it names a class that is not known.
        """
        from hotloop.models.functional import Functional

        functional = all(key in config for key in (*functional_config.KEYS, "name"))
        if functional and (cls is Model or cls._takes_functional_arguments()):
            graph = functional_config.GraphReader(config, custom_objects)
            rest = {
                k: v for k, v in config.items() if k not in (*functional_config.KEYS, "trainable")
            }
            target: Any = Functional if cls is Model else cls
            model = target(inputs=graph.inputs, outputs=graph.outputs, **rest)
            if config.get("trainable", True) is False:
                model.trainable = False
            return model
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                f"Unable to revive model from config. When overriding the `get_config()` method, "
                f"make sure that the returned config contains all items used as arguments in the "
                f"constructor of {cls}, which is the default behavior; or override "
                f"`from_config()`.\n\nError encountered during deserialization: {error}\n\n"
                f"Received: config={config}"
            ) from error

    @classmethod
    def _takes_functional_arguments(cls) -> bool:
        """Whether the class is made from `inputs` and `outputs`."""
        spec = inspect.getfullargspec(cls.__init__)
        named = spec.args[1:] in (_FUNCTIONAL[:2], _FUNCTIONAL[:3], _FUNCTIONAL)
        return named or (spec.varargs == "args" and spec.varkw == "kwargs")

    def _input_specs(self, x: Any, name: str) -> tuple[list[InputSpec] | None, Any]:
        """What the model knows of its inputs, and their structure. A subclassed model: nothing."""
        del x, name
        return None, None


_FUNCTIONAL = ["inputs", "outputs", "name", "trainable"]


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether these are the arguments of `Functional`."""
    if "inputs" in kwargs or "outputs" in kwargs or len(args) >= 2:
        return True
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(args))
