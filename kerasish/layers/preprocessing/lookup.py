"""Strings and numbers as their places in a vocabulary, and back."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.preprocessing.base import HostLayer, is_only_tried, strings
from kerasish.layers.preprocessing.categories import texts_or_ints
from kerasish.layers.preprocessing.vocabularies import Lookup


class StringLookup(Lookup, HostLayer):
    """Strings as whole numbers, or such numbers as strings.

    It works on data, and on the host in models: on an Input, or with `invert` as the last layer.
    0 stands for `mask_token` if there is one; then come `num_oov_indices` numbers for strings
    that are not in the vocabulary, then the vocabulary.

    Args:
        max_tokens: the largest number of indices, those of special tokens included.
        num_oov_indices: how many indices strings that are not in the vocabulary share, by a
            hash function; with 0 they are errors.
        mask_token: the string that index 0 stands for in output mode "int".
        oov_token: what `invert` gives for other indices.
        vocabulary: a list or array of strings, or the path of a file with one per line; from
            `adapt` if None.
        idf_weights: for output mode "tf_idf": a weight for each token.
        invert: whether to look up the strings of indices.
        output_mode: "int": an index for each string. "one_hot": a row for each. "multi_hot": a
            row per sample, 1 at all its tokens. "count": how often each token occurs in it.
            "tf_idf": the same, times the weight of the token.
        pad_to_max_tokens: whether rows have max_tokens columns, not as many as there are tokens.
        sparse: must be False.
        encoding: of bytes.
        salt: a number, or two: the key of another hash function for unknown strings.

    Raises:
        ValueError: called with an unknown string while num_oov_indices is 0.

    Shapes:
        "int": any -> the same; "one_hot": (..., 1) -> (..., tokens); others: (batch, n) ->
        (batch, tokens)

    >>> layer = StringLookup(vocabulary=["a", "b"])
    >>> layer(["b", "a", "z"]).numpy()
    array([2, 1, 0])
    >>> StringLookup(vocabulary=["a", "b"], invert=True)([2, 0])
    array(['b', '[UNK]'], dtype=object)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
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
    ):
        self.encoding = encoding
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            salt,
            name=name,
            **kwargs,
        )

    def _token(self, value: Any) -> str:
        return value.decode(self.encoding) if isinstance(value, bytes) else str(value)

    def _of_data(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind not in "OSU":
            raise TypeError(
                f"Layer {self.name} takes strings, but got an array of dtype {array.dtype}."
            )
        return strings(array, self.encoding)

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The indices in the form of `output_mode`, or the strings."""
        self._require_vocabulary(not is_only_tried())
        if self.invert:
            return self._tokens_at(inputs.astype("int64"))
        return np.asarray(self._as_output(self._looked_up(self._of_data(inputs))))


class IntegerLookup(Lookup):
    """Whole numbers as other ones: their places in a vocabulary, and back.

    0 stands for `mask_token` if there is one; then come `num_oov_indices` numbers for what is
    not in the vocabulary, then the vocabulary. It works on data and inside of models; there
    unknown numbers while num_oov_indices is 0 become -1.

    Args:
        max_tokens: the largest number of indices, those of special tokens included.
        num_oov_indices: how many indices numbers that are not in the vocabulary share; with 0
            they are errors.
        mask_token: the number that index 0 stands for in output mode "int".
        oov_token: what `invert` gives for other indices.
        vocabulary: a list or array of numbers, or the path of a file with one per line; from
            `adapt` if None.
        vocabulary_dtype: "int64", the only one.
        idf_weights: for output mode "tf_idf": a weight for each token.
        invert: whether to look up the numbers of indices.
        output_mode: as of `StringLookup`.
        sparse: must be False.
        pad_to_max_tokens: whether rows have max_tokens columns, not as many as there are tokens.
        oov_method: how several indices are shared: "floormod", the remainder, or "farmhash", a
            hash function, which works on data only.
        salt: a number, or two: the key of another hash function.

    Shapes:
        "int": any -> the same; "one_hot": (..., 1) -> (..., tokens); others: (batch, n) ->
        (batch, tokens)

    >>> IntegerLookup(vocabulary=[12, 36])([36, 12, 5]).numpy()
    array([2, 1, 0])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
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
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(
                f'IntegerLookup: vocabulary_dtype must be "int64", but got {vocabulary_dtype!r}.'
            )
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(
                f'IntegerLookup: oov_method must be "floormod" or "farmhash", not {oov_method!r}.'
            )
        if salt is not None and oov_method != "farmhash":
            raise ValueError('IntegerLookup: salt goes with oov_method="farmhash".')
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        kwargs["dtype"] = vocabulary_dtype
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            salt,
            name=name,
            **kwargs,
        )

    def _token(self, value: Any) -> int:
        try:
            token = int(value)
        except (ValueError, OverflowError):  # a text, NaN or infinity
            token = None
        if token is None or (isinstance(value, Number) and token != value):
            raise ValueError(
                f"Layer {self.name}: the vocabulary holds {value!r}, not a whole number."
            )
        return token

    def _of_data(self, array: np.ndarray) -> np.ndarray:
        return texts_or_ints(array, self.name)

    def _unknown(self, token: int) -> int:
        if self.num_oov_indices == 0 or self.oov_method == "farmhash":
            return super()._unknown(token)
        return token % self.num_oov_indices + self._first

    def call(self, inputs: Tensor) -> Tensor:
        """The indices in the form of `output_mode`, or the numbers."""
        self._require_vocabulary(not inputs.is_symbolic)
        if inputs.is_symbolic:
            return self._in_graph(inputs)
        values = self._of_data(np.asarray(inputs))
        if self.invert:
            return ops.convert_to_tensor(self._tokens_at(values).astype("int64"))
        return self._as_output(self._looked_up(values))

    def _in_graph(self, inputs: Tensor) -> Tensor:
        if self.invert:
            inputs = ops.cast(inputs, "int32")
            table = np.asarray(self.get_vocabulary(), "int32")
            inside = ops.logical_and(inputs >= 0, inputs < len(table))
            found = ops.take(table, ops.clip(inputs, 0, len(table) - 1), axis=0)
            return ops.where(inside, found, ops.cast(self.oov_token, "int32"))
        keys = np.asarray(self._tokens, "int64")
        if keys.size and (abs(keys) >= 2**31).any():
            raise ValueError(
                f"Layer {self.name}: its vocabulary has numbers beyond 32 bits, which no input of "
                "a model holds. Apply the layer to the data instead."
            )
        return self._as_output(self._indices_in_graph(ops.cast(inputs, "int32"), keys))

    def _indices_in_graph(self, inputs: Tensor, keys: np.ndarray) -> Tensor:
        indices = self._unknown_in_graph(inputs)
        if keys.size:
            order = np.argsort(keys)
            ordered, places = keys[order].astype("int32"), order + len(self._special)
            at = ops.clip(ops.searchsorted(ordered, inputs), 0, len(keys) - 1)
            known = ops.equal(ops.take(ordered, at, axis=0), inputs)
            indices = ops.where(known, ops.take(places.astype("int32"), at, axis=0), indices)
        if self.mask_token is not None:
            masked = 0 if self.output_mode == "int" else -1
            indices = ops.where(ops.equal(inputs, self.mask_token), masked, indices)
        return indices

    def _unknown_in_graph(self, inputs: Tensor) -> Tensor:
        count = self.num_oov_indices
        if count == 0:
            return ops.full_like(inputs, -1)
        if count == 1:
            return ops.full_like(inputs, self._first)
        if self.oov_method == "farmhash":
            raise NotImplementedError(
                f'Layer {self.name}: oov_method="farmhash" works on data, not inside of a model.'
            )
        return ops.mod(inputs, count) + self._first
