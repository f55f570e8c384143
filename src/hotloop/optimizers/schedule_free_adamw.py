"""ScheduleFreeAdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam that needs no schedule, because the model trains on an average (Defazio et al., 2024).

    Gradients move `z`, by Adam's second moment: `z -= learning_rate * g / (sqrt(v /
    (1 - beta_2^t)) + epsilon)`. The average is `x += (z - x) / t`, and the model's variables are
    `w = (1 - beta_1) * z + beta_1 * x`; `x` itself is computed from `w` and `z`.

    Args:
        learning_rate: step size.
        beta_1: the average's share in the variables; not 0.
        beta_2: how much of the second moment is kept each step.
        epsilon: added to the root.
        warmup_steps: in how many steps the rate rises to `learning_rate`.
        The others: see `Optimizer`.

    Slots: `momentum` (which is `z`) and `velocity` for each variable in turn.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        self.warmup_steps = warmup_steps
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        for variable in var_list:
            start = variable.stored()
            self._momentums.append(
                self.add_variable_from_reference(
                    variable, "momentum", lambda shape, dtype=None, start=start: start
                )
            )
            self._velocities.append(self.add_variable_from_reference(variable, "velocity"))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, "float32")
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(step / float(self.warmup_steps), 1.0)
        of_v = 1.0 / (1.0 - ops.power(self.beta_2, step))
        weight = 1.0 / step

        v = ops.convert_to_tensor(self._velocities[index])
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        old = ops.convert_to_tensor(self._momentums[index])
        z = old - gradient * learning_rate / (ops.sqrt(v * of_v) + self.epsilon)
        x = (variable - old * (1 - self.beta_1)) * (1 / self.beta_1)
        x = x * (1.0 - weight) + z * weight
        self._velocities[index].assign(v)
        self._momentums[index].assign(z)
        variable.assign(z * (1 - self.beta_1) + x * self.beta_1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
