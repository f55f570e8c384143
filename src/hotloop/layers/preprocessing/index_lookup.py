"""What IntegerLookup and StringLookup share: a vocabulary, and vectors of its indices."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.layers.preprocessing.data_layer import DataLayer
from hotloop.layers.preprocessing.encoding import (
    batches_of,
    check_mode,
    encode,
    encoded_shape,
    refuse_sparse,
)
from hotloop.layers.preprocessing.hashing import check_salt
from hotloop.ops.symbolic import KerasTensor

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(DataLayer):
    """Tokens to indices and back: first the mask token's (in mode "int"), then those of unknown
    tokens, then the vocabulary.

    The vocabulary and the numbers that belong to it are constants of a compiled graph; changing
    them makes the models with this layer compile anew.
    """

    def __init__(
        self,
        *,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        salt: Any,
        name: str | None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        for ignored in ("trainable", "dtype", "vocabulary_size"):  # of configurations
            kwargs.pop(ignored, None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {kind}: {kwargs}")
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"`max_tokens` must be greater than 1. Received: {max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError("`pad_to_max_tokens=True` needs `max_tokens`.")
        if num_oov_indices < 0:
            raise ValueError(f"`num_oov_indices` must not be negative. Received: {num_oov_indices}")
        mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        check_mode(mode, _MODES, kind)
        if invert and mode != "int":
            raise ValueError(
                f"`output_mode` must be 'int' with invert=True. Received: output_mode={mode!r}"
            )
        super().__init__(name=name)
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = mode
        self.sparse = refuse_sparse(sparse, kind)
        self.pad_to_max_tokens = pad_to_max_tokens
        self.salt = check_salt(salt, kind)
        self._has_input_vocabulary = has_vocabulary
        self._tokens = np.array([], dtype=self._token_dtype)
        self._idf: np.ndarray | None = None
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError("`idf_weights` needs a `vocabulary` of the same length.")
        self.built = True

    # What the two kinds of tokens differ in.

    _token_dtype: Any

    def _as_tokens(self, values: Any) -> np.ndarray:
        """Tokens as a user passes them, as an array of the layer's kind."""
        raise NotImplementedError

    def _parse(self, line: str) -> Any:
        """The token on a line of a vocabulary file."""
        raise NotImplementedError

    # Vocabulary

    @property
    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def vocabulary_size(self) -> int:
        """Number of indices: tokens, and those of unknown tokens and of the mask."""
        return len(self._tokens) + self._token_start

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices."""
        tokens = self._tokens.tolist()
        if not include_special_tokens:
            return tokens
        return (
            [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices + tokens
        )

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens, and in mode "tf_idf" their weights.

        Args:
            vocabulary: tokens, with or without the special ones in front; or the path of a text
                file with one token a line.
            idf_weights: one number for each of them.

        Raises:
            ValueError: the vocabulary is empty, too large, repeats a token or holds a special one
                in a wrong place; or the weights are missing or do not fit.
        """
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ValueError(
                "`idf_weights` are needed with output_mode='tf_idf', and with it alone. Received: "
                f"output_mode={self.output_mode!r}, idf_weights={idf_weights!r}"
            )
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = self._read_file(os.fspath(vocabulary))
        given = self._as_tokens(vocabulary)
        if not given.size:
            raise ValueError("The vocabulary is empty. Pass at least one token.")
        special = [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices
        front = bool(special) and given[: len(special)].tolist() == special
        tokens = given[len(special) :] if front else given
        repeated = [token for token, count in Counter(tokens.tolist()).items() if count > 1]
        if repeated:
            raise ValueError(f"The vocabulary has repeated tokens: {repeated}. Pass each one once.")
        for name, token in (("mask", self.mask_token), ("OOV", self.oov_token)):
            if token is not None and (name == "mask" or self.invert) and token in tokens:
                raise ValueError(
                    f"The vocabulary has the {name} token {token!r} in a place where it does not "
                    f"belong. Leave special tokens out, or begin with exactly {special}."
                )
        size = len(tokens) + self._token_start
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"The vocabulary has {size} tokens, special ones included, more than "
                f"max_tokens={self.max_tokens}."
            )
        idf = None
        if idf_weights is not None:
            idf = self._pad(np.asarray(idf_weights, np.float32), len(given), front)
        self._take(tokens, idf)

    def _pad(self, idf: np.ndarray, tokens: int, front: bool) -> np.ndarray:
        if idf.shape != (tokens,):
            raise ValueError(
                f"`idf_weights` must have one number for each of the {tokens} tokens. Received "
                f"shape {idf.shape}."
            )
        if not front:
            idf = np.pad(idf, (self._token_start, 0), constant_values=idf.mean())
        if self.pad_to_max_tokens and self.max_tokens is not None:
            idf = np.pad(idf, (0, self.max_tokens - len(idf)))
        return idf

    def _read_file(self, path: str) -> list[Any]:
        if not os.path.exists(path):
            raise ValueError(f"The vocabulary file {path!r} does not exist.")
        if self.output_mode == "tf_idf":
            raise ValueError("output_mode='tf_idf' does not take a vocabulary from a file.")
        with open(path, encoding="utf-8") as file:
            return [self._parse(line) for line in file.read().splitlines()]

    def _take(self, tokens: np.ndarray, idf: np.ndarray | None) -> None:
        self._tokens = tokens
        self._idf = idf
        self._order = np.argsort(tokens, kind="stable").astype(np.int32)
        self._forget_plans()

    # Learning

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in data, most frequent first.

        Args:
            data: an array or list of tokens, or something that gives batches of them. In mode
                "tf_idf" a row is a document (in a list of tokens, each one is).
            steps: batches to look at; None for all.

        Raises:
            ValueError: the layer was given a vocabulary.
        """
        self.reset_state()
        for number, batch in enumerate(batches_of(data, steps, lists_are_data=True)):
            whole = isinstance(data, (list, tuple)) or hasattr(data, "__array__")
            column = whole and not number and batch.ndim == 1
            self.update_state(batch[:, None] if column else batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens in data, for `finalize_state`. A vector is one document."""
        if self._has_input_vocabulary:
            raise ValueError(
                f"Layer '{self.name}' was given a vocabulary, which adapt() cannot change. Make a "
                "layer without `vocabulary`."
            )
        rows = np.atleast_2d(self._as_tokens(data))
        tokens, counts = np.unique(rows, return_counts=True)
        self._counts.update(dict(zip(tokens.tolist(), counts.tolist(), strict=True)))
        if self.output_mode == "tf_idf":
            self._documents += len(rows)
            for row in rows:
                self._document_counts.update(np.unique(row).tolist())

    def finalize_state(self) -> None:
        """Makes the vocabulary of what `update_state` has counted."""
        if self._has_input_vocabulary or not self._counts:
            return
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        # Frequent tokens first; of equally frequent ones the later in the alphabet, as in Keras.
        tokens = sorted(self._counts, key=lambda token: (self._counts[token], token), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - self._token_start]
        idf = None
        if self.output_mode == "tf_idf":
            seen = np.array([self._document_counts[token] for token in tokens], np.float64)
            idf = self._pad(
                np.log1p(self._documents / (1 + seen)).astype(np.float32), len(tokens), False
            )
        self._take(self._as_tokens(tokens), idf)
        self.reset_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has counted."""
        self._counts: Counter[Any] = Counter()
        self._document_counts: Counter[Any] = Counter()
        self._documents = 0

    # Results

    @property
    def _depth(self) -> int:
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        if self.output_mode != "int" and not len(self._tokens):
            raise RuntimeError(
                f"Layer '{self.name}' has no vocabulary yet, so that the size of its results is "
                "not known: pass `vocabulary`, call adapt(data), or set `pad_to_max_tokens`."
            )
        return self.vocabulary_size()

    def _encode(self, indices: Tensor) -> Tensor:
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        result = encode(indices, mode, self._depth)
        return result if self._idf is None else result * ops.convert_to_tensor(self._idf)

    def _refuse_unknown(self, values: np.ndarray, unknown: np.ndarray) -> None:
        if unknown.any():
            found = sorted(set(values[unknown].tolist()))[:10]
            raise ValueError(
                f"Layer '{self.name}' has num_oov_indices=0, and the inputs have values that are "
                f"not in its vocabulary: {found}. Use num_oov_indices=1 or a larger vocabulary."
            )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, self._depth if mode != "int" else 0)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        dtype = "int32" if self.output_mode == "int" else "float32"
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("dtype", None)
        idf = None
        if self._idf is not None:
            idf = self._idf[self._token_start : self.vocabulary_size()].tolist()
        return {
            **config,
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": idf,
            "vocabulary": self._tokens.tolist() or None,
            "vocabulary_size": self.vocabulary_size(),
            "has_input_vocabulary": self._has_input_vocabulary,
            "salt": self.salt,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> IndexLookup:
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(
                "The configuration names a vocabulary file, which is not read: it could be any "
                f"file. Make the {cls.__name__} yourself with vocabulary={config['vocabulary']!r}."
            )
        return cls(**config)
