"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


def _rms(x: Any) -> Tensor:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Adam whose second moment is kept as rows times columns (Shazeer and Stern, 2018).

    With `p = min(learning_rate, 1 / sqrt(t))`, `k = 1 - t^beta_2_decay` and `q = g² + epsilon_1`:
    matrices keep moving averages `r` and `c` (factor `k`) of the means of `q` over their last and
    last but one axis, and `v = r * c / mean(r)`; other variables keep one `v` of `q` itself. Then
    `u = g / sqrt(v)` and `w -= max(epsilon_2, rms(w)) * p * u / max(1, rms(u) / clip_threshold)`.

    Args:
        learning_rate: the largest relative step size.
        beta_2_decay: how the averages become longer; negative.
        epsilon_1: added to squares.
        epsilon_2: the least size of variables that a step is relative to.
        clip_threshold: largest root mean square of `u`.
        relative_step: whether a rate that is a number falls with the steps. Keras limits every rate
            by `1 / sqrt(t)` as well, so that it makes no difference.
        The others: see `Optimizer`.

    Slots: for each variable in turn its rows, columns (of fewer axes than two: two numbers that are
    not used) and `velocity`, as Keras files them.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        self._r: list[Variable] = []
        self._c: list[Variable] = []
        self._v: list[Variable] = []

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._r, self._c, self._v = [], [], []
        for variable in var_list:
            shape, name = variable.shape, variable.name
            if len(shape) < 2:
                self._r.append(self.add_variable((), dtype="int32", name=name))
                self._c.append(self.add_variable((), dtype="int32", name=name))
            else:
                self._r.append(self.add_variable(shape[:-1], name=name))
                self._c.append(self.add_variable((*shape[:-2], shape[-1]), name=name))
            self._v.append(self.add_variable_from_reference(variable, "velocity"))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, "float32")
        pace = ops.minimum(learning_rate, 1.0 / ops.sqrt(step))
        take = ops.power(step, float(self.beta_2_decay))
        keep = 1.0 - take
        square = ops.square(gradient) + self.epsilon_1
        if len(variable.shape) >= 2:
            rows = self._r[index] * keep + ops.mean(square, axis=-1) * take
            columns = self._c[index] * keep + ops.mean(square, axis=-2) * take
            self._r[index].assign(rows)
            self._c[index].assign(columns)
            share = rows / ops.mean(rows, axis=-1, keepdims=True)
            velocity = ops.expand_dims(share, -1) * ops.expand_dims(columns, -2)
        else:
            velocity = self._v[index] * keep + square * take
        self._v[index].assign(velocity)
        move = gradient / ops.sqrt(velocity)
        size = pace * ops.maximum(_rms(variable), self.epsilon_2)
        limit = ops.maximum(_rms(move) / self.clip_threshold, 1.0)
        variable.assign(variable - move * (size / limit))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
