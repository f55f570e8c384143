"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps as large as the last ones, by moving averages of squares (Zeiler, 2012).

    `a = rho * a + (1 - rho) * g²`, `d = -g * sqrt(b + epsilon) / sqrt(a + epsilon)`,
    `b = rho * b + (1 - rho) * d²`, then `w += learning_rate * d`.

    Args:
        learning_rate: factor of the step; 1 in the paper.
        rho: how much of the averages is kept each step.
        epsilon: added under the roots.
        The others: see `Optimizer`.

    Slots: `accumulated_grad` and `accumulated_delta_var` for each variable in turn.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
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
        self.rho = rho
        self.epsilon = epsilon
        self._accumulated_grads: list[Variable] = []
        self._accumulated_delta_vars: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            var_list, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, grad: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        keep, take = self.rho, 1 - self.rho
        squares, moves = self._accumulated_grads[index], self._accumulated_delta_vars[index]
        square = squares * keep + ops.square(grad) * take
        move = ops.sqrt(moves + self.epsilon) * grad / ops.sqrt(square + self.epsilon)
        squares.assign(square)
        moves.assign(moves * keep + ops.square(move) * take)
        variable.assign(variable - move * learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
