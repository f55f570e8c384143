"""The base class of initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.graph import Tensor


class Initializer:
    """Makes the first value of a variable. Subclasses implement `__call__(shape, dtype=None)`."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        raise NotImplementedError(
            f"{type(self).__name__} must implement `__call__(self, shape, dtype=None)`."
        )

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)

    def clone(self) -> Initializer:
        return type(self).from_config(self.get_config())
