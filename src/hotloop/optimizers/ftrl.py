"""Ftrl."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import initializers, ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al., 2013), which makes weights exactly zero.

    With `p = -learning_rate_power`, `a' = a + g²`, `s = (a'^p - a^p) / learning_rate`:
    `z += g + 2 * l2_shrinkage * w - s * w`, then
    `w = (clip(z, -l1, l1) - z) / (a'^p / learning_rate + 2 * l2 + beta / learning_rate)`.

    Args:
        learning_rate: step size.
        learning_rate_power: power of the sum of squares that the rate falls with; not above 0.
        initial_accumulator_value: the sum `a` to begin with; not negative.
        l1_regularization_strength: penalty on magnitudes; not negative.
        l2_regularization_strength: penalty on squares, stabilizing; not negative.
        l2_shrinkage_regularization_strength: penalty on squares that only shrinks; not negative.
        beta: added to the root, as in the paper.
        The others: see `Optimizer`.

    Slots: `accumulator` and `linear` for each variable in turn.

    Raises:
        ValueError: an argument out of its range.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        for argument, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0:
                raise ValueError(
                    f"`{argument}` needs to be positive or zero. Received: {argument}={value}"
                )
        if learning_rate_power > 0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}"
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
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self._accumulators: list[Variable] = []
        self._linears: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._accumulators, self._linears = self.add_optimizer_variables(
            var_list,
            ["accumulator", "linear"],
            [initializers.Constant(self.initial_accumulator_value), "zeros"],
        )

    def _power(self, total: Any) -> Tensor:
        if self.learning_rate_power == -0.5:
            return ops.sqrt(total)
        return ops.power(total, -float(self.learning_rate_power))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        accumulator, linear = self._accumulators[index], self._linears[index]
        shrinkage = 2 * self.l2_shrinkage_regularization_strength
        l1 = self.l1_regularization_strength
        # Keras adds beta / (2 * learning_rate) to l2, which counts twice.
        l2 = 2 * self.l2_regularization_strength + self.beta / learning_rate

        total = accumulator + ops.square(gradient)
        power = self._power(total)
        pull = (power - self._power(accumulator)) / learning_rate
        grown = linear + (gradient + variable * shrinkage - pull * variable)
        accumulator.assign(total)
        linear.assign(grown)
        variable.assign((ops.clip(grown, -l1, l1) - grown) / (power / learning_rate + l2))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
