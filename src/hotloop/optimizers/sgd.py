"""SGD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum.

    Without momentum, `w -= learning_rate * g`. With it, `v = momentum * v - learning_rate * g`,
    then `w += v`, or `w += momentum * v - learning_rate * g` if `nesterov`.

    Args:
        learning_rate: step size.
        momentum: float in [0, 1].
        nesterov: whether to look ahead along the momentum.
        The others: see `Optimizer`.

    Slots: `momentum` for each variable, unless momentum is 0.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if not isinstance(momentum, (float, int)) or not 0 <= momentum <= 1:
            raise ValueError(
                f"`momentum` must be a float between [0, 1]. Received: momentum={momentum!r}"
            )
        self.momentum = momentum
        self.nesterov = nesterov
        self.momentums: list[Variable] = []

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        if self.momentum != 0:
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        step = gradient * learning_rate
        if self.momentum == 0:
            variable.assign(variable - step)
            return
        slot = self.momentums[self._get_variable_index(variable)]
        velocity = slot * self.momentum - step
        slot.assign(velocity)
        if self.nesterov:
            velocity = velocity * self.momentum - step
        variable.assign(variable + velocity)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
