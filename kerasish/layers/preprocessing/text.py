"""Texts as whole numbers: cut into words, and these looked up in a vocabulary."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerasish.layers.preprocessing.base import (
    HostLayer,
    as_data,
    batches,
    is_only_tried,
    strings,
)
from kerasish.layers.preprocessing.base import output_mode as checked_mode
from kerasish.layers.preprocessing.lookup import StringLookup
from kerasish.layers.preprocessing.vocabularies import check_vocabulary

_PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")
_WORD = re.compile(r"[^ \t\n\v\f\r]+")
# ASCII only: what Keras lowers.
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_STANDARDIZE: dict[str, Callable[[str], str]] = {
    "lower": lambda text: text.translate(_LOWER),
    "strip_punctuation": lambda text: _PUNCTUATION.sub("", text),
    "lower_and_strip_punctuation": lambda text: _PUNCTUATION.sub("", text.translate(_LOWER)),
}
_SPLIT: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


class TextVectorization(HostLayer):
    """Texts as whole numbers: standardised, cut into words, looked up.

    It works on data and on an Input of a model, on the host. There, without
    output_sequence_length, each batch is as long as the longest of its texts.

    Index 0 stands for the padding of short texts, 1 for words that are not in the vocabulary.

    Args:
        max_tokens: the largest number of indices, those two included.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a
            function of an array of strings.
        split: "whitespace", "character", None, or a function of an array of strings that returns
            a list of words for each.
        ngrams: also words in a row: up to so many of them, or each number in a tuple.
        output_mode: "int": an index for each word. "multi_hot": a row per text, 1 at all its
            words. "count": how often each word occurs in it. "tf_idf": the same, times the
            weight of the word. "one_hot": a row for each word.
        output_sequence_length: to how many indices texts are cut or filled up; that of the
            longest text if None.
        pad_to_max_tokens: whether rows have max_tokens columns, not as many as there are tokens.
        vocabulary: a list or array of words, or the path of a file with one per line; from
            `adapt` if None.
        idf_weights: for output mode "tf_idf": a weight for each word.
        sparse: must be False.
        ragged: must be False.
        encoding: of bytes.

    Shapes:
        (batch,) or (batch, 1) -> (batch, length) for "int", else (batch, tokens); with split=None
        (batch, words) likewise, and (words,) -> (length,), else (tokens,)

    >>> layer = TextVectorization(vocabulary=["cat", "dog"], output_sequence_length=3)
    >>> layer(["The dog!", "cat, dog"]).numpy()
    array([[1, 3, 0],
           [2, 3, 0]])
    >>> from kerasish import Input, Model
    >>> texts = Input((1,), dtype="string")
    >>> Model(texts, layer(texts)).predict([["A dog"]], verbose=0)
    array([[1, 3, 0]], dtype=int32)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        size = kwargs.pop("vocabulary_size", None)  # Keras's configs have these two
        kwargs.pop("has_input_vocabulary", None)
        super().__init__(name=name, **kwargs)
        if ragged:
            raise NotImplementedError(
                "TextVectorization: ragged=True is not supported; texts are filled up with 0."
            )
        self.standardize = _checked("standardize", standardize, _STANDARDIZE)
        self.split = _checked("split", split, _SPLIT)
        self.ngrams = _checked_ngrams(ngrams)
        modes = ("int", "one_hot", "multi_hot", "count", "tf_idf")
        self.output_mode = checked_mode(output_mode, "TextVectorization", modes)
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError(
                'TextVectorization: output_sequence_length goes with output_mode="int", not '
                f"{output_mode!r}."
            )
        self.output_sequence_length = output_sequence_length
        self.sparse = self.ragged = False
        self.encoding = encoding
        self.max_tokens, self.pad_to_max_tokens = max_tokens, pad_to_max_tokens
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=self.output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            vocabulary_size=size,
            name=self.name,  # for messages
        )

    # --- the vocabulary ------------------------------------------------------------------

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their indices, as of `StringLookup`."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of indices, those of special tokens included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the words, as of `StringLookup`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary: all words in the texts, the most frequent first.

        Args:
            data: an array, a list, or what yields batches (a generator, a `tf.data.Dataset`).
            batch_size: has no influence; in older Keras programs.
            steps: how many batches to take; all if None.
        """
        self.reset_state()
        whole = hasattr(data, "shape") or isinstance(data, (list, tuple))
        for batch in batches(data, steps, self.name):
            self.update_state(batch[:, None] if whole and batch.ndim == 1 else batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the counts of the data seen so far."""
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        """Counts the words in more texts; `finalize_state` makes a vocabulary of them."""
        lookup = self._lookup_layer
        if lookup._given:
            raise ValueError(
                f"Layer {self.name} was given its vocabulary; it cannot be adapted to data."
            )
        lookup._count(self._words(self._with_batch(np.asarray(as_data(data)))))

    def finalize_state(self) -> None:
        """Makes the vocabulary of the words counted so far."""
        self._lookup_layer.finalize_state()

    # --- texts ---------------------------------------------------------------------------

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The indices in the form of `output_mode`."""
        lookup = self._lookup_layer
        lookup._require_vocabulary(not is_only_tried())
        texts = self._with_batch(inputs)
        words = self._words(texts)
        length = max(map(len, words), default=0)
        if self.output_mode == "int":
            length = length if self.output_sequence_length is None else self.output_sequence_length
        filled = np.full((len(words), length), 0 if self.output_mode == "int" else -1, "int64")
        for row, found in zip(filled, words, strict=True):
            indices = lookup._looked_up(np.array(found[:length], object))
            row[: len(indices)] = indices
        result = np.asarray(lookup._as_output(filled))
        return result[0] if texts.ndim > inputs.ndim else result

    def example(self, shape: tuple[int, ...], dtype: str, size: int) -> np.ndarray:
        """Texts of `size` words."""
        return np.full(shape, " ".join("a" * size), object)

    def _with_batch(self, texts: np.ndarray) -> np.ndarray:
        """With a batch axis: what is not split up are words, those of one text without such."""
        return texts[None] if texts.ndim < (2 if self.split is None else 1) else texts

    def _words(self, inputs: np.ndarray) -> list[list[str]]:
        """A list of words per text."""
        if inputs.dtype.kind not in "OSU":
            raise TypeError(f"Layer {self.name} takes strings, but got dtype {inputs.dtype}.")
        texts = self._standardized(strings(inputs, self.encoding))
        if self.split is None:
            rows = texts.reshape(len(texts), -1).tolist()
        else:
            rows = self._split_up(texts)
        return [self._with_ngrams(row) for row in rows] if self.ngrams else rows

    def _standardized(self, texts: np.ndarray) -> np.ndarray:
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return strings(np.asarray(self.standardize(texts.astype(str))), self.encoding)
        change = _STANDARDIZE[self.standardize]
        flat = np.empty(texts.size, object)
        flat[:] = [change(text) for text in texts.ravel()]
        return flat.reshape(texts.shape)

    def _split_up(self, texts: np.ndarray) -> list[list[str]]:
        if texts.ndim > 1:
            if texts.shape[-1] != 1 or texts.ndim > 2:
                raise ValueError(
                    f"Layer {self.name} takes texts of shape (batch,) or (batch, 1), but got "
                    f"{texts.shape}. With split=None each entry counts as a word."
                )
            texts = texts[:, 0]
        if not callable(self.split):
            return [_SPLIT[self.split](text) for text in texts]
        rows = self.split(texts.astype(str))
        rows = rows.to_list() if hasattr(rows, "to_list") else rows
        return [strings(np.asarray(row, object), self.encoding).tolist() for row in rows]

    def _with_ngrams(self, words: list[str]) -> list[str]:
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [" ".join(words[i : i + n]) for n in sizes for i in range(len(words) - n + 1)]

    # --- saving --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The vocabulary is part of it, as a list, wherever it came from."""
        of_lookup = self._lookup_layer.get_config()
        return super().get_config() | {key: of_lookup[key] for key in ("vocabulary", "idf_weights")}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """No file is opened whose name stands in a config."""
        check_vocabulary(config, cls.__name__)
        return super().from_config(config)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """What Keras expects in files of weights."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """What Keras wrote into a file of weights."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary to `vocabulary.txt` in a directory, a word per line."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Sets the vocabulary from `vocabulary.txt` in a directory, if there is none yet."""
        self._lookup_layer.load_assets(dir_path)


def _checked(name: str, value: Any, known: Mapping[str, Any]) -> Any:
    if value is None or callable(value) or value in known:
        return value
    raise ValueError(
        f"TextVectorization: {name} must be None, a function, or one of {', '.join(known)}, but "
        f"got {value!r}."
    )


def _checked_ngrams(value: Any) -> Any:
    sizes = [value] if isinstance(value, int) else value
    if value is None:
        return None
    if not isinstance(sizes, (list, tuple)) or not all(isinstance(n, int) for n in sizes):
        raise ValueError(
            f"TextVectorization: ngrams must be a whole number or a tuple of them, not {value!r}."
        )
    return value if isinstance(value, int) else tuple(value)
