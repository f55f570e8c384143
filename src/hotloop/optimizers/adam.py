"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Adaptive moments.

    `m += (g - m) * (1 - beta_1)`, `v += (g² - v) * (1 - beta_2)`, then `w -= m * alpha /
    (sqrt(v) + epsilon)` with `alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)`.

    Args:
        learning_rate: step size.
        beta_1, beta_2: how much of the first and second moment is kept each step.
        epsilon: added to the root ("epsilon hat" of the paper).
        amsgrad: whether `v` is replaced by its largest value so far.
        The others: see `Optimizer`.

    Slots: `momentum` and `velocity` for each variable in turn, then all `velocity_hat`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._velocity_hats: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(
            var_list, ["momentum", "velocity"]
        )
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(var_list, "velocity_hat")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        # Scalars; common to all variables of a step, where the compiler makes them one.
        step = ops.cast(self.iterations + 1, "float32")
        alpha = (
            learning_rate
            * ops.sqrt(1.0 - ops.power(self.beta_2, step))
            / (1.0 - ops.power(self.beta_1, step))
        )
        m = ops.convert_to_tensor(self._momentums[index])
        v = ops.convert_to_tensor(self._velocities[index])
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        self._momentums[index].assign(m)
        self._velocities[index].assign(v)
        if self.amsgrad:
            v = ops.maximum(self._velocity_hats[index], v)
            self._velocity_hats[index].assign(v)
        variable.assign(variable - m * alpha / (ops.sqrt(v) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
