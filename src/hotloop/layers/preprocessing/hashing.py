"""Hashing, and the bins of strings that lookups share with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.layers.layer import Layer
from hotloop.layers.preprocessing.data_layer import DataLayer
from hotloop.layers.preprocessing.encoding import (
    MODES,
    as_numpy,
    check_mode,
    encode,
    encoded_shape,
    refuse_sparse,
)
from hotloop.layers.preprocessing.hashes import fingerprint64, siphash
from hotloop.ops import tree
from hotloop.ops.symbolic import KerasTensor


def check_salt(salt: Any, layer: str) -> list[int] | None:
    """`salt` as two words for SipHash, or None."""
    if salt is None:
        return None
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return [int(word) for word in salt]
    if isinstance(salt, int):
        return [salt, salt]
    raise ValueError(
        f"`salt` of {layer} must be an integer or two of them. Received: salt={salt!r}"
    )


def bins_of(values: np.ndarray, bins: int, salt: list[int] | None) -> np.ndarray:
    """The bin of every number (by its decimal digits) or string (as UTF-8): int32, as in Keras."""
    unique, inverse = np.unique(values, return_inverse=True)
    found = []
    for value in unique.tolist():
        data = value if isinstance(value, bytes) else str(value).encode()
        word = fingerprint64(data) if salt is None else siphash(data, (salt[0], salt[1]))
        found.append(word % bins)
    return np.array(found, np.int32)[inverse].reshape(values.shape)


def concrete(inputs: Any, layer: Layer) -> np.ndarray:
    """The inputs as an array of numbers or strings; object arrays of strings become strings."""
    if any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(inputs)):
        raise ValueError(
            f"Layer '{layer.name}' ({type(layer).__name__}) works on strings, which a model cannot "
            "hold. Call it on the data first, and give the model what it returns."
        )
    array = as_numpy(inputs, "inputs")
    if array.dtype.kind == "O":
        array = np.array([_text(value) for value in array.reshape(-1).tolist()]).reshape(
            array.shape
        )
    elif array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    return array


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(
            f"An array of objects must hold strings only. Received: {value!r} (of type "
            f"{type(value).__name__})"
        )
    return value


class Hashing(DataLayer):
    """A bin for every number or string, by a hash of it: the same bins as in Keras.

    Without `salt` the hash is FarmHash's Fingerprint64, with `salt` it is SipHash-2-4. A hash has
    no short form in a compiled graph: models with this layer run eagerly, and strings cannot enter
    a model at all; call the layer on the data first.

    Args:
        num_bins: number of bins.
        mask_value: a value that gets bin 0 for itself; all others get bins from 1 on.
        salt: integer, or two of them: the key of SipHash; None for Fingerprint64.
        output_mode: "int", "one_hot", "multi_hot" or "count"; see `CategoryEncoding`.
        sparse: False.
        kwargs: see `Layer`. `dtype` may be "int32" or "int64" in mode "int"; bins are int32.

    Shapes: `[batch, ...]` to the same as int32, or to float32 vectors of one place per bin.

    Raises:
        ValueError: `num_bins` is not positive, or another argument is none of those above.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        check_mode(output_mode, MODES, "Hashing")
        dtype = kwargs.pop("dtype", None)
        if output_mode == "int":
            if dtype not in (None, "int32", "int64"):
                raise ValueError(
                    "`dtype` must be 'int32' or 'int64' with output_mode='int'. Received: "
                    f"dtype={dtype!r}"
                )
            dtype = None
        super().__init__(dtype=dtype, **kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(f"`num_bins` must be at least 1. Received: num_bins={num_bins}")
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = check_salt(salt, "Hashing")
        self.output_mode = output_mode
        self.sparse = refuse_sparse(sparse, "Hashing")
        self.built = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        leaf = tree.flatten(inputs)[0] if tree.is_nested(inputs) else inputs
        text = isinstance(leaf, (str, bytes)) or getattr(
            getattr(leaf, "dtype", None), "kind", "?"
        ) in ("U", "S", "O", "T")
        if text and not args and not kwargs:
            return self._hash(concrete(inputs, self))
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        values = np.asarray(inputs)
        return self._hash(values.astype(np.int64) if values.dtype.kind == "f" else values)

    def _hash(self, values: np.ndarray) -> Any:
        bins, masked = self.num_bins, self.mask_value is not None and self.num_bins > 1
        indices = bins_of(values, bins - masked, self.salt)
        if masked:
            indices = np.where(values == self.mask_value, 0, indices + 1).astype(np.int32)
        return encode(ops.convert_to_tensor(indices), self.output_mode, bins)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        dtype = "int32" if self.output_mode == "int" else "float32"
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "dtype": "int32" if self.output_mode == "int" else self.dtype,
        }
