"""The base class of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hotloop import initializers
from hotloop._later import Later
from hotloop.common.dtypes import SUPPORTED, standardize_dtype
from hotloop.graph import Tensor, Variable
from hotloop.ops.naming import auto_name

if TYPE_CHECKING:
    import copy

    from hotloop.metrics import stateless
else:
    copy = Later("copy")
    stateless = Later("hotloop.metrics.stateless")


class Metric:
    """A number gathered over many batches, in variables, so that it is traced like anything else.

    Subclasses create their variables with `add_variable` (or `add_weight`) in `__init__` and
    implement `update_state` and `result` with functions of `hotloop.ops`.

    Args:
        dtype: of the computations; None is float32. The metrics of this package compute in float32
            (the `IoU` family counts in int32).
        name: name in logs and `History`; made from the class name if None.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.largest = self.add_weight(initializer="zeros", name="largest")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.largest
    """

    # What a class can compute in, and what it does if nobody says.
    _dtypes: ClassVar[tuple[str, ...]] = SUPPORTED
    _default_dtype: ClassVar[str] = "float32"
    # "up" or "down": which way is better, for callbacks that watch the metric; unset if not known.
    _direction: str

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []
        self.name = name or auto_name(type(self).__name__)
        self._dtype = standardize_dtype(dtype, self._default_dtype)
        if self._dtype not in self._dtypes:
            raise NotImplementedError(
                f"{type(self).__name__} computes in {' or '.join(self._dtypes)}. Received: "
                f"dtype={dtype!r}"
            )

    @property
    def dtype(self) -> str:
        return self._dtype

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            self._check_super_called()
        if name not in ("_variables", "_metrics"):
            self._track(value)
        super().__setattr__(name, value)

    def _track(self, value: Any) -> None:
        """Takes note of a variable or metric, also in lists, tuples and dictionaries."""
        if isinstance(value, Variable):
            if not any(v is value for v in self._variables):
                self._variables.append(value)
        elif isinstance(value, Metric):
            if not any(m is value for m in self._metrics):
                self._metrics.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                self._track(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._track(item)

    def __copy__(self) -> Any:
        """As in Keras: a copy of a metric has variables of its own."""
        return copy.deepcopy(self)

    def _check_super_called(self) -> None:
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"In metric '{type(self).__name__}', you forgot to call `super().__init__()` as "
                "the first statement in the `__init__()` method."
            )

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A new variable of the metric, zeroed by `reset_state`.

        `aggregation` is accepted for Keras's sake; there is one replica.
        """
        self._check_super_called()
        dtype = standardize_dtype(dtype)
        value = initializers.get(initializer)(tuple(shape), dtype=dtype)
        name = name or auto_name("variable")
        variable = Variable(value, dtype=dtype, trainable=False, name=name)
        variable.path = f"{self.name.replace('/', '>')}/{name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """As `add_variable`; the default is a scalar, and zero."""
        initializer = "zeros" if initializer is None else initializer
        return self.add_variable(shape=shape, initializer=initializer, dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The variables of the metric and of the metrics it holds."""
        for name, value in tuple(vars(self).items()):
            if isinstance(value, (list, dict)) and name not in ("_variables", "_metrics"):
                self._track(value)  # something may have been appended
        return [*self._variables, *(v for metric in self._metrics for v in metric.variables)]

    def reset_state(self) -> None:
        """Sets every variable to zero."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} must implement `update_state()`.")

    def result(self) -> Any:
        """The metric so far: a scalar, or a dictionary of scalars."""
        raise NotImplementedError(f"{type(self).__name__} must implement `result()`.")

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """The values that `update_state(*args, **kwargs)` would give to variables of these values.

        Args:
            metric_variables: one value for each of `variables`. They are not changed.

        Raises:
            ValueError: there are more or fewer values than variables, or one of another shape.
        """
        with stateless.substitute(self, metric_variables) as current:
            self.update_state(*args, **kwargs)
            return current()

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result for variables of these values. Raises as `stateless_update_state`."""
        with stateless.substitute(self, metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Tensor]:
        """The values that `reset_state` would give to the variables."""
        with stateless.substitute(self, self.variables) as current:
            self.reset_state()
            return current()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
