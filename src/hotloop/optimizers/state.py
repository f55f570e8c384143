"""The variables of an optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop import graph, initializers
from hotloop._later import Later
from hotloop.graph import Variable
from hotloop.ops.naming import auto_name

if TYPE_CHECKING:
    import copy
else:
    copy = Later("copy")


class OptimizerState:
    """What an optimizer remembers between steps; the base of `Optimizer`.

    Variables that are assigned to attributes, alone or in lists, tuples and dictionaries, are found
    and become part of `variables`, as those made by the `add_` methods are.
    """

    name: str
    built: bool
    _variables: list[Variable]
    _trainable_variables: list[Variable]
    _indices: dict[int, int]  # of the trainable variables, by their ids

    def __setattr__(self, name: str, value: Any) -> None:
        self._check_super_called()
        if name not in ("_variables", "_trainable_variables"):
            for variable in _variables_in(value):
                self._track(variable)
            number = value is None or isinstance(value, (bool, int, float, str))
            # Properties, such as the learning rate, know by themselves what they change.
            own = not isinstance(getattr(type(self), name, None), property)
            if number and own and vars(self).get("built"):
                self._changed()
        super().__setattr__(name, value)

    def _start(self) -> None:
        """Makes the object ready for attributes. To be called first."""
        vars(self).update(_variables=[], _trainable_variables=[])

    def _check_super_called(self) -> None:
        if "_variables" not in vars(self):
            raise RuntimeError(
                f"Optimizer {type(self).__name__!r} uses its attributes before "
                "`super().__init__()` was called. Make that the first line of `__init__()`."
            )

    def __getstate__(self) -> dict[str, Any]:
        """For `pickle` and `copy.deepcopy`, of a model or alone."""
        return {name: value for name, value in vars(self).items() if name != "_indices"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        variables = state["_trainable_variables"]
        vars(self)["_indices"] = {id(variable): i for i, variable in enumerate(variables)}

    def __copy__(self) -> Any:
        """As in Keras: a copy has variables of its own."""
        return copy.deepcopy(self)

    def _changed(self) -> None:
        """Compiled steps have numbers of optimizers built in, and are made anew."""
        graph.numbers.mark()
        graph.structure.mark()

    def _track(self, variable: Variable) -> None:
        known = (*self._variables, *self._trainable_variables)
        if not any(variable is other for other in known):
            self._variables.append(variable)

    def _untrack(self, variable: Variable) -> None:
        vars(self)["_variables"] = [one for one in self._variables if one is not variable]

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate, then the slots, in the order of their making."""
        return list(self._variables)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the optimizer. `aggregation` and `layout` mean nothing on one CPU."""
        self._check_super_called()
        value = initializers.get(initializer)(tuple(shape), dtype=dtype)
        return self._add(name or auto_name("variable"), value)

    def _add(self, name: str, value: Any) -> Variable:
        variable = Variable(value, trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A slot: a variable of the shape and dtype of `reference_variable`, named after it."""
        prefix = reference_variable.path.replace("/", "_")
        return self.add_variable(
            shape=reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            name=f"{prefix}_{name or 'var'}",
        )

    def add_optimizer_variables(
        self,
        trainable_variables: Iterable[Variable],
        name: str | Sequence[str],
        initializer: Any = "zeros",
    ) -> Any:
        """Slots for each variable: a list for one name, a tuple of lists for several."""
        names = [name] if isinstance(name, str) else list(name)
        one = isinstance(initializer, (str, initializers.Initializer))
        makers = [initializer] * len(names) if one else list(initializer)
        if len(names) != len(makers):
            raise ValueError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name={name!r}, initializer={initializer!r}"
            )
        slots: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for slot, slot_name, maker in zip(slots, names, makers, strict=True):
                slot.append(self.add_variable_from_reference(variable, slot_name, maker))
        return slots[0] if isinstance(name, str) else slots

    def _get_variable_index(self, variable: Variable) -> int:
        return self._indices[id(variable)]

    def _check_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if id(variable) not in self._indices:
                raise ValueError(
                    f"Unknown variable: {variable!r}. This optimizer can only be called for the "
                    "variables it was originally built with. When working with a new set of "
                    "variables, you should recreate a new optimizer instance."
                )

    def assign(self, variable: Variable, value: Any) -> None:
        """`variable = value`, for subclasses."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """`variable += value`, for subclasses."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """`variable -= value`, for subclasses."""
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns arrays to `variables`, in their order, or none of them if one does not fit."""
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights first."
            )
        arrays = [np.asarray(weight) for weight in weights]
        variables = self.variables
        if len(arrays) != len(variables):
            raise ValueError(
                f"Optimizer '{self.name}' has {len(variables)} variables. "
                f"Received a list of {len(arrays)} weights."
            )
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape}, not "
                    f"compatible with provided weight shape {array.shape}."
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: Any) -> None:
        """Puts the arrays of `variables` into the mapping `store`, under "0", "1", …"""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes `variables` from a mapping that `save_own_variables` filled.

        As in Keras, a mapping with more or fewer arrays is left alone, with a warning.
        """
        count = len(store.keys())
        if count != len(self.variables):
            hint = "" if self.built else " The optimizer has not been built yet."
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has "
                f"{len(self.variables)} variables whereas the saved optimizer has {count} "
                f"variables.{hint}",
                stacklevel=2,
            )
            return
        arrays = [np.asarray(store[str(i)]) for i in range(count)]
        for variable, array in zip(self.variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape}; the saved "
                    f"array has shape {array.shape}."
                )
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)


def _variables_in(value: Any) -> Iterator[Variable]:
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _variables_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _variables_in(part)
