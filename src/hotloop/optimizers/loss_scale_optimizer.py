"""LossScaleOptimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hotloop import initializers, ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.conditional import only_if, together
from hotloop.optimizers.optimizer import Optimizer

# What configurations of older versions of Keras carry along.
_UNUSED = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a factor on the loss that adapts itself.

    Gradients are taken of `scale * loss` and divided by `scale`. A step with an infinite gradient
    or a NaN is left out and halves the scale; `dynamic_growth_steps` good steps in a row double it.
    hotloop computes in float32, whose gradients seldom need it; what it also gives is that broken
    steps are left out.

    Args:
        inner_optimizer: the optimizer; its own `loss_scale_factor` becomes None.
        initial_scale: the scale to begin with.
        dynamic_growth_steps: good steps before the scale is doubled.
        name: name of the optimizer and prefix of its own variables' paths.

    Variables: its own iteration and learning rate (which are not used), `step_counter`,
    `dynamic_scale`, then those of `inner_optimizer`.

    Raises:
        ValueError: other arguments of `Optimizer`, which belong to `inner_optimizer`.
        TypeError: `inner_optimizer` is no optimizer.
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer does not support `dynamic=False`. Set `loss_scale_factor` on "
                "the optimizer itself instead."
            )
        for argument, default in _UNUSED.items():
            value = kwargs.pop(argument, default)
            if value != default:
                raise ValueError(
                    f"LossScaleOptimizer does not support `{argument}`. Instead, set `{argument}` "
                    f"on the `inner_optimizer`. Received: {argument}={value!r}"
                )
        if kwargs:
            raise ValueError(f"LossScaleOptimizer does not support arguments: {sorted(kwargs)}")
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                f"`inner_optimizer` must be an Optimizer. Received: {inner_optimizer!r}"
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        start = initializers.Constant(self.initial_scale)
        self.dynamic_scale = self.add_variable((), start, name="dynamic_scale")
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """The number of steps that `inner_optimizer` has done."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of `inner_optimizer`."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """A step of `inner_optimizer` with `grads` divided by the scale, if all are finite."""
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built:
                self.build(trainable_variables)
        elif not self.built:
            raise ValueError(
                "When passing `grads` without `variables`, the optimizer must already be built on "
                "a list of variables. Call `optimizer.build(trainable_variables)` first."
            )
        tensors = [None if grad is None else ops.convert_to_tensor(grad) for grad in grads]
        with together():
            finite = self.check_finite(tensors)
            scale, counter = self.dynamic_scale.value, self.step_counter.value
            unscaled = [None if grad is None else grad / scale for grad in tensors]
            with only_if(finite):
                self.inner_optimizer.apply(unscaled, trainable_variables)
            grown = ops.equal(counter, self.dynamic_growth_steps - 1)
            factor = ops.where(finite, ops.where(grown, 2.0, 1.0), 0.5)
            counts = ops.logical_and(finite, ops.logical_not(grown))
            self.dynamic_scale.assign(scale * factor)
            self.step_counter.assign(ops.where(counts, counter + 1, 0))

    def check_finite(self, grads: Iterable[Any]) -> Tensor:
        """Whether all elements of all gradients are finite: a bool of shape ()."""
        finite = ops.convert_to_tensor(True)
        for grad in grads:
            if grad is not None:
                finite = ops.logical_and(finite, ops.all(ops.isfinite(grad)))
        return finite

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """That of `inner_optimizer`, whose weight decay it is."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def scale_loss(self, loss: Any) -> Any:
        """The loss to take gradients of: `loss` times the scale."""
        return loss * (self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from hotloop import optimizers  # whose table has this class in it

        return {
            "name": self.name,
            "inner_optimizer": optimizers.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> LossScaleOptimizer:
        from hotloop import optimizers

        config = dict(config)
        inner = optimizers.deserialize(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)
