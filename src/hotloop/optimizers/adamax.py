"""Adamax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the second moment (Kingma and Ba, 2014, 7.1).

    `m += (g - m) * (1 - beta_1)`, `u = max(beta_2 * u, |g|)`, then `w -= learning_rate * m /
    ((1 - beta_1^t) * (u + epsilon))`.

    Args:
        learning_rate: step size.
        beta_1: how much of the first moment is kept each step.
        beta_2: how much of the norm `u` is kept each step.
        epsilon: added to the norm.
        The others: see `Optimizer`.

    Slots: `momentum` and `norm` for each variable in turn.
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
        self._m: list[Variable] = []
        self._u: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._m, self._u = self.add_optimizer_variables(var_list, ["momentum", "norm"])

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, "float32")
        rate = learning_rate / (1.0 - ops.power(self.beta_1, step))
        m = ops.convert_to_tensor(self._m[index])
        m = m + (gradient - m) * (1 - self.beta_1)
        u = ops.maximum(self._u[index] * self.beta_2, ops.abs(gradient))
        self._m[index].assign(m)
        self._u[index].assign(u)
        variable.assign(variable - m * rate / (u + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
