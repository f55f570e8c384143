"""Moving averages of the trained variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hotloop import ops
from hotloop.graph import Variable
from hotloop.optimizers.conditional import together
from hotloop.optimizers.state import OptimizerState


class MovingAverages(OptimizerState):
    """The part of `Optimizer` that `use_ema` turns on."""

    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    _model_variables_moving_average: list[Variable]

    @property
    def iterations(self) -> Any:
        """The number of updates done."""
        raise NotImplementedError

    def _average(self) -> None:
        """Moves the averages to the variables; every so often, gives the variables the averages."""
        first = ops.equal(self.iterations, 0)
        keep = ops.where(first, 0.0, self.ema_momentum)
        frequency = self.ema_overwrite_frequency
        due = frequency and ops.equal(ops.mod(self.iterations + 1, frequency), 0)
        for variable, average in zip(
            self._trainable_variables, self._model_variables_moving_average, strict=True
        ):
            value = average * keep + variable * (1.0 - keep)
            average.assign(value)
            if frequency:
                variable.assign(ops.where(due, value, variable))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """With `use_ema`, gives `var_list` their averages. `fit` does so when it ends."""
        if not self.use_ema:
            return
        variables = list(var_list)
        self._check_known(variables)
        with together():
            for variable in variables:
                average = self._model_variables_moving_average[self._get_variable_index(variable)]
                variable.assign(average.value)
