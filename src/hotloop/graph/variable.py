"""State that outlives a call: weights, optimizer slots, metric totals, seeds."""

from __future__ import annotations

import math
import threading
from importlib import import_module
from typing import Any

import numpy as np

from hotloop._native import Memory, kept_changed
from hotloop.graph.changes import layouts, structure
from hotloop.graph.dtypes import dtype_of, numpy_dtype, to_array
from hotloop.graph.errors import TracingError
from hotloop.graph.operators import Operators
from hotloop.graph.scope import current_scope, symbolic_scope
from hotloop.graph.tensor import Tensor, apply, constant

PANEL = 32  # columns of a packed weight panel, HL_PANEL in csrc/kernels/kernels.h
_ALIGN = 64
_LARGE = 1 << 15  # elements of 128 KB
_converting = threading.Lock()


def aligned_empty(size: int, dtype: Any, to_stay: bool = False) -> np.ndarray:
    """A 1-D array of `size` 4-byte elements that starts at a multiple of 64 bytes.

    What is `to_stay` for a model's life comes, if it is large, from the native core, whose large
    blocks leave no holes in the heap when they are freed.
    """
    if to_stay and size >= _LARGE:
        return np.frombuffer(memoryview(Memory(size)), dtype)
    raw = np.empty(size * 4 + _ALIGN, np.uint8)
    start = -raw.__array_interface__["data"][0] % _ALIGN
    return raw[start : start + size * 4].view(dtype)


def _unpack(panels: np.ndarray, k: int, n: int) -> np.ndarray:
    count = -(-n // PANEL)
    return panels.reshape(count, k, PANEL).transpose(1, 0, 2).reshape(k, count * PANEL)[:, :n]


def _fill(storage: np.ndarray, layout: str, rows: np.ndarray) -> None:
    if layout == "panel":
        k, n = rows.shape
        whole, rest = divmod(n, PANEL)
        panels = storage.reshape(-(-n // PANEL), k, PANEL)
        cut = n - rest
        panels[:whole] = rows[:, :cut].reshape(k, whole, PANEL).transpose(1, 0, 2)
        if rest:
            panels[whole, :, :rest] = rows[:, cut:]
            panels[whole, :, rest:] = 0
    else:
        storage.reshape(rows.shape)[...] = rows
    kept_changed()


def _check_devices(aggregation: Any, synchronization: Any, layout: Any) -> None:
    """What Keras knows about several devices: known words, and no layout."""
    known = {
        "aggregation": (aggregation, (None, "none", "mean", "sum", "only_first_replica")),
        "synchronization": (synchronization, (None, "none", "on_read", "on_write", "auto")),
    }
    for argument, (value, words) in known.items():
        if value not in words:
            raise ValueError(
                f"Variable: `{argument}` is one of {', '.join(map(repr, words))}. "
                f"Received: {argument}={value!r}"
            )
    if layout is not None:
        raise NotImplementedError(
            f"Variable: there is one device, so leave `layout` out. Received: layout={layout!r}"
        )


def _initial_value(initializer: Any, shape: Any, dtype: Any) -> Any:
    """The value to start with, made by an initializer where one is given."""
    if isinstance(shape, (str, type)):
        raise TypeError(
            f"Variable: `shape` is a tuple of whole numbers; `dtype` comes after it. Received: "
            f"shape={shape!r}"
        )
    if isinstance(initializer, str):
        # Above this package, and rarely needed here: layers make their weights' values themselves.
        initializer = import_module("hotloop.initializers").get(initializer)
    if callable(initializer):
        if shape is None:
            raise ValueError(
                "Variable: an initializer needs the `shape` of the value to make. "
                f"Received: initializer={initializer!r}, shape=None"
            )
        return initializer(tuple(shape), dtype=dtype or "float32")
    if shape is not None and np.shape(initializer) != tuple(shape):
        raise ValueError(
            f"Variable: the value has shape {np.shape(initializer)}, not `shape={tuple(shape)}`."
        )
    return initializer


class Variable(Operators):
    """A named array that can be assigned. In operations it behaves as the tensor `value`.

    The bytes are 4-byte lanes (bool as int32 0/1) at a 64-byte boundary, in row-major order or, for
    the weight matrix of a product, in column panels; `numpy()` is always row-major.

    Args:
        initializer: the value; or a function `initializer(shape, dtype=…)`, such as an initializer,
            or the name of one.
        shape: the shape that the initializer is asked for; a value has to have it.
        dtype: as `constant` takes it; None keeps that of the value.
        trainable: whether an optimizer may change it.
        autocast: accepted for Keras's sake; every float is float32.
        aggregation: accepted for Keras's sake: how copies on several devices become one.
        synchronization: likewise; there is one device.
        name: "variable" if None.
        layout: None; a variable is in one place.

    Raises:
        TypeError, OverflowError: where `constant` does; a `shape` that is a dtype.
        ValueError: an initializer without `shape`, a value of another shape, or an unknown name.
        NotImplementedError: `layout`.
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
    ):
        _check_devices(aggregation, synchronization, layout)
        value = np.asarray(constant(_initial_value(initializer, shape, dtype), dtype))
        self.name = name or "variable"
        self.path = self.name
        self.autocast = bool(autocast)
        self.aggregation = aggregation
        self.synchronization = synchronization
        self._trainable = bool(trainable)
        self.shape: tuple[int, ...] = value.shape
        self.dtype: str = dtype_of(value)
        self.regularizer: Any = None
        self.constraint: Any = None
        self._lanes = np.dtype(np.float32 if self.dtype == "float32" else np.int32)
        storage = aligned_empty(value.size, self._lanes)
        storage[:] = value.reshape(-1)
        # Layout and bytes change together: other threads may be reading.
        self._held: tuple[str, np.ndarray] = ("row", storage)

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        structure.mark()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def value(self) -> Tensor:
        """The current value: the scope's leaf or pending update inside a scope, else a copy."""
        scope = current_scope()
        if scope is None:
            return Tensor("constant", self.shape, self.dtype, value=self.stored(), concrete=True)
        tensor = scope.updates.get(self)
        if tensor is None:
            tensor = scope.reads.get(self)
        if tensor is None:
            attrs = {"variable": self}
            if scope.symbolic:
                tensor = Tensor("variable", self.shape, self.dtype, (), attrs, origin=scope.serial)
            else:
                value = self.stored()
                tensor = Tensor(
                    "variable", self.shape, self.dtype, (), attrs, value=value, concrete=True
                )
            scope.reads[self] = tensor
        return tensor

    def _as_tensor(self) -> Tensor:
        return self.value

    def stored(self) -> np.ndarray:
        """A row-major copy of the bytes, also while a function is compiled.

        What a scope has assigned does not count. For initial values of other variables: anywhere
        else it would stay in a compiled function as a constant.
        """
        return np.array(self._rows(), dtype=numpy_dtype(self.dtype), order="C")

    def _rows(self) -> np.ndarray:
        """The lanes in rows; the bytes themselves where they are laid out so."""
        layout, storage = self._held
        return _unpack(storage, *self.shape) if layout == "panel" else storage.reshape(self.shape)

    def _write(self, rows: np.ndarray) -> None:
        layout, storage = self._held
        _fill(storage, layout, rows)

    @property
    def layout(self) -> str:
        """How the bytes are laid out now, "row" or "panel"."""
        return self._held[0]

    def storage(self, layout: str) -> np.ndarray:
        """The bytes themselves as a 1-D array of lanes, after converting them to `layout`.

        `layout` is "row" or, for matrices, "panel". The array stays valid, and shared with the
        variable, until a call with another layout.
        """
        held, storage = self._held
        return storage if held == layout else self._convert(layout)

    def _convert(self, layout: str) -> np.ndarray:
        if layout not in ("row", "panel"):
            raise ValueError(f'layout must be "row" or "panel", not {layout!r}.')
        if layout == "panel" and self.ndim != 2:
            raise ValueError(f"Only matrices have panels; {self!r} has {self.ndim} axes.")
        with _converting:
            held, storage = self._held
            if held == layout:
                return storage
            rows = self._rows()
            size = rows.size
            if layout == "panel":
                size = self.shape[0] * -(-self.shape[1] // PANEL) * PANEL
            # Weights get here as their first plan is made, and stay.
            storage = aligned_empty(size, self._lanes, to_stay=True)
            _fill(storage, layout, rows)
            self._held = (layout, storage)
            layouts.mark()
        return storage

    def assign(self, value: Any) -> Any:
        """Gives the variable a new value of the same shape; returns `value`.

        Inside a scope the change is recorded in `scope.updates`. Raises `ValueError` if the shape
        differs and `TypeError` if a float value would be cut to an integer.
        """
        scope = current_scope()
        if scope is None and not isinstance(value, Operators):
            array = value
            if type(value) is not np.ndarray or value.dtype is not self._lanes:
                array = to_array(value)
                self._check(array.shape, dtype_of(array))
            elif value.shape != self.shape:
                self._check(value.shape, self.dtype)
            self._write(array)
            return value
        tensor = constant(value)
        self._check(tensor.shape, tensor.dtype)
        if tensor.dtype != self.dtype:
            tensor = apply("cast", [tensor], dtype=self.dtype)
        if scope is not None:
            if tensor.origin and not scope.symbolic:
                tensor.numpy()  # raises the tracing error
            scope.updates[self] = tensor
        else:
            self._write(tensor.numpy())
        return value

    def _check(self, shape: tuple[int, ...], dtype: str) -> None:
        if shape != self.shape:
            raise ValueError(
                f"Variable {self.name!r} has shape {self.shape}; a value of shape {shape} cannot "
                "be assigned to it."
            )
        if dtype == "float32" and self.dtype != "float32":
            raise TypeError(
                f"Variable {self.name!r} is {self.dtype}; a float32 value cannot be assigned to "
                f'it. Convert the value with ops.cast(value, "{self.dtype}").'
            )

    def assign_add(self, value: Any) -> Any:
        """Adds `value` to the variable."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Any:
        """Subtracts `value` from the variable."""
        return self.assign(self - value)

    def numpy(self) -> np.ndarray:
        """A row-major copy of the value. Raises `TracingError` while a function is compiled."""
        scope = current_scope()
        if scope is None:
            return self.stored()
        if symbolic_scope() is not None:
            raise TracingError(
                f"The value of variable {self.name!r} was asked for while a function was being "
                "compiled; it would stay in the compiled function as a constant. Use the variable "
                "itself in functions of hotloop.ops, or compile the model with run_eagerly=True."
            )
        return self.value.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __float__(self) -> float:
        return float(self.numpy().item())

    def __int__(self) -> int:
        return int(self.numpy().item())

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a variable of shape (), which has no axes.")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<Variable {self.path} shape={self.shape} dtype={self.dtype}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        twin = _rebuild(self.stored(), self.dtype, self.trainable, self.name)
        twin.path = self.path
        twin.regularizer, twin.constraint = self.regularizer, self.constraint
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> Any:
        rest = {name: getattr(self, name) for name in ("path", "regularizer", "constraint")}
        return _rebuild, (self.stored(), self.dtype, self.trainable, self.name), rest

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _rebuild(value: np.ndarray, dtype: str, trainable: bool, name: str) -> Variable:
    return Variable(value, dtype=dtype, trainable=trainable, name=name)
