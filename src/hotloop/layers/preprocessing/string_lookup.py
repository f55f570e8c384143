"""StringLookup."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import ops
from hotloop.layers.preprocessing.encoding import as_numpy
from hotloop.layers.preprocessing.hashing import bins_of, concrete
from hotloop.layers.preprocessing.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """The index of every string in a vocabulary.

    Strings cannot enter a model: call the layer on the data, and give the model what it returns.

    Args:
        max_tokens: largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: indices for strings that are not in the vocabulary; with several, a string
            has the index of its hash, the same as in Keras; with 0 it is an error.
        mask_token: string that stands for nothing: index 0, and no trace in other modes.
        oov_token: what `invert` gives for indices of no token.
        vocabulary: strings, or the path of a text file with one a line; else call `adapt`.
        idf_weights: for "tf_idf", a weight for every string of the vocabulary.
        invert: whether to go from indices to strings: the result is then a NumPy array.
        output_mode: "int", "one_hot", "multi_hot", "count" (see `CategoryEncoding`), or "tf_idf":
            counts times the inverse document frequencies that `adapt` found.
        pad_to_max_tokens: whether vectors have `max_tokens` places, however large the vocabulary.
        sparse: False.
        encoding: of byte strings.
        name: see `Layer`.
        salt: key of the hash of unknown strings; see `Hashing`.

    Shapes: `[batch, ...]` to the same as int32, or to float32 vectors.

    Raises:
        ValueError: an argument is none of those above, or the vocabulary does not fit.
    """

    _token_dtype = np.str_

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
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
        if array.dtype.kind == "S":
            return np.char.decode(array, self.encoding)
        if array.dtype.kind == "O":
            flat = [
                value.decode(self.encoding) if isinstance(value, bytes) else value
                for value in array.reshape(-1).tolist()
            ]
            if not all(isinstance(value, str) for value in flat):
                raise TypeError(
                    "StringLookup works on strings. Received an array of other objects."
                )
            return np.array(flat, np.str_).reshape(array.shape)
        if array.size and array.dtype.kind not in "UT":
            raise TypeError(
                f"StringLookup works on strings. Received dtype {array.dtype}; IntegerLookup works "
                "on whole numbers."
            )
        return array.astype(np.str_)

    def _parse(self, line: str) -> str:
        return line

    def __call__(self, inputs: Any) -> Any:
        return self.call(inputs)

    def call(self, inputs: Any) -> Any:
        """The indices of strings (or, with `invert`, strings of indices), outside of any model."""
        array = concrete(inputs, self)
        return self._back(array) if self.invert else self._look_up(self._as_tokens(array))

    def _look_up(self, values: np.ndarray) -> Any:
        start = self._token_start
        table = {token: start + i for i, token in enumerate(self._tokens.tolist())}
        unique, inverse = np.unique(values, return_inverse=True)
        found = np.array([table.get(token, -1) for token in unique.tolist()], np.int32)
        masked = np.zeros(unique.shape, bool)
        if self.mask_token is not None:
            masked = unique == self.mask_token
        unknown = (found < 0) & ~masked
        if self.num_oov_indices == 0:
            self._refuse_unknown(unique, unknown)
        elif self.num_oov_indices == 1:
            found[unknown] = self._oov_start
        elif unknown.any():
            bins = bins_of(unique[unknown], self.num_oov_indices, self.salt)
            found[unknown] = bins + self._oov_start
        found[masked] = 0 if self.output_mode == "int" else -1
        return self._encode(ops.convert_to_tensor(found[inverse].reshape(values.shape)))

    def _back(self, indices: np.ndarray) -> np.ndarray:
        if indices.dtype.kind not in "ui":
            raise TypeError(
                f"StringLookup(invert=True) takes whole numbers. Received dtype {indices.dtype}."
            )
        table = np.array([*self.get_vocabulary(), self.oov_token])
        inside = (indices >= 0) & (indices < len(table) - 1)
        return table[np.where(inside, indices, len(table) - 1)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}
