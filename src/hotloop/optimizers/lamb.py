"""Lamb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Lamb(Optimizer):
    """Adam with steps in proportion to the norm of each variable (You et al., 2019).

    With Adam's moments, `d = (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)`, then
    `w -= learning_rate * d * norm(w) / norm(d)`; where either norm is 0, their ratio counts as 1.

    Args:
        learning_rate: step size.
        beta_1, beta_2: how much of the first and second moment is kept each step.
        epsilon: added to the root.
        The others: see `Optimizer`.

    Slots: `momentum` and `velocity` for each variable in turn.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(
            var_list, ["momentum", "velocity"]
        )

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, "float32")
        of_m = 1.0 / (1.0 - ops.power(self.beta_1, step))
        of_v = 1.0 / (1.0 - ops.power(self.beta_2, step))
        m = ops.convert_to_tensor(self._momentums[index])
        v = ops.convert_to_tensor(self._velocities[index])
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        self._momentums[index].assign(m)
        self._velocities[index].assign(v)
        move = m * of_m / (ops.sqrt(v * of_v) + self.epsilon)
        size = ops.sqrt(ops.sum(ops.square(variable)))
        length = ops.sqrt(ops.sum(ops.square(move)))
        both = ops.logical_and(ops.greater(size, 0.0), ops.greater(length, 0.0))
        ratio = ops.where(both, size / ops.where(both, length, 1.0), 1.0)
        variable.assign(variable - move * (ratio * learning_rate))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
