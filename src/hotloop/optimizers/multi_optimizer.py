"""MultiOptimizer and OptimizerMap."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from hotloop.graph import Variable
from hotloop.optimizers.conditional import together
from hotloop.optimizers.loss_scale_optimizer import LossScaleOptimizer
from hotloop.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping):
    """Which optimizer trains a variable, by the variable's path.

    Keys are paths, or regular expressions that have to match a whole path (`"encoder/.*"`).

    Args:
        default_optimizer: for paths that no key matches.
        optimizer_map: dictionary of optimizers to begin with.

    Raises:
        TypeError: `default_optimizer` is no optimizer, or `optimizer_map` no dictionary.
    """

    def __init__(
        self,
        default_optimizer: Optimizer,
        optimizer_map: dict[str, Optimizer] | None = None,
    ) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(
                f"`default_optimizer` must be an Optimizer. Received: {default_optimizer!r}"
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"`optimizer_map` must be a dictionary. Received: {optimizer_map!r}")
        self._default_optimizer = default_optimizer
        self._optimizer_map = optimizer_map or {}

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of paths that no key matches."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        """The optimizer of a path. Raises `ValueError` if several keys match it."""
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"Several optimizers are given for the variable {key}: keys {found}.")
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        """Adds an optimizer. Raises `ValueError` for a key that is there and for bad types."""
        if key in self._optimizer_map:
            raise ValueError(f"{key!r} is in the OptimizerMap already; delete it first.")
        if not isinstance(key, str):
            raise ValueError(f"`key` must be a string. Received: {key!r}")
        _check_inner(optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        from hotloop import optimizers  # whose table has this class in it

        return {
            "default_optimizer": optimizers.serialize(self._default_optimizer),
            "optimizer_map": {
                key: optimizers.serialize(value) for key, value in self._optimizer_map.items()
            },
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> OptimizerMap:
        from hotloop import optimizers

        return cls(
            optimizers.deserialize(config["default_optimizer"], custom_objects),
            {
                key: optimizers.deserialize(value, custom_objects)
                for key, value in config["optimizer_map"].items()
            },
        )


class MultiOptimizer(Optimizer):
    """Different optimizers for different variables.

    Args:
        optimizer_map: an `OptimizerMap`, or a function of a variable that returns its optimizer.
        loss_scale_factor: that of all the optimizers, whatever they were made with.
        name: name of the optimizer and prefix of its own variables' paths.

    Variables: its own iteration and learning rate (which is not used), then those of `optimizers`.

    Raises:
        ValueError: from `build`, if a variable's optimizer is none, or of a kind that cannot be.
        AttributeError: `learning_rate` is asked for; each of `optimizers` has its own.
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise TypeError(
                "`optimizer_map` must be an OptimizerMap or a function of a variable. Received: "
                f"{optimizer_map!r}"
            )
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._inner_optimizers: list[Optimizer] = []
        self._inner_of: dict[int, Optimizer] = {}  # by the ids of the variables
        if isinstance(optimizer_map, OptimizerMap):
            for inner in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._take(inner)

    def _take(self, inner: Optimizer) -> None:
        if not any(inner is other for other in self._inner_optimizers):
            inner.loss_scale_factor = self.loss_scale_factor
            self._inner_optimizers.append(inner)

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        chosen = [self._optimizer_map(variable) for variable in var_list]
        for inner in chosen:
            _check_inner(inner)
        for variable, inner in zip(var_list, chosen, strict=True):
            self._take(inner)
            self._inner_of[id(variable)] = inner
        for inner in self._inner_optimizers:
            own = [v for v, one in zip(var_list, chosen, strict=True) if one is inner]
            if own:
                inner.build(own)
        super().build(var_list)

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers that variables are divided among."""
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        inner = self._inner_optimizers
        return [*self._variables, *(v for optimizer in inner for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """Raises `AttributeError`."""
        raise AttributeError(
            "A MultiOptimizer has no learning rate. Ask those of its `optimizers` for theirs."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "A MultiOptimizer has no learning rate. Set those of its `optimizers`. Received: "
            f"learning_rate={value!r}"
        )

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Hands each gradient to the optimizer of its variable."""
        if len(grads) == 0:
            return
        variables = self._variables_of(grads, trainable_variables)
        with together():
            for inner in self._inner_optimizers:
                pairs = [
                    (grad, variable)
                    for grad, variable in zip(grads, variables, strict=True)
                    if self._inner_of[id(variable)] is inner
                ]
                if pairs:
                    inner.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])
            self._iterations.assign_add(1)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """That of all `optimizers` that there are so far."""
        for inner in self._inner_optimizers:
            inner.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        variables = list(var_list)
        self._check_known(variables)
        for inner in self._inner_optimizers:
            inner.finalize_variable_values(
                [variable for variable in variables if self._inner_of[id(variable)] is inner]
            )

    def get_config(self) -> dict[str, Any]:
        from hotloop import optimizers

        return {
            "optimizer_map": optimizers.serialize(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> MultiOptimizer:
        from hotloop import optimizers

        config = dict(config)
        config["optimizer_map"] = optimizers.deserialize(config["optimizer_map"], custom_objects)
        return cls(**config)


def _check_inner(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"Expected an Optimizer for a variable. Received: {optimizer!r}")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(
            f"A {type(optimizer).__name__} cannot be one of several optimizers. Put the "
            "MultiOptimizer into a LossScaleOptimizer instead, or use a single MultiOptimizer."
        )
