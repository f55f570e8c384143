"""The base class of optimizers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hotloop import initializers, ops
from hotloop.graph import Tensor, Variable
from hotloop.ops.naming import auto_name
from hotloop.optimizers.clipping import clip_by_global_norm, clip_by_norm


class Optimizer:
    """Updates variables from gradients.

    Subclasses create slots in `build(variables)` with `add_optimizer_variables` and implement
    `update_step(gradient, variable, learning_rate)` with functions of `hotloop.ops`; what they
    assign is traced, so that a custom update is compiled and fused like the built-in ones.

    Args:
        learning_rate: number; readable and settable later as `learning_rate`.
        weight_decay: None or a number: variables lose `learning_rate * weight_decay` of themselves
            before each step.
        clipnorm: None or the largest norm of each gradient.
        clipvalue: None or the largest magnitude of each element of a gradient.
        global_clipnorm: None or the largest norm of all gradients together.
        name: name of the optimizer and prefix of its variables' paths.

    Raises:
        ValueError: bad values, or more than one kind of clipping.
        NotImplementedError: `use_ema`, `loss_scale_factor`, `gradient_accumulation_steps`, or a
            learning rate that is a schedule or a callable.
    """

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        for argument, value, default in (
            ("use_ema", use_ema, False),
            ("ema_momentum", ema_momentum, 0.99),
            ("ema_overwrite_frequency", ema_overwrite_frequency, None),
            ("loss_scale_factor", loss_scale_factor, None),
            ("gradient_accumulation_steps", gradient_accumulation_steps, None),
        ):
            if value != default:
                raise NotImplementedError(
                    f"{type(self).__name__} does not implement the argument `{argument}` yet. "
                    f"Received: {argument}={value!r}"
                )
        if sum(clip is not None for clip in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}"
            )
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._indices: dict[int, int] = {}
        self._not_decayed: set[int] = set()
        self._not_decayed_names: re.Pattern[str] | None = None
        self._iterations = self._add("iteration", np.zeros((), np.int32))
        rate = np.float32(_learning_rate(learning_rate))
        self._learning_rate = self._add("learning_rate", rate)

    def _add(self, name: str, value: Any) -> Variable:
        variable = Variable(value, trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        self._variables.append(variable)
        return variable

    # State

    @property
    def iterations(self) -> Variable:
        """The number of steps done: an int32 variable."""
        return self._iterations

    @property
    def learning_rate(self) -> Variable:
        """The learning rate: a float32 variable. Assign a number to change it at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._learning_rate.assign(np.float32(_learning_rate(value)))

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate, then the slots, in the order of their making."""
        return list(self._variables)

    def build(self, variables: Sequence[Variable]) -> None:
        """Takes `variables` as the ones to train. Subclasses add slots for them."""
        self._trainable_variables = list(variables)
        self._indices = {id(variable): i for i, variable in enumerate(variables)}
        self.built = True

    def _get_variable_index(self, variable: Variable) -> int:
        return self._indices[id(variable)]

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
        value = initializers.get(initializer)(tuple(shape), dtype=dtype)
        return self._add(name or auto_name("variable"), value)

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

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns arrays to `variables`, in their order, or none of them if one does not fit."""
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights first."
            )
        arrays = [np.asarray(weight) for weight in weights]
        if len(arrays) != len(self._variables):
            raise ValueError(
                f"Optimizer '{self.name}' has {len(self._variables)} variables. "
                f"Received a list of {len(arrays)} weights."
            )
        for variable, array in zip(self._variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape}, not "
                    f"compatible with provided weight shape {array.shape}."
                )
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)

    # Updates

    def assign(self, variable: Variable, value: Any) -> None:
        """`variable = value`, for subclasses."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """`variable += value`, for subclasses."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """`variable -= value`, for subclasses."""
        variable.assign_sub(value)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Variable) -> None:
        """Updates one variable and its slots."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement "
            "`update_step(self, gradient, variable, learning_rate)`."
        )

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """`apply`, from pairs of gradient and variable. Returns `iterations`."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """One step: decay, clipping, `update_step` for each variable, then constraints.

        Args:
            grads: gradients, one for each variable, of its shape. None leaves a variable alone.
            trainable_variables: the variables; by default those that the optimizer was built for.

        Raises:
            ValueError: not built, unknown variables, lengths that differ, or no gradient at all.
        """
        if len(grads) == 0:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built "
                    "on a list of variables. Call `optimizer.build(trainable_variables)` first."
                )
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
            self._check_known(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"Gradients must match variables one to one. Received {len(grads)} gradients for "
                f"{len(variables)} variables."
            )
        grads, variables = self._drop_missing(grads, variables)
        grads = self._clip([ops.convert_to_tensor(grad) for grad in grads])
        self._decay(variables)
        for grad, variable in zip(grads, variables, strict=True):
            self.update_step(grad, variable, self._learning_rate)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self._iterations.assign_add(1)

    def _check_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if id(variable) not in self._indices:
                raise ValueError(
                    f"Unknown variable: {variable!r}. This optimizer can only be called for the "
                    "variables it was originally built with. When working with a new set of "
                    "variables, you should recreate a new optimizer instance."
                )

    def _drop_missing(
        self, grads: Sequence[Any], variables: Sequence[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        pairs = list(zip(grads, variables, strict=True))
        kept = [(grad, variable) for grad, variable in pairs if grad is not None]
        if not kept:
            raise ValueError("No gradients provided for any variable.")
        missing = [variable.path for grad, variable in pairs if grad is None]
        if missing:
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss. If "
                "using `model.compile()`, did you forget to provide a `loss` argument?",
                stacklevel=3,
            )
        return [grad for grad, _ in kept], [variable for _, variable in kept]

    def _clip(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipnorm and self.clipnorm > 0:
            return [clip_by_norm(grad, self.clipnorm) for grad in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return [ops.clip(grad, -self.clipvalue, self.clipvalue) for grad in grads]
        return grads

    # Weight decay

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Keeps variables out of weight decay: these, or those whose name has one of these parts.

        Raises `ValueError` once the optimizer is built.
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._not_decayed = {id(variable) for variable in var_list or ()}
        names = sorted(set(var_names or ()))
        self._not_decayed_names = re.compile("|".join(names)) if names else None

    def _decay(self, variables: Iterable[Variable]) -> None:
        if self.weight_decay is None:
            return
        for variable in variables:
            named = self._not_decayed_names
            if id(variable) in self._not_decayed or (named and named.search(variable.name)):
                continue
            variable.assign(variable - variable * (self.weight_decay * self._learning_rate))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "learning_rate": float(self._learning_rate.numpy()),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": False,
            "ema_momentum": 0.99,
            "ema_overwrite_frequency": None,
            "loss_scale_factor": None,
            "gradient_accumulation_steps": None,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Optimizer:
        """The optimizer of a configuration. No part of it can need `custom_objects` so far."""
        return cls(**config)


def _learning_rate(value: Any) -> float:
    if isinstance(value, (Variable, Tensor, np.ndarray)) and tuple(value.shape) == ():
        value = float(value)
    if isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool):
        return float(value)
    if callable(value):
        raise NotImplementedError(
            "Argument `learning_rate` does not take schedules or callables yet. "
            f"Received: learning_rate={value!r}"
        )
    raise ValueError(
        f"Argument `learning_rate` should be a float. Received: learning_rate={value!r}"
    )
