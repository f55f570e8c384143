"""AdamW."""

from __future__ import annotations

from typing import Any

from hotloop.optimizers.adam import Adam
from hotloop.optimizers.learning_rate import LearningRate


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Before each step of `Adam`, every variable that is not excluded loses `learning_rate *
    weight_decay` of itself; the decay is no part of the gradient and not divided by its moments.

    Args:
        learning_rate: step size.
        weight_decay: how much is lost, relative to `learning_rate`. See
            `exclude_from_weight_decay` for variables, such as biases, that should not decay.
        The others: see `Adam`.

    Slots: those of `Adam`.

    Raises:
        ValueError: `weight_decay` is None, or an argument of `Adam` is wrong.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        if weight_decay is None:
            raise ValueError(
                "Argument `weight_decay` must be a float. Received: weight_decay=None. For no "
                "decay use Adam."
            )
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
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
