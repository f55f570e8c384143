"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import initializers, ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares (Duchi et al., 2011).

    `a += g²`, then `w -= learning_rate * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: step size.
        initial_accumulator_value: the sum to begin with.
        epsilon: added under the root.
        The others: see `Optimizer`.

    Slots: `accumulator` for each variable.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self._accumulators: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(var_list, "accumulator", start)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        slot = self._accumulators[self._get_variable_index(variable)]
        total = slot + ops.square(gradient)
        slot.assign(total)
        variable.assign(variable - gradient * learning_rate / ops.sqrt(total + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
