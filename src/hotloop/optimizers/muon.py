"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor, Variable
from hotloop.optimizers.learning_rate import LearningRate
from hotloop.optimizers.optimizer import Optimizer


class Muon(Optimizer):
    """Momentum whose singular values are made equal (Jordan et al., 2024), for hidden matrices.

    `m = momentum * m + g`; the step is `g + momentum * m` with Nesterov, else `m`, after `ns_steps`
    of the Newton-Schulz iteration `x = a * x + (b * xx' + c * (xx')²) x` on it, and `w -=
    learning_rate * rms_rate * sqrt(max(w.shape)) * x` (the last factors: Liu et al., 2025).

    Variables that are not matrices, embeddings, and those of `exclude_layers` (name the output
    layer there) are trained by the rule of `AdamW`.

    Args:
        learning_rate: step size.
        adam_beta_1, adam_beta_2, epsilon: as in `Adam`, for those that it trains.
        adam_weight_decay: their weight decay, or None.
        weight_decay: the weight decay of the other variables, or None.
        exclude_layers: regular expressions; `AdamW` trains variables in whose path one is found.
        exclude_embeddings: whether `AdamW` trains variables with "embedding" in their path.
        muon_a, muon_b, muon_c: coefficients of the iteration.
        adam_lr_ratio: factor of the learning rate where Adam trains.
        momentum: how much of the momentum is kept each step.
        ns_steps: number of iterations.
        nesterov: whether to look ahead along the momentum.
        rms_rate: factor that lets Muon use Adam's learning rate and decay; None for none.
        The others: see `Optimizer`.

    Slots: for each variable in turn `momentum` and, where Adam trains, `velocity`.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
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
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        self.exclude_layers = list(exclude_layers or [])
        self.momentums: list[Variable] = []
        self.adam_velocities: list[Variable | None] = []

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, var_list: Sequence[Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self.momentums, self.adam_velocities = [], []
        for variable in var_list:
            self.momentums.append(self.add_variable_from_reference(variable, "momentum"))
            velocity = None
            if self._should_use_adamw(variable):
                velocity = self.add_variable_from_reference(variable, "velocity")
            self.adam_velocities.append(velocity)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        momentum, velocity = self.momentums[index], self.adam_velocities[index]
        if velocity is not None:
            rate = learning_rate * self.adam_lr_ratio
            self._adam_step(gradient, variable, rate, momentum, velocity)
            return
        m = momentum + (gradient + momentum * (self.momentum - 1))
        momentum.assign(m)
        move = gradient + m * self.momentum if self.nesterov else m
        move = self.zeropower_via_newtonschulz5(move, self.ns_steps)
        variable.assign(variable - self.lr_adjust(move * learning_rate))

    def _adam_step(
        self,
        gradient: Tensor,
        variable: Variable,
        learning_rate: Any,
        momentum: Variable,
        velocity: Variable,
    ) -> None:
        step = ops.cast(self.iterations + 1, "float32")
        alpha = (
            learning_rate
            * ops.sqrt(1.0 - ops.power(self.adam_beta_2, step))
            / (1.0 - ops.power(self.adam_beta_1, step))
        )
        m = momentum + (gradient - momentum) * (1 - self.adam_beta_1)
        v = velocity + (ops.square(gradient) - velocity) * (1 - self.adam_beta_2)
        momentum.assign(m)
        velocity.assign(v)
        variable.assign(variable - m * alpha / (ops.sqrt(v) + self.epsilon))

    def transpose_last_axis(self, X: Any) -> Tensor:  # noqa: N803 (as Keras has it)
        """`X` with its last two axes swapped."""
        return ops.swapaxes(X, -1, -2)

    def lr_adjust(self, x: Tensor) -> Tensor:
        """`x` times `rms_rate * sqrt(max(x.shape))`, or `x` itself without `rms_rate`."""
        if self.rms_rate is None:
            return x
        return x * (math.sqrt(max(x.shape)) * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Tensor:
        """A matrix with about the singular vectors of `x`, and singular values of about 1.

        Raises `ValueError` if `x` is not a matrix.
        """
        x = ops.convert_to_tensor(x)
        if len(x.shape) != 2:
            raise ValueError(f"Expected a gradient or momentum of 2 axes. Received: {x.shape}")
        tall = x.shape[0] > x.shape[1]
        if tall:
            x = self.transpose_last_axis(x)
        # The largest singular value must not be above 1.
        x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
        for _ in range(steps):
            gram = ops.matmul(x, self.transpose_last_axis(x))
            inner = gram * self.muon_b + ops.matmul(gram * self.muon_c, gram)
            x = x * self.muon_a + ops.matmul(inner, x)
        return self.transpose_last_axis(x) if tall else x

    def _weight_decay_of(self, variable: Variable) -> float | None:
        if not self._use_weight_decay(variable):
            return None
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }
