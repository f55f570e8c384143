"""The base class of optimizers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Scope, Tensor, Variable
from hotloop.graph.scope import current_scope
from hotloop.ops.naming import auto_name
from hotloop.optimizers import learning_rate as rates
from hotloop.optimizers.clipping import clip_by_global_norm, clip_by_norm
from hotloop.optimizers.conditional import only_if, together
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.moving_averages import MovingAverages
from hotloop.optimizers.weight_decay import WeightDecay


class Optimizer(MovingAverages, WeightDecay):
    """Updates variables from gradients.

    Subclasses create slots in `build(variables)` with `add_optimizer_variables` and implement
    `update_step(gradient, variable, learning_rate)` with functions of `hotloop.ops`; what they
    assign is traced, so that a custom update is compiled and fused like the built-in ones.

    Args:
        learning_rate: number, readable and settable later as `learning_rate`; or a
            `LearningRateSchedule`, called with the number of steps done; or a callable without
            arguments.
        weight_decay: None or a number: variables lose `learning_rate * weight_decay` of themselves
            before each step.
        clipnorm: None or the largest norm of each gradient.
        clipvalue: None or the largest magnitude of each element of a gradient.
        global_clipnorm: None or the largest norm of all gradients together.
        use_ema: whether to keep a moving average of each variable, `average = ema_momentum *
            average + (1 - ema_momentum) * variable` after each step (the first one: the variable
            itself). `fit` gives the model the averages at its end.
        ema_momentum: number in [0, 1].
        ema_overwrite_frequency: None, or after how many steps the variables become their averages,
            again and again.
        loss_scale_factor: None or a number, by which the loss is multiplied before gradients are
            taken of it, and the gradients are divided before they are used.
        gradient_accumulation_steps: None, or how many steps' gradients are averaged into one
            update; variables stay as they are in between.
        name: name of the optimizer and prefix of its variables' paths.

    Raises:
        ValueError: bad values, unknown arguments, or more than one kind of clipping.
    """

    def __init__(
        self,
        learning_rate: LearningRate,
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
        if sum(clip is not None for clip in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={clipnorm}, clipvalue={clipvalue}, global_clipnorm={global_clipnorm}"
            )
        if gradient_accumulation_steps:
            _check_count("gradient_accumulation_steps", gradient_accumulation_steps, least=2)
        if use_ema:
            if not 0 <= ema_momentum <= 1:
                raise ValueError(
                    f"`ema_momentum` must be in the range [0, 1]. Received: {ema_momentum!r}"
                )
            if ema_overwrite_frequency is not None:
                _check_count("ema_overwrite_frequency", ema_overwrite_frequency, least=1)
        rate: Any = learning_rate
        if not rates.is_computed(rate):
            rate = np.float32(rates.as_number(rate))

        self._start()
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self._indices = {}
        self._not_decayed = []
        self._not_decayed_names = None
        self._model_variables_moving_average = []
        self._accumulated_gradients: list[Variable] = []
        self._iterations = self._add("iteration", np.zeros((), np.int32))
        if isinstance(rate, np.float32):
            rate = self._add("learning_rate", rate)
        self._learning_rate = rate

    # State

    @property
    def iterations(self) -> Any:
        """The number of updates done: an int32 variable, or a tensor if gradients accumulate."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a float32 variable, or the value of the schedule at this step.

        Assign a number to the variable's property to change it at any time, or a schedule to put
        it in the variable's place. Raises `TypeError` when a number is assigned to a schedule.
        """
        return rates.current(self._learning_rate, self._iterations)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        held = self._learning_rate
        if rates.is_computed(value):
            if isinstance(held, Variable):
                self._untrack(held)
            self._learning_rate = value
            self._changed()
            return
        number = np.float32(rates.as_number(value))
        if not isinstance(held, Variable):
            raise TypeError(
                f"This optimizer's `learning_rate` is {held!r}, which computes the rate: it cannot "
                "be set to a number. Create the optimizer with a number to have a rate that can be "
                "set."
            )
        held.assign(number)

    def build(self, variables: Sequence[Variable]) -> None:
        """Takes `variables` as the ones to train. Subclasses add slots for them."""
        self._check_super_called()
        self._trainable_variables = list(variables)
        self._indices = {id(variable): i for i, variable in enumerate(variables)}
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(
                variables, "average"
            )
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = self.add_optimizer_variables(
                variables, "gradient_accumulator"
            )
        self.built = True

    # Updates

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        """Updates one variable and its slots.

        `learning_rate` is a float32 variable or tensor of shape ().
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement "
            "`update_step(self, gradient, variable, learning_rate)`."
        )

    def _variables_of(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None
    ) -> list[Variable]:
        """The variables that `apply` is to change by `grads`; builds the optimizer for new ones."""
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built "
                    "on a list of variables. Call `optimizer.build(trainable_variables)` first."
                )
            variables = list(self._trainable_variables)
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
        return variables

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """`apply`, from pairs of gradient and variable. Returns `iterations`."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """One step: clipping, decay, `update_step` for each variable, then constraints.

        An exception leaves all variables as they were.

        Args:
            grads: gradients, one for each variable, of its shape. None leaves a variable alone.
            trainable_variables: the variables; by default those that the optimizer was built for.

        Raises:
            ValueError: not built, unknown variables, lengths or shapes that differ, or no gradient
                at all.
        """
        if len(grads) == 0:
            return
        variables = self._variables_of(grads, trainable_variables)
        grads, variables = self._drop_missing(grads, variables)
        grads = [ops.convert_to_tensor(grad) for grad in grads]
        for grad, variable in zip(grads, variables, strict=True):
            if grad.shape != variable.shape:
                raise ValueError(
                    f"The gradient of {variable.path} must have its shape {variable.shape}. "
                    f"Received a gradient of shape {grad.shape}."
                )
        with together():
            if self.loss_scale_factor is not None:
                grads = [grad / self.loss_scale_factor for grad in grads]
            self._apply_gradients(grads, variables)
            if self.use_ema:
                self._average()
            for variable in variables:
                if variable.constraint is not None:
                    variable.assign(variable.constraint(variable))
            self._iterations.assign_add(1)

    def _apply_gradients(self, grads: list[Tensor], variables: list[Variable]) -> None:
        steps = self.gradient_accumulation_steps
        if not steps:
            self._update(grads, variables)
            return
        due = ops.equal(ops.mod(self._iterations + 1, steps), 0)
        slots = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
        totals = [slot + grad for slot, grad in zip(slots, grads, strict=True)]
        with only_if(due):
            self._update([total / steps for total in totals], variables)
        for slot, total in zip(slots, totals, strict=True):
            slot.assign(ops.where(due, 0.0, total))

    def _update(self, grads: list[Tensor], variables: list[Variable]) -> None:
        grads = self._clip_gradients(grads)
        learning_rate = self.learning_rate
        self._apply_weight_decay(variables, learning_rate)
        self._update_variables(grads, variables, learning_rate)

    def _update_variables(
        self, grads: list[Tensor], variables: list[Variable], learning_rate: Any
    ) -> None:
        for grad, variable in zip(grads, variables, strict=True):
            self.update_step(grad, variable, learning_rate)

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

    def _clip_gradients(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipnorm and self.clipnorm > 0:
            return [clip_by_norm(grad, self.clipnorm) for grad in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return [ops.clip(grad, -self.clipvalue, self.clipvalue) for grad in grads]
        return grads

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """`apply` on values: variables stay as they are, and the new values are returned.

        Args:
            optimizer_variables: values for `variables`, in their order.
            grads: gradients, as in `apply`.
            trainable_variables: values for the variables that the optimizer was built for.

        Returns:
            New values of the trainable variables, and of the optimizer's own.

        Raises:
            ValueError: not built, or lengths that differ.
        """
        if not self.built:
            raise ValueError(
                f"To call `stateless_apply`, {type(self).__name__} must be built. Call "
                "`optimizer.build(trainable_variables)` first."
            )
        own, trained = self.variables, self._trainable_variables
        for name, values, expected in (
            ("optimizer_variables", optimizer_variables, own),
            ("trainable_variables", trainable_variables, trained),
        ):
            if len(values) != len(expected):
                raise ValueError(
                    f"Argument `{name}` must be a list of {len(expected)} values, one for each of "
                    f"the variables. Received a list of {len(values)}."
                )
        scope = current_scope()
        if scope is None:
            with Scope(symbolic=False):
                return self.stateless_apply(optimizer_variables, grads, trainable_variables)
        before = dict(scope.updates)
        try:
            for variable, value in zip(trained, trainable_variables, strict=True):
                variable.assign(value)
            for variable, value in zip(own, optimizer_variables, strict=True):
                variable.assign(value)
            self.apply(grads)
            return [variable.value for variable in trained], [variable.value for variable in own]
        finally:
            scope.updates.clear()
            scope.updates.update(before)

    def scale_loss(self, loss: Any) -> Any:
        """The loss to take gradients of: `loss` times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # Configuration

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "learning_rate": rates.serialize(self._learning_rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Optimizer:
        """The optimizer of a configuration.

        `custom_objects` names schedules and functions of your own that `learning_rate` may be.
        """
        config = dict(config)
        if "learning_rate" in config:
            config["learning_rate"] = rates.deserialize(config["learning_rate"], custom_objects)
        return cls(**config)


def _check_count(name: str, value: Any, least: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(
            f"`{name}` must be an integer >= {least} or None. Received: {name}={value!r}"
        )
