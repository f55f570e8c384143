"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """The sign of a momentum (Chen et al., 2023).

    `w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m = beta_2 * m +
    (1 - beta_2) * g`.

    Args:
        learning_rate: the size of every element's step. Lion wants about a tenth of Adam's.
        beta_1: the momentum's share in the step; in (0, 1].
        beta_2: how much of the momentum is kept each step.
        The others: see `Optimizer`.

    Slots: `momentum` for each variable.

    Raises:
        ValueError: `beta_1` is out of range, or an argument of `Optimizer` is wrong.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        if not 0 < beta_1 <= 1:
            raise ValueError(
                "Argument `beta_1` must be in (0, 1]; without momentum Lion is no more than "
                f"SignSGD. Received: beta_1={beta_1}"
            )
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
        self._momentums: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._momentums = self.add_optimizer_variables(var_list, "momentum")

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        slot = self._momentums[self._get_variable_index(variable)]
        direction = ops.sign(slot * self.beta_1 + gradient * (1 - self.beta_1))
        slot.assign(slot * self.beta_2 + gradient * (1 - self.beta_2))
        variable.assign(variable - direction * learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
