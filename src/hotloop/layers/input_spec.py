"""InputSpec: what a layer asks of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hotloop.graph import canonical_dtype
from hotloop.ops import tree


class InputSpec:
    """Rank, dtype and dimensions that an input must have.

    Args:
        dtype: required dtype.
        shape: required shape, None where any size will do.
        ndim, max_ndim, min_ndim: required rank or limits of it.
        axes: mapping from axis to required size.
        allow_last_axis_squeeze: whether a trailing axis of one may be there or not.
        name: key of this input when inputs come as a dictionary.
        optional: whether None will do.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else canonical_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): (axes or {})[axis] for axis in axes or {}}
        except (TypeError, ValueError):
            raise TypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from None
        limit = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and limit is not None and max(self.axes) > limit - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}"
            )

    def __repr__(self) -> str:
        parts = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [f"{part}={getattr(self, part)}" for part in parts if getattr(self, part)]
        return f"InputSpec({', '.join(given)})"

    def get_config(self) -> dict[str, Any]:
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)


def assert_input_compatibility(spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises `ValueError`, naming the layer and both shapes, unless `inputs` fit `spec`.

    `spec` is None, an `InputSpec`, or a nest of them; `inputs` are tensors in the same nest.
    """
    if not spec:
        return
    specs = tree.flatten(spec)
    if isinstance(inputs, dict):
        names = [one.name for one in specs if one is not None]
        if len(names) == len(specs) and all(names):
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(
                    f'Missing data for input "{missing[0]}". You passed a data dictionary with '
                    f"keys {list(inputs)}. Expected the following keys: {names}"
                )
            inputs = [inputs[name] for name in names]
    flat = tree.flatten(inputs)
    if len(flat) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(flat)} '
            f"input tensors. Inputs received: {flat}"
        )
    for index, (x, one) in enumerate(zip(flat, specs, strict=True)):
        if one is None or (x is None and one.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for "
                f"layer '{layer_name}'."
            )
        complaint = _complaint(one, tuple(x.shape), x.dtype)
        if complaint:
            named = f" with name '{one.name}'" if one.name else ""
            raise ValueError(
                f'Input {index}{named} of layer "{layer_name}" is incompatible with the layer: '
                f"{complaint}"
            )


def _complaint(spec: InputSpec, shape: tuple[int | None, ...], dtype: Any) -> str | None:
    ndim = len(shape)
    full = f"Full shape received: {shape}"
    if spec.ndim is not None and ndim != spec.ndim and not spec.allow_last_axis_squeeze:
        return f"expected ndim={spec.ndim}, found ndim={ndim}. {full}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}. {full}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. {full}"
    if spec.dtype is not None and canonical_dtype(dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={dtype}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return (
                f"expected axis {axis} of input shape to have value {size}, but received input "
                f"with shape {shape}"
            )
    if spec.shape is not None:
        wanted, found = spec.shape, shape
        if spec.allow_last_axis_squeeze:
            wanted = wanted[:-1] if wanted and wanted[-1] == 1 else wanted
            found = found[:-1] if found and found[-1] == 1 else found
        for a, b in zip(wanted, found, strict=False):
            if a is not None and b is not None and a != b:
                return f"expected shape={spec.shape}, found shape={shape}"
    return None
