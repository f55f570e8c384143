"""IntegerLookup."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.preprocessing.encoding import as_numpy
from hotloop.layers.preprocessing.hashing import bins_of
from hotloop.layers.preprocessing.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """The index of every whole number in a vocabulary.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: indices for numbers that are not in the vocabulary; with several, a number
            has the index of its remainder (or hash, see `oov_method`), with 0 it is an error.
        mask_token: number that stands for nothing: index 0, and no trace in other modes.
        oov_token: what `invert` gives for indices of no token.
        vocabulary: numbers, or the path of a text file of them; else call `adapt`.
        vocabulary_dtype: "int64" as in Keras; the numbers must fit int32.
        idf_weights: for "tf_idf", a weight for every number of the vocabulary.
        invert: whether to go from indices to numbers.
        output_mode: "int", "one_hot", "multi_hot", "count" (see `CategoryEncoding`), or "tf_idf":
            counts times the inverse document frequencies that `adapt` found.
        sparse: False.
        pad_to_max_tokens: whether vectors have `max_tokens` places, however large the vocabulary.
        oov_method: "floormod", or "farmhash", which models run eagerly.
        salt: key of the hash, for "farmhash".
        name: see `Layer`.

    Shapes: `[batch, ...]` to the same as int32, or to float32 vectors.

    Raises:
        ValueError: an argument is none of those above, or the vocabulary does not fit.
    """

    _token_dtype = np.int64

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f"`vocabulary_dtype` must be 'int64'. Received: {vocabulary_dtype!r}")
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(
                f"`oov_method` must be 'floormod' or 'farmhash'. Received: {oov_method!r}"
            )
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                f"`salt` needs oov_method='farmhash'. Received: oov_method={oov_method!r}"
            )
        self.vocabulary_dtype = vocabulary_dtype
        self.oov_method = oov_method
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            salt=salt,
            name=name,
            **kwargs,
        )

    def _as_tokens(self, values: Any) -> np.ndarray:
        array = as_numpy(values, "vocabulary")
        if array.size and array.dtype.kind not in "buif":
            raise TypeError(
                f"IntegerLookup works on whole numbers. Received dtype {array.dtype}; "
                "StringLookup works on strings."
            )
        array = array.astype(np.int64)
        limits = np.iinfo(np.int32)
        if array.size and (array.min() < limits.min or array.max() > limits.max):
            raise ValueError(
                f"Numbers must fit int32. Received numbers from {array.min()} to {array.max()}; "
                "StringLookup takes them as strings."
            )
        return array

    def _parse(self, line: str) -> int:
        return int(line)

    def call(self, inputs: Tensor) -> Tensor:
        values = ops.cast(inputs, "int32")
        if self.invert:
            return self._back(values)
        known, indices = self._find(values)
        return self._encode(self._unknown(values, known, indices))

    def _find(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Whether each value is in the vocabulary, and its index if it is."""
        if not len(self._tokens):
            return ops.zeros(values.shape, "bool"), ops.zeros(values.shape, "int32")
        line = ops.convert_to_tensor(self._tokens[self._order].astype(np.int32))
        order = ops.convert_to_tensor(self._order + np.int32(self._token_start))
        place = ops.minimum(ops.searchsorted(line, values), len(self._tokens) - 1)
        return ops.equal(ops.take(line, place), values), ops.take(order, place)

    def _unknown(self, values: Tensor, known: Tensor, indices: Tensor) -> Tensor:
        masked = None if self.mask_token is None else ops.equal(values, self.mask_token)
        count = self.num_oov_indices
        if count == 0:
            # Asks for values: where there are none yet, the model runs eagerly.
            fine = np.asarray(known) if masked is None else np.asarray(known) | np.asarray(masked)
            self._refuse_unknown(np.asarray(values), ~fine)
            other = ops.full(values.shape, -1, "int32")
        elif count == 1:
            other = ops.full(values.shape, self._oov_start, "int32")
        elif self.oov_method == "floormod":
            other = ops.mod(values, count) + self._oov_start
        else:
            bins = bins_of(np.asarray(values), count, self.salt)
            other = ops.convert_to_tensor(bins + np.int32(self._oov_start))
        indices = ops.where(known, indices, other)
        if masked is None:
            return indices
        return ops.where(masked, 0 if self.output_mode == "int" else -1, indices)

    def _back(self, indices: Tensor) -> Tensor:
        table = np.array(self.get_vocabulary(), np.int64)
        if not table.size:
            return ops.full(indices.shape, self.oov_token, "int32")
        line = ops.convert_to_tensor(table.astype(np.int32))
        inside = ops.logical_and(indices >= 0, indices < len(table))
        tokens = ops.take(line, ops.clip(indices, 0, len(table) - 1))
        return ops.where(inside, tokens, self.oov_token)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_dtype": self.vocabulary_dtype,
            "oov_method": self.oov_method,
        }
