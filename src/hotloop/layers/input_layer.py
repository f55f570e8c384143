"""InputLayer and Input: where a model begins."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph import canonical_dtype
from hotloop.layers.layer import Layer
from hotloop.ops.symbolic import KerasTensor, Node


class InputLayer(Layer):
    """The placeholder of an input, as a layer. `Input` is the usual way to make one.

    Args:
        shape: shape without the batch; None for unknown sizes.
        batch_size: fixed batch size, or None.
        dtype: dtype of the input; default float32.
        batch_shape: shape with the batch, instead of `shape` and `batch_size`.
        input_tensor: an existing `KerasTensor` to stand for.
        optional: whether None may be given.
        name: name of the layer and key of the input.

    Raises:
        ValueError: no shape, two that clash, or one that is not a shape.
        NotImplementedError: `sparse` or `ragged`.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        if "input_shape" in kwargs:
            warnings.warn(
                "Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2
            )
            shape = kwargs.pop("input_shape")
        if "batch_input_shape" in kwargs:
            batch_shape = kwargs.pop("batch_input_shape")
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to InputLayer: {kwargs}")
        for argument, value in (("sparse", sparse), ("ragged", ragged)):
            if value:
                raise NotImplementedError(
                    f"InputLayer does not implement the argument `{argument}` yet."
                )
        if input_tensor is not None:
            self._check_tensor(input_tensor, shape, batch_size, dtype, batch_shape)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
            input_tensor = KerasTensor(batch_shape, dtype or "float32", name=self.name)
        self._batch_shape = tuple(batch_shape)
        self._input_dtype = canonical_dtype(dtype or "float32")
        self.optional = optional
        self.built = True
        Node(self, (), {}, input_tensor)

    @staticmethod
    def _check_tensor(
        tensor: Any, shape: Any, batch_size: Any, dtype: Any, batch_shape: Any
    ) -> None:
        if not isinstance(tensor, KerasTensor):
            raise ValueError(
                "Argument `input_tensor` must be a KerasTensor. Received invalid type: "
                f"input_tensor={tensor!r} (of type {type(tensor)})"
            )
        clashes = {
            "batch_size": batch_size is not None and tensor.shape[:1] != (batch_size,),
            "shape": shape is not None and tensor.shape[1:] != tuple(shape),
            "batch_shape": batch_shape is not None and tensor.shape != tuple(batch_shape),
            "dtype": dtype is not None and tensor.dtype != canonical_dtype(dtype),
        }
        for argument, clash in clashes.items():
            if clash:
                raise ValueError(
                    "When providing the `input_tensor` argument, you cannot provide an "
                    f"incompatible `{argument}` argument. The tensor has shape {tensor.shape} and "
                    f"dtype {tensor.dtype}."
                )

    def call(self) -> None:
        return None

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the batch."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The dtype of the input."""
        return self._input_dtype

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def _batch_shape(shape: Any, batch_size: Any, batch_shape: Any) -> tuple[int | None, ...]:
    if batch_shape is not None:
        for argument, value in (("shape", shape), ("batch_size", batch_size)):
            if value is not None:
                raise ValueError(
                    f"You cannot pass both `{argument}` and `batch_shape` at the same time."
                )
        return _standardize_shape(batch_shape)
    if shape is None:
        raise ValueError("You must pass a `shape` argument.")
    return _standardize_shape((batch_size, *_standardize_shape(shape)))


def _standardize_shape(shape: Any) -> tuple[int | None, ...]:
    if not isinstance(shape, (list, tuple)):
        hint = f" Did you mean ({shape},)?" if isinstance(shape, (int, np.integer)) else ""
        raise ValueError(f"Cannot convert '{shape}' to a shape.{hint}")
    for dim in shape:
        if dim is None:
            continue
        if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
            raise ValueError(
                f"Cannot convert '{tuple(shape)}' to a shape. Found invalid dimension '{dim!r}'; "
                "expected whole numbers or None."
            )
        if dim < 0:
            raise ValueError(
                f"Cannot convert '{tuple(shape)}' to a shape. Negative dimensions are not allowed."
            )
    return tuple(None if dim is None else int(dim) for dim in shape)


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor to call layers on; arguments as in `InputLayer`.

    Example:
        >>> x = Input(shape=(784,))
        >>> y = Dense(10)(x)
        >>> model = Model(x, y)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output
