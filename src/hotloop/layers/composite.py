"""Composite: an operation made of variables, layers, metrics and random seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from hotloop.graph import Variable, structure
from hotloop.layers import tracking
from hotloop.layers.context import local
from hotloop.metrics.metric import Metric
from hotloop.ops.symbolic import Operation
from hotloop.random.seed import SeedGenerator

_PARTS = (
    "_trainable_variables",
    "_non_trainable_variables",
    "_layers",
    "_metrics",
    "_seed_generators",
)
_NO_PARTS = frozenset((bool, int, float, str, type(None)))
_UNTRACKED = frozenset((*_PARTS, "nodes"))


class Composite(Operation):
    """What `Layer` knows of its parts: finding them in attributes, and their weights.

    Parts assigned to attributes, also in lists, dictionaries and sets, are kept in lists in the
    order of their coming, each once; once the state is locked, no more come.
    """

    # Made by `_start_tracking`, which runs before any `__init__`.
    _layers: list[Any]
    _metrics: list[Metric]
    _seed_generators: list[SeedGenerator]
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]
    _locked: bool
    # Set by Layer.
    built: bool
    _trainable: bool

    def _start_tracking(self) -> None:
        if "_layers" not in self.__dict__:
            for part in _PARTS:
                object.__setattr__(self, part, [])
            object.__setattr__(self, "_locked", False)

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) not in _NO_PARTS and name not in _UNTRACKED and local.tracking:
            self._start_tracking()
            value = tracking.wrap(value, self._track)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        super().__delattr__(name)
        for part in _PARTS:
            stored = self.__dict__[part]
            stored[:] = [item for item in stored if item is not value]
        structure.mark()

    def _track(self, value: Any) -> Any:
        if isinstance(value, Variable):
            self._track_variable(value)
        elif isinstance(value, Composite):
            self._track_in(self._layers, value)
        elif isinstance(value, Metric):
            self._track_in(self._metrics, value)
        elif isinstance(value, SeedGenerator):
            self._track_in(self._seed_generators, value)
        return value

    def _track_variable(self, variable: Variable) -> None:
        known = (*self._trainable_variables, *self._non_trainable_variables)
        if any(variable is other for other in known):
            return
        if variable.trainable:
            self._track_in(self._trainable_variables, variable)
            variable.trainable = getattr(self, "_trainable", True)
        else:
            self._track_in(self._non_trainable_variables, variable)

    def _track_in(self, part: list[Any], value: Any) -> None:
        if any(value is other for other in part):
            return
        if self._locked and not isinstance(value, Metric):
            raise ValueError(
                "You cannot add new elements of state (variables or sub-layers) to a layer that is "
                "already built. All state must be created in the `__init__()` method or in the "
                f"`build()` method. Layer: {self.name!r}, received: {value!r}"
            )
        part.append(value)
        structure.mark()

    @contextmanager
    def _parts_kept_on_success(self) -> Iterator[None]:
        """Parts that come in a block which fails go again, so that it can be tried anew."""
        before = [list(self.__dict__[part]) for part in _PARTS]
        try:
            yield
        except BaseException:
            for part, kept in zip(_PARTS, before, strict=True):
                self.__dict__[part][:] = kept
            structure.mark()
            raise

    def _lock_state(self) -> None:
        object.__setattr__(self, "_locked", True)

    def _unlock_state(self) -> None:
        object.__setattr__(self, "_locked", False)

    def _check_super_called(self) -> None:
        if not self.__dict__.get("_super_called"):
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """This layer and those in it, depth first, each once."""
        found: dict[int, Any] = {}

        def visit(layer: Any) -> None:
            for inner in layer._layers:
                if id(inner) not in found:
                    found[id(inner)] = inner
                    if recursive:
                        visit(inner)

        visit(self)
        found.pop(id(self), None)
        return [self, *found.values()] if include_self else list(found.values())

    @property
    def trainable(self) -> bool:
        """Whether the weights may be trained. Setting it sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._layers:
            layer.trainable = self._trainable
        structure.mark()

    def _collect(self, own: Callable[[Any], Iterable[Variable]]) -> list[Variable]:
        found = {id(v): v for v in own(self)}
        for layer in self._layers:
            for variable in layer._collect(own):
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """Own weights, trainable ones first, then those of the layers inside, each once."""
        return self._collect(lambda x: x._trainable_variables + x._non_trainable_variables)

    @property
    def variables(self) -> list[Variable]:
        """The weights, and the states of random seeds."""
        return self._collect(
            lambda x: [
                *x._trainable_variables,
                *x._non_trainable_variables,
                *(generator.state for generator in x._seed_generators),
            ]
        )

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that the optimizer changes; none if the layer is frozen."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that the optimizer leaves alone."""
        return [v for v in self.weights if not (self.trainable and v.trainable)]

    @property
    def trainable_variables(self) -> list[Variable]:
        """Variables that the optimizer changes."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Variables that the optimizer leaves alone, states of random seeds among them."""
        return [v for v in self.variables if not (self.trainable and v.trainable)]

    @property
    def metrics(self) -> list[Metric]:
        """Metrics of this layer and of the layers inside."""
        return [*self._metrics, *(metric for layer in self._layers for metric in layer.metrics)]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the values of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns arrays to `weights`, or to none of them if one does not fit.

        Raises `ValueError` if the number of arrays or a shape differs.
        """
        variables, arrays = self.weights, [np.asarray(weight) for weight in weights]
        if len(variables) != len(arrays):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(arrays)}, but the layer was expecting {len(variables)} weights."
            )
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with "
                    f"provided weight shape {array.shape}. Weight: {variable.path}"
                )
            if array.dtype.kind not in "fiub":
                raise TypeError(
                    f"Weight {variable.path} needs numbers. Received an array of {array.dtype}."
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of scalars in `weights`. Raises `ValueError` before `build`."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(math.prod(variable.shape) for variable in self.weights)
