"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2015).

    With `u_t = beta_1 * (1 - 0.96^t / 2)` and the product `U_t` of all `u` so far, the moments are
    Adam's, and `w -= learning_rate * (u_{t+1} * m / (1 - U_{t+1}) + (1 - u_t) * g / (1 - U_t)) /
    (sqrt(v / (1 - beta_2^t)) + epsilon)`.

    Args:
        learning_rate: step size.
        beta_1, beta_2: how much of the first and second moment is kept each step.
        epsilon: added to the root.
        The others: see `Optimizer`.

    Slots: `momentum` and `velocity` for each variable in turn, then the product `U`.
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
        self._u_product = self.add_variable((), initializer="ones", name="u_product")

    def _share(self, step: Tensor) -> Tensor:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step))

    def _update_variables(
        self, grads: list[Tensor], variables: list[Variable], learning_rate: Any
    ) -> None:
        step = ops.cast(self.iterations + 1, "float32")
        self._u_product.assign(self._u_product * self._share(step))
        super()._update_variables(grads, variables, learning_rate)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        # Scalars; common to all variables of a step, where the compiler makes them one.
        step = ops.cast(self.iterations + 1, "float32")
        share, following = self._share(step), self._share(step + 1.0)
        product = ops.convert_to_tensor(self._u_product)
        of_moment = learning_rate * following / (1.0 - product * following)
        of_gradient = learning_rate * (1.0 - share) / (1.0 - product)
        root = ops.sqrt(1.0 / (1.0 - ops.power(self.beta_2, step)))

        m = ops.convert_to_tensor(self._momentums[index])
        v = ops.convert_to_tensor(self._velocities[index])
        m = m + (gradient - m) * (1 - self.beta_1)
        v = v + (ops.square(gradient) - v) * (1 - self.beta_2)
        self._momentums[index].assign(m)
        self._velocities[index].assign(v)
        move = m * of_moment + gradient * of_gradient
        variable.assign(variable - move / (ops.sqrt(v) * root + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
