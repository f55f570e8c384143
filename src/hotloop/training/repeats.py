"""Small calls like the last one: what was found out for that one serves them at once.

A repeat belongs to the model as it was (`graph.structure` has not changed) and to plain arrays of
the same dtypes and shapes. Anything else goes the long way, which looks at everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import graph
from hotloop.training.arrays import to_lanes
from hotloop.training.data import Data
from hotloop.training.plans import Plan, batch_specs
from hotloop.training.steps import Step


class Prediction:
    """What served the last `predict` or `predict_on_batch` of one batch."""

    __slots__ = ("batch_size", "call", "seen")

    def __init__(
        self,
        seen: object,
        batch_size: int | None,
        call: Callable[[tuple[Any]], list[np.ndarray] | None],
    ) -> None:
        self.seen = seen  # of `graph.structure`
        self.batch_size = batch_size  # as it was passed
        self.call = call

    def repeat(self, x: Any, batch_size: int | None) -> np.ndarray | None:
        """The predictions for `x`; None unless it is a call like the last one."""
        if self.seen is not graph.structure.seen or self.batch_size is not batch_size:
            return None
        results = self.call((x,))
        return None if results is None else results[0]


def note_prediction(
    seen: object, x: Any, batch_size: int | None, data: Data, plan: Plan
) -> Prediction | None:
    """What `predict(x)` with the data made of it leaves for the next one, if anything.

    That is nothing if the data had to be converted, or if the result is more than one array of
    numbers, one for each sample. `seen` is the mark from before the data was looked at.
    """
    one = plan.structure is None and not plan.eager and data.arrays[0] is x
    if not one or len(data.arrays) != 1 or plan.batch_size != data.samples:
        return None
    ((shape, dtype),) = plan.output_specs(data.arrays)
    if dtype == "bool" or shape[:1] != (data.samples,):
        return None
    return Prediction(seen, batch_size, plan.at_once)


class OneBatch:
    """`train_on_batch` or `test_on_batch` as one plan: metrics from zero, the step, their results.

    Args:
        model: the model, prepared for the data.
        mode: "train" or "test".
        data: the samples, all of them one batch.

    Raises:
        TracingError: the step or a metric needs concrete values.
    """

    def __init__(self, model: Any, mode: str, data: Data) -> None:
        step = Step(model, mode, data)
        names: list[str] = []

        def whole(*tensors: Any) -> list[Any]:
            model.reset_metrics()
            step(*tensors)
            results = model.get_metrics_result()
            names[:] = sorted(results)
            return [results[name] for name in names]

        trace = graph.trace(whole, batch_specs(data, data.samples))
        self._executable = graph.compile(trace, batched=False)
        self._names = names
        order = model._logs_in_order({name: name for name in names})
        # Where the results are in the order of `evaluate`, which returns one by itself.
        single = isinstance(order, str)
        self._only = names.index(order) if single else None
        self._order = [] if single else [names.index(name) for name in order]
        self.fits = self._executable.fits

    def run(self, arrays: list[np.ndarray], as_dict: bool) -> Any:
        """The results of all metrics: by name in alphabetical order, or as `evaluate` has them."""
        values = self._executable.numbers(arrays)
        if as_dict:
            return dict(zip(self._names, values, strict=True))
        if self._only is not None:
            return values[self._only]
        return [values[i] for i in self._order]


class BatchOfTwo:
    """The last `train_on_batch(x, y)` or `test_on_batch(x, y)`, and what served it."""

    __slots__ = ("checks", "lanes", "one", "seen", "x_dtype", "x_shape", "y_dtype", "y_shape")

    def __init__(
        self,
        seen: object,
        x: np.ndarray,
        y: np.ndarray,
        lanes: tuple[str, str],
        checks: list[tuple[int, Any]],
        one: OneBatch,
    ) -> None:
        self.seen = seen  # of `graph.structure`
        self.x_dtype, self.x_shape = x.dtype, x.shape
        self.y_dtype, self.y_shape = y.dtype, y.shape
        self.lanes = lanes  # the dtypes of the arrays of the plan
        self.checks = checks
        self.one = one

    def repeat(self, x: Any, y: Any, as_dict: bool) -> Any:
        """The results of all metrics; None unless it is a call like the last one.

        Raises:
            ValueError: targets that do not suit the loss.
        """
        if self.seen is not graph.structure.seen:
            return None
        arrays = [x, y]
        if not self.one.fits(arrays):
            if not self._is_like(x, y):
                return None
            arrays = [to_lanes(x, "x", self.lanes[0]), to_lanes(y, "y", self.lanes[1])]
        for position, check in self.checks:
            check(arrays[position])
        return self.one.run(arrays, as_dict)

    def _is_like(self, x: Any, y: Any) -> bool:
        """Whether conversion makes arrays of the plan of `x` and `y`."""
        return (
            type(x) is np.ndarray
            and type(y) is np.ndarray
            and self.x_dtype is x.dtype
            and self.x_shape == x.shape
            and self.y_dtype is y.dtype
            and self.y_shape == y.shape
        )


def note_batch(
    seen: object, x: Any, y: Any, data: Data, checks: list[tuple[int, Any]], one: OneBatch
) -> BatchOfTwo | None:
    """What a batch of one `x` and one `y` leaves for the next one; None for anything else."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray or data.structure != (0, 1, None):
        return None
    lanes = (data.arrays[0].dtype.name, data.arrays[1].dtype.name)
    return BatchOfTwo(seen, x, y, lanes, checks, one)
