"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradients divided by the root of a moving average of their squares.

    `v = rho * v + (1 - rho) * g²`, then `w -= learning_rate * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: step size.
        rho: how much of the average is kept each step.
        momentum: if positive, the step itself is averaged: `m = momentum * m + step`.
        epsilon: added under the root.
        centered: whether the squared average of gradients is taken off `v`, which makes it an
            estimate of their variance.
        The others: see `Optimizer`.

    Slots: all `velocity`, then all `momentum` if used, then all `average_gradient` if centered.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._average_gradients: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._velocities = self.add_optimizer_variables(var_list, "velocity")
        if self.momentum > 0:
            self._momentums = self.add_optimizer_variables(var_list, "momentum")
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(var_list, "average_gradient")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        keep, take = self.rho, 1 - self.rho
        velocity = self._velocities[index] * keep + ops.square(gradient) * take
        self._velocities[index].assign(velocity)
        if self.centered:
            average = self._average_gradients[index] * keep + gradient * take
            self._average_gradients[index].assign(average)
            velocity = velocity - ops.square(average)
        step = gradient * learning_rate / ops.sqrt(velocity + self.epsilon)
        if self.momentum > 0:
            step = self._momentums[index] * self.momentum + step
            self._momentums[index].assign(step)
        variable.assign(variable - step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
