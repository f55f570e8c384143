"""Weight decay, and the variables that it leaves alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hotloop.graph import Variable
from hotloop.optimizers.state import OptimizerState


class WeightDecay(OptimizerState):
    """The part of `Optimizer` that takes a share of each variable away before its step."""

    weight_decay: float | None
    _not_decayed: list[Variable]
    _not_decayed_names: re.Pattern[str] | None

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Keeps variables out of weight decay: these, or those whose name has one of these parts.

        Raises `ValueError` once the optimizer is built.
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        vars(self)["_not_decayed"] = list(var_list or ())  # no part of the optimizer's state
        names = sorted(set(var_names or ()))
        self._not_decayed_names = re.compile("|".join(names)) if names else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        named = self._not_decayed_names
        if any(variable is kept for kept in self._not_decayed):
            return False
        return not (named and named.search(variable.name))

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.weight_decay if self._use_weight_decay(variable) else None

    def _apply_weight_decay(self, variables: Iterable[Variable], learning_rate: Any) -> None:
        for variable in variables:
            decay = self._weight_decay_of(variable)
            if decay is not None:
                variable.assign(variable - variable * (decay * learning_rate))
