"""The only tensor, and `apply`, the only way to make one from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hotloop._native import Maker
from hotloop.graph.dtypes import BOOL, canonical_dtype, dtype_of, to_array
from hotloop.graph.errors import TracingError
from hotloop.graph.evaluate import evaluate
from hotloop.graph.operators import Operators
from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.scope import current_scope, symbolic_scope

_NO_ATTRS: dict[str, Any] = {}


class Tensor(Operators):
    """A node of the graph: a primitive applied to inputs.

    `shape` is a tuple of ints, `dtype` "float32", "int32" or "bool". A tensor is `concrete` when
    its value is known or follows from known values alone; while tracing such a value is computed
    only when somebody asks for it. Tensors never change.

    `origin` is the serial number of the scope a symbolic tensor belongs to, 0 for concrete ones.
    `_keras_mask` is unset until `ops.masks` gives the tensor a mask.
    """

    __slots__ = (
        "_keras_mask",
        "_value",
        "attrs",
        "concrete",
        "dtype",
        "inputs",
        "origin",
        "primitive",
        "shape",
    )

    def __init__(
        self,
        primitive: str,
        shape: tuple[int, ...],
        dtype: str,
        inputs: tuple[Tensor, ...] = (),
        attrs: dict[str, Any] = _NO_ATTRS,
        value: np.ndarray | None = None,
        concrete: bool = False,
        origin: int = 0,
    ):
        self.primitive = primitive
        self.shape = shape
        self.dtype = dtype
        self.inputs = inputs
        self.attrs = attrs
        self._value = value
        self.concrete = concrete
        self.origin = origin

    @property
    def value(self) -> np.ndarray | None:
        """The value of a concrete tensor (shared, not to be written), None for a symbolic one."""
        if self._value is None and self.concrete:
            self._compute()
        return self._value

    def _compute(self) -> None:
        """Evaluates what a postponed value is made of, inputs first."""
        stack = [self]
        while stack:
            tensor = stack[-1]
            missing = [source for source in tensor.inputs if source._value is None]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if tensor._value is None:
                arrays: list[Any] = [source._value for source in tensor.inputs]
                tensor._value = evaluate(
                    tensor.primitive, arrays, tensor.attrs, tensor.shape, tensor.dtype
                )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for dim in self.shape:
            size *= dim
        return size

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The tensor with its axes reversed."""
        return apply("transpose", [self], perm=tuple(reversed(range(self.ndim))))

    def _known(self, wanted: str) -> np.ndarray:
        value = self.value
        if value is None:
            raise TracingError(
                f"{wanted} of a symbolic tensor (shape {self.shape}, dtype {self.dtype}) was asked "
                "for while a function was being compiled. Its value is not known yet: use "
                "functions of hotloop.ops (ops.where in place of if), or compile the model with "
                "run_eagerly=True."
            )
        return value

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array. Raises `TracingError` on a symbolic tensor."""
        return self._known("The value").copy()

    def item(self) -> float | int | bool:
        """The value of a tensor of one element as a Python number."""
        return self._known("The value").item()

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return self._known("The value").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        value = self._known("The value")
        if copy or (dtype is not None and np.dtype(dtype) != value.dtype):
            return np.array(value, dtype=dtype)
        view = value.view()
        view.flags.writeable = False
        return view

    def __float__(self) -> float:
        return float(self._known("float()").item())

    def __int__(self) -> int:
        return int(self._known("int()").item())

    def __index__(self) -> int:
        if self.dtype != "int32" or self.size != 1:
            raise TypeError(
                f"Only an int32 tensor of one element can be an index, not a {self.dtype} tensor "
                f"of shape {self.shape}."
            )
        return int(self._known("The value as an index").item())

    def __bool__(self) -> bool:
        return bool(self._known("The truth value"))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor of shape (), which has no axes.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("Cannot iterate over a tensor of shape (), which has no axes.")
        return (self[i] for i in range(self.shape[0]))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else repr(self)

    def __repr__(self) -> str:
        if self.concrete:
            return f"<Tensor shape={self.shape} dtype={self.dtype} value={self.value}>"
        return f"<Tensor shape={self.shape} dtype={self.dtype} symbolic {self.primitive}>"

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self

    def __reduce__(self) -> Any:
        return constant, (self._known("A pickle"), self.dtype)


def tensor_maker(shape: tuple[int, ...], dtype: str) -> Callable[[np.ndarray], Tensor]:
    """What makes concrete tensors of new arrays (bool as int32), which nobody else will write."""
    fixed = {"primitive": "constant", "shape": shape, "dtype": dtype, "inputs": ()}
    make = Maker(Tensor, {**fixed, "attrs": _NO_ATTRS, "concrete": True, "origin": 0}, "_value")
    if dtype != BOOL:
        return make
    return lambda array: make(array.astype(np.bool_))


def constant(value: Any, dtype: Any = None) -> Tensor:
    """`value` (numbers, nested lists, NumPy arrays, tensors, variables) as a tensor.

    Floating dtypes become float32 and integers int32 unless `dtype` says otherwise. The value is
    copied. Raises `TypeError` for values that are not real numbers and `OverflowError` for
    integers that do not fit int32.
    """
    if isinstance(value, Tensor) and (dtype is None or dtype == value.dtype):
        return value
    wanted = None if dtype is None else canonical_dtype(dtype)
    if isinstance(value, Tensor):
        tensor = value
    else:
        leaf = getattr(value, "_as_tensor", None)
        if leaf is None:
            if isinstance(value, (list, tuple)):
                value = _plain(value)
            array = to_array(value, wanted)
            return Tensor("constant", array.shape, dtype_of(array), value=array, concrete=True)
        tensor = leaf()
    if wanted is None or tensor.dtype == wanted:
        return tensor
    return apply("cast", [tensor], dtype=wanted)


def _plain(value: Any) -> Any:
    """Nested sequences with tensors in them as nested sequences of arrays."""
    if isinstance(value, Operators):
        return np.asarray(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def apply(primitive: str, inputs: Sequence[Tensor], **attrs: Any) -> Tensor:
    """The result of a primitive. Shapes and dtypes of `inputs` must be what the primitive expects.

    With concrete inputs the result is concrete: computed at once in eager mode, and when needed
    while tracing. Raises `TypeError`/`ValueError` on inputs that do not fit, `TracingError` on
    tensors of another trace.
    """
    inputs = tuple(inputs)
    shape, dtype = PRIMITIVES[primitive].infer(primitive, inputs, attrs)
    scope = current_scope()
    origin = 0
    for tensor in inputs:
        if tensor.origin and tensor.origin != origin:
            if origin:
                raise _leaked(tensor)
            origin = tensor.origin
    if origin:
        if scope is not None and scope.symbolic and origin != scope.serial:
            raise _leaked(next(t for t in inputs if t.origin and t.origin != scope.serial))
        return Tensor(primitive, shape, dtype, inputs, attrs, origin=origin)
    if scope is not None and scope.symbolic:
        return Tensor(primitive, shape, dtype, inputs, attrs, concrete=True)
    arrays: list[Any] = [tensor.value for tensor in inputs]
    value = evaluate(primitive, arrays, attrs, shape, dtype)
    if scope is None:
        return Tensor("constant", shape, dtype, value=value, concrete=True)
    return Tensor(primitive, shape, dtype, inputs, attrs, value=value, concrete=True)


def _leaked(tensor: Tensor) -> TracingError:
    return TracingError(
        f"A symbolic tensor (shape {tensor.shape}, dtype {tensor.dtype}, result of "
        f"{tensor.primitive!r}) was kept from one compiled function and used in another. Return it "
        "from the function that made it, or keep its value in a Variable."
    )


def fill(value: float | int | bool, shape: tuple[int, ...], dtype: str) -> Tensor:
    """A tensor full of one number, which the compiler keeps as that one number."""
    number = to_array(value, dtype)
    if symbolic_scope() is None:
        filled = np.empty(shape, number.dtype)
        filled.fill(number)
        return Tensor("constant", shape, dtype, (), _NO_ATTRS, filled, True)
    ones = (1,) * len(shape)
    tensor = Tensor("constant", ones, dtype, (), _NO_ATTRS, number.reshape(ones), True)
    if ones == shape:
        return tensor
    # What `apply` would make of it, without looking at what is known.
    return Tensor("broadcast_to", shape, dtype, (tensor,), {"shape": shape}, concrete=True)
