"""Vocabularies: what layers that look tokens up in a list have in common."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import per_axis, positive
from kerasish.layers.preprocessing import hashes
from kerasish.layers.preprocessing.base import (
    DataLayer,
    batches,
    check_unused,
    encoded,
    reject_sparse,
)
from kerasish.layers.preprocessing.base import output_mode as checked_mode
from kerasish.layers.preprocessing.categories import checked_salt

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class Lookup(DataLayer):
    """A vocabulary: given, or learnt by `adapt`. Subclasses say what tokens are."""

    def __init__(
        self,
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
        **kwargs: Any,
    ):
        what = type(self).__name__
        # In Keras's configs. The vocabulary of this size may come after the model is made.
        self._size = kwargs.pop("vocabulary_size", None)
        for name in ("has_input_vocabulary", "oov_method", "vocabulary_dtype"):
            kwargs.pop(name, None)  # what follows from the rest
        super().__init__(**kwargs)
        reject_sparse(sparse, what)
        if max_tokens is not None and positive(max_tokens, f"{what}: max_tokens") == 1:
            raise ValueError(f"{what}: max_tokens must be above 1, but got {max_tokens}.")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{what}: pad_to_max_tokens needs max_tokens.")
        (oov,) = per_axis(num_oov_indices, 1, f"{what}: num_oov_indices", least=0)
        self.max_tokens, self.num_oov_indices = max_tokens, oov
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert = invert
        self.output_mode = checked_mode(output_mode, what, _MODES)
        if invert and self.output_mode != "int":
            raise ValueError(f'{what}: invert goes with output_mode "int", not {output_mode!r}.')
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(f'{what}: idf_weights go with output_mode="tf_idf".')
        self.sparse = False
        self.pad_to_max_tokens = pad_to_max_tokens
        self.salt = checked_salt(salt, what)
        self.built = True
        self._given = vocabulary is not None
        self._tokens: list[Any] = []
        self._places: dict[Any, int] = {}
        self._idf: np.ndarray | None = None
        self._adapted = False  # also to data without tokens
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    # --- the vocabulary ------------------------------------------------------------------

    def _items(self, vocabulary: Any) -> list[Any]:
        """What a vocabulary consists of."""
        array = np.asarray(vocabulary, object)  # one of a single element, if it is a dict or set
        items = array.ravel().tolist()
        wrong = [item for item in items if not isinstance(item, (str, bytes, Number))]
        if wrong or not array.ndim:
            found = f"got {vocabulary!r:.100}" if not array.ndim else f"{wrong[0]!r:.100} is in it"
            raise TypeError(
                f"Layer {self.name}: vocabulary must be a list or array of strings or numbers, "
                f"or the path of a file, but {found}."
            )
        return items

    def _token(self, value: Any) -> Any:
        """One token as it is looked up."""
        raise NotImplementedError

    def _of_data(self, array: np.ndarray) -> np.ndarray:
        """Data as tokens."""
        raise NotImplementedError

    @property
    def _first(self) -> int:
        """The index of the first token for what is not in the vocabulary."""
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _special(self) -> list[Any]:
        """What comes before the tokens."""
        return [self.mask_token] * self._first + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: whether the list begins with those for masks and for what
                is not in the vocabulary.
        """
        return [*self._special, *self._tokens] if include_special_tokens else list(self._tokens)

    def vocabulary_size(self) -> int:
        """The number of indices, those of special tokens included."""
        return len(self._special) + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens.

        Args:
            vocabulary: a list or array, with or without the special tokens at its begin, or
                the path of a text file with a token per line.
            idf_weights: for output_mode "tf_idf": a weight for each token.

        Raises:
            ValueError: a token is there twice, or there are too many.
            TypeError: it is no list of strings or numbers.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        tokens = [self._token(item) for item in self._items(vocabulary)]
        check_unused(self)
        special = self._special
        whole = bool(special) and tokens[: len(special)] == special
        self._set(tokens[len(special) :] if whole else tokens)
        if self.output_mode == "tf_idf":
            if idf_weights is None:
                raise ValueError(f"Layer {self.name}: output_mode tf_idf needs idf_weights.")
            self._set_idf(np.asarray(idf_weights, "float64"), len(tokens), whole)
        elif idf_weights is not None:
            raise ValueError(f'Layer {self.name}: idf_weights go with output_mode="tf_idf".')
        self._given = True

    def _set(self, tokens: list[Any]) -> None:
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        reserved = [t for t in (self.mask_token, self.oov_token) if t is not None]
        misplaced = [t for t in reserved if t in set(tokens)]
        if misplaced and (misplaced[0] == self.mask_token or self.invert):
            raise ValueError(
                f"Layer {self.name}: {misplaced[0]!r} is reserved. A vocabulary either begins "
                f"with all of {self._special}, or has none of them."
            )
        if not tokens or twice:
            problem = f"has tokens twice: {twice[:5]}" if twice else "is empty"
            raise ValueError(f"Layer {self.name}: the vocabulary {problem}.")
        size = len(self._special) + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"Layer {self.name}: the vocabulary has {size} tokens, special ones included, "
                f"but max_tokens is {self.max_tokens}."
            )
        start = len(self._special)
        self._tokens = tokens
        self._places = {token: start + i for i, token in enumerate(tokens)}

    def _set_idf(self, weights: np.ndarray, count: int, whole: bool) -> None:
        if weights.shape != (count,):
            raise ValueError(
                f"Layer {self.name}: there must be as many idf_weights as tokens, {count}, but "
                f"their shape is {weights.shape}."
            )
        before = 0 if whole else len(self._special)
        self._idf = self._padded(np.pad(weights, (before, 0), constant_values=weights.mean()))

    def _padded(self, weights: np.ndarray) -> np.ndarray:
        after = self._depth - len(weights)
        return np.pad(weights, (0, after)).astype("float32")

    @property
    def _depth(self) -> int:
        """The number of columns of rows."""
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        return self.vocabulary_size() if self._tokens else self._size or len(self._special)

    # --- learning it ---------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the vocabulary: all tokens in the data, the most frequent first.

        Args:
            data: an array, a list, or what yields batches (a generator, a `tf.data.Dataset`).
            steps: how many batches to take; all if None.
        """
        self.reset_state()
        whole = hasattr(data, "shape") or isinstance(data, (list, tuple))
        for batch in batches(data, steps, self.name):
            self.update_state(batch[:, None] if whole and batch.ndim == 1 else batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the counts of the data seen so far."""
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._seen = 0

    def update_state(self, data: Any) -> None:
        """Counts the tokens in more data; `finalize_state` makes a vocabulary of them."""
        if self._given:
            raise ValueError(
                f"Layer {self.name} was given its vocabulary; it cannot be adapted to data."
            )
        tokens = self._of_data(np.asarray(data))
        rows = tokens.reshape(1, -1) if tokens.ndim < 2 else tokens.reshape(len(tokens), -1)
        self._count(rows.tolist())

    def _count(self, rows: list[list[Any]]) -> None:
        for row in rows:
            self._counts.update(row)
            self._documents.update(set(row))
        self._seen += len(rows)

    def finalize_state(self) -> None:
        """Makes the vocabulary of the tokens counted so far."""
        self._adapted = True
        if self._given or not self._counts:
            return
        check_unused(self)
        for special in (self.mask_token, self.oov_token):
            self._counts.pop(special, None)
        # As Keras orders them: equally frequent ones from the last of the alphabet on, by bytes.
        ordered = sorted(self._counts, key=lambda t: (self._counts[t], _sort_key(t)), reverse=True)
        if self.max_tokens is not None:
            ordered = ordered[: self.max_tokens - len(self._special)]
        self._set(ordered)
        if self.output_mode == "tf_idf":
            found = np.array([self._documents[token] for token in ordered])
            weights = np.log(1 + self._seen / (1 + found))
            before = len(self._special)
            self._idf = self._padded(np.pad(weights, (before, 0), constant_values=weights.mean()))
        self.reset_state()

    # --- saving --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The vocabulary is part of it, as a list, wherever it came from."""
        config = super().get_config()
        config["vocabulary"] = self.get_vocabulary() if self._tokens else None
        idf = None if self._idf is None else self._idf[: self.vocabulary_size()].tolist()
        config["idf_weights"] = idf if self._tokens else None
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """No file is opened whose name stands in a config."""
        check_vocabulary(config, cls.__name__)
        return super().from_config(config)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """What Keras expects in files of weights."""
        if self._idf is not None:
            store["idf_weights"] = self._idf

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """What Keras wrote into a file of weights."""
        if "idf_weights" in store:
            self._idf = np.asarray(store["idf_weights"], "float32")

    def save_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary to `vocabulary.txt` in a directory, a token per line."""
        text = "\n".join(map(str, self.get_vocabulary()))
        (Path(dir_path) / "vocabulary.txt").write_text(text, encoding="utf-8")

    def load_assets(self, dir_path: str | os.PathLike[str]) -> None:
        """Sets the vocabulary from `vocabulary.txt` in a directory, if there is none yet."""
        if self._tokens:
            return
        lines = (Path(dir_path) / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        self._set([self._token(line) for line in lines[len(self._special) :]])

    # --- looking up ----------------------------------------------------------------------

    def example(self, shape: tuple[int, ...], dtype: str, size: int) -> np.ndarray:
        """Data that the layer can be tried with: its first token."""
        if self.invert or not self._tokens:
            return super().example(shape, dtype, size)
        return np.full(shape, self._tokens[0], object if dtype == "string" else dtype)

    def _require_vocabulary(self, for_values: bool = True) -> None:
        """Raises RuntimeError without a vocabulary, if values or the shape depend on it."""
        fixed = self.output_mode == "int" or self.pad_to_max_tokens
        shape = self.invert or not fixed or self.output_mode == "tf_idf"
        missing = not self._tokens and not self._size
        if missing and (shape or (for_values and not self._adapted)):
            raise RuntimeError(
                f"Layer {self.name} has no vocabulary yet: call its adapt(data), or give it "
                "vocabulary=[...]."
            )

    def _looked_up(self, tokens: np.ndarray) -> np.ndarray:
        """The index of each token."""
        places, mask = self._places, self.mask_token
        masked = 0 if self.output_mode == "int" else -1  # -1: in no column
        default = self._first if self.num_oov_indices == 1 else None

        def place(token: Any) -> int:
            found = places.get(token, default)
            if mask is not None and token == mask:
                return masked
            return self._unknown(token) if found is None else found

        flat = (place(token) for token in tokens.ravel().tolist())
        return np.fromiter(flat, "int64", tokens.size).reshape(tokens.shape)

    def _unknown(self, token: Any) -> int:
        """The index of a token that is not in the vocabulary."""
        if self.num_oov_indices == 0:
            raise ValueError(
                f"Layer {self.name}: {token!r} is not in the vocabulary. Give the layer "
                "num_oov_indices=1 to accept others."
            )
        key = None if self.salt is None else (self.salt[0], self.salt[1])
        one = np.array([token], object)
        return int(hashes.buckets(one, self.num_oov_indices, key)[0]) + self._first

    def _tokens_at(self, indices: np.ndarray) -> np.ndarray:
        """The token at each index; that for unknown ones where there is none."""
        known, start = self._tokens, len(self._special)

        def token(index: int) -> Any:
            if index == 0 and self.mask_token is not None:
                return self.mask_token
            return known[index - start] if 0 <= index - start < len(known) else self.oov_token

        flat = np.empty(indices.size, object)
        flat[:] = [token(index) for index in indices.ravel().tolist()]
        return flat.reshape(indices.shape)

    def _as_output(self, indices: Any) -> Tensor:
        # Engines are given 32 bits, as data for training is.
        whole = "int32" if isinstance(indices, Tensor) else "int64"
        if self.output_mode == "int":
            return encoded(indices, "int", 0, whole)
        rows = "count" if self.output_mode == "tf_idf" else self.output_mode
        dtype = "float32" if self.output_mode == "tf_idf" else whole
        result = encoded(indices, rows, self._depth, dtype)
        return result if self._idf is None else result * self._idf


def _sort_key(token: Any) -> Any:
    return token.encode() if isinstance(token, str) else token


def check_vocabulary(config: Mapping[str, Any], layer: str) -> None:
    """Raises ValueError if a config has a vocabulary, but not as a list."""
    what = f"The config of {layer} {config.get('name')!r}"
    if isinstance(config.get("vocabulary"), (str, bytes)):
        raise ValueError(
            f"{what} names the vocabulary file {config['vocabulary']!r}. Files that a config "
            "names are never opened: read it in your program, and put the list of tokens in its "
            "place."
        )
