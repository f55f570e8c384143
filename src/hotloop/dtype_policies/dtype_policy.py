"""The dtype of computations and weights, as an object."""

from __future__ import annotations

from typing import Any

from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Tensor, constant
from hotloop.ops.symbolic import KerasTensor


class DTypePolicy:
    """What a layer computes in and keeps its weights in: float32 for both.

    Args:
        name: `"float32"`; None means the policy of `config.dtype_policy()`.

    Raises:
        TypeError: `name` is not a string.
        NotImplementedError: another dtype, or a mixed policy, that Keras has and hotloop does not
            compute in.
        ValueError: not a policy at all.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = "float32"
        if not isinstance(name, str):
            raise TypeError(
                f"name must be a string such as 'float32', got {name!r} of type "
                f"{type(name).__name__}."
            )
        try:
            found = standardize_dtype(name)
        except NotImplementedError:
            found = "another"
        if found != "float32":
            raise NotImplementedError(
                f"DTypePolicy does not compute in {name!r}. The only policy is 'float32'."
            )
        self._name = found

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """What layers compute in."""
        return self._name

    @property
    def variable_dtype(self) -> str:
        """What weights are kept in."""
        return self._name

    @property
    def quantization_mode(self) -> None:
        """None: weights are never quantized."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: Any) -> Any:
        """A layer's input as a tensor; with `autocast`, floats in `dtype` (float32)."""
        if autocast:
            standardize_dtype(dtype)
        if isinstance(x, Tensor | KerasTensor):
            return x
        return constant(x) if hasattr(x, "__array__") or hasattr(x, "_as_tensor") else x

    def get_config(self) -> dict[str, Any]:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._name))

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


FloatDTypePolicy = DTypePolicy
