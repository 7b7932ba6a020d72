"""Texts as numbers, as `keras.preprocessing.text` of Keras 2 has it.

Since Keras 3, `layers.TextVectorization` does this inside of models.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasish.compat.arguments import older_keywords
from kerasish.utils.arguments import reject_unknown

__all__ = [
    "Tokenizer",
    "base_filter",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

# tf.keras calls the first argument of the functions so.
_as_in_tf_keras = older_keywords(input_text="text")


def base_filter() -> str:
    """The characters that are no part of a word unless a program says otherwise."""
    return _FILTERS


@_as_in_tf_keras
def text_to_word_sequence(
    text: str, filters: str = _FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        text: the text.
        filters: characters that separate words, as `split` does.
        lower: whether words are in lower case.
        split: what is between words.

    >>> text_to_word_sequence("The cat, the DOG.")
    ['the', 'cat', 'the', 'dog']
    """
    text = text.lower() if lower else text
    separated = text.translate({ord(character): split for character in filters})
    return [word for word in separated.split(split) if word]


@_as_in_tf_keras
def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable[[str], int] | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """The words of a text as numbers from 1 to n - 1, without a vocabulary.

    Different words may get the same number.

    Args:
        text: the text.
        n: one more than the largest number.
        hash_function: "md5", which gives the same numbers in each process; a function that makes
            an int of a word; or None for Python's `hash`.
        filters, lower, split: how words are found: see `text_to_word_sequence`.
        analyzer: a function that finds the words of a text instead.

    Raises:
        ValueError: n leaves no number, or for another name of a hash function.

    >>> hashing_trick("The cat sat on the mat.", 10, "md5")
    [6, 3, 1, 1, 6, 8]
    """
    if n < 2:
        raise ValueError(f"hashing_trick: n must be at least 2, for one number, but got {n}.")
    number = _hash_function(hash_function)
    words = text_to_word_sequence(text, filters, lower, split) if not analyzer else analyzer(text)
    return [number(word) % (n - 1) + 1 for word in words]


def _hash_function(chosen: str | Callable[[str], int] | None) -> Callable[[str], int]:
    if chosen is None:
        return hash
    if chosen == "md5":
        return lambda word: int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
    if not callable(chosen):
        raise ValueError(
            f'hashing_trick: hash_function must be "md5", a function or None, but got {chosen!r}.'
        )
    return chosen


@_as_in_tf_keras
def one_hot(
    text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """The words of a text as numbers from 1 to n - 1, by Python's `hash`.

    They differ from process to process, unless PYTHONHASHSEED is set; see `hashing_trick`, which
    explains the arguments.

    >>> one_hot("a rose is a rose", 50) == hashing_trick("a rose is a rose", 50, hash)
    True
    """
    return hashing_trick(text, n, hash, filters, lower, split, analyzer)


class Tokenizer:
    """Texts as sequences of word numbers, or as rows of numbers, one for each word there is.

    Words are numbered from 1 on, the most frequent first. 0 is no word.

    Args:
        num_words: only words with smaller numbers count; all if None.
        filters: characters that separate words.
        lower: whether words are in lower case.
        split: what else separates words.
        char_level: whether each character is a word.
        oov_token: a word in whose place all stand that have no number, or too large a one. It
            gets number 1. Without it they are left out.
        document_count: how many texts count as read beforehand.
        analyzer: a function that finds the words of a text instead.

    Attributes:
        word_index: word -> number.
        index_word: number -> word.
        word_counts: word -> how often it was in the texts, in the order of finding.
        word_docs: word -> how many texts had it.
        index_docs: number -> how many texts had it.

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["The cat sat.", "The cat and the dog"])
    >>> tokenizer.texts_to_sequences(["the dog sat"])
    [[1, 5, 3]]
    >>> tokenizer.texts_to_matrix(["the dog, the cat"], mode="count")
    array([[0., 2., 1., 0., 0., 1.]])
    """

    analyzer: Callable[[str], Iterable[str]] | None = None  # of those that older Keras pickled

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ):
        num_words = kwargs.pop("nb_words", num_words)  # the name in Keras 1
        reject_unknown(kwargs, type(self), "Tokenizer")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token = char_level, oov_token
        self.document_count, self.analyzer = document_count, analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: defaultdict[str, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> Iterable[str]:
        """The words of a text, which may be a list of them."""
        if isinstance(text, list) or self.char_level:
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts, beside those of earlier calls, and numbers them.

        Args:
            texts: strings, or lists of words, which are then taken as they are.
        """
        for text in texts:
            words = list(self._words(text))
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in dict.fromkeys(words):  # a set has another order in each process
                self.word_docs[word] += 1
        by_count = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        first = [] if self.oov_token is None else [self.oov_token]
        self.word_index = {word: i for i, word in enumerate([*first, *by_count], 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Sequence[int]]) -> None:
        """Counts how many of the sequences of word numbers have each; "tfidf" needs that."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in dict.fromkeys(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Texts as lists of word numbers.

        Args:
            texts: strings, or lists of words.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """One list of word numbers after the other; see `texts_to_sequences`."""
        for text in texts:
            yield self._kept(self.word_index.get(word) for word in self._words(text))

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of such numbers, with a space between them."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """One text after the other; see `sequences_to_texts`."""
        for sequence in sequences:
            numbers = self._kept(n if n in self.index_word else None for n in sequence)
            yield " ".join(self.index_word[number] for number in numbers)

    def _kept(self, numbers: Iterable[int | None]) -> list[Any]:
        """Word numbers, the unknown (None) and rare ones replaced or left out."""
        other = None if self.oov_token is None else self.word_index.get(self.oov_token)
        limit = self.num_words or float("inf")
        kept = [number if number is not None and number < limit else other for number in numbers]
        return kept if self.oov_token is not None else [n for n in kept if n is not None]

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """Texts as rows of numbers, one for each word there is.

        Args:
            texts: strings, or lists of words.
            mode: what the numbers say of a word: "binary", 1 if it is there; "count", how often;
                "freq", its share of the text; "tfidf", (1 + log of the count) * log(1 + texts /
                (1 + texts that have it)).

        Shapes:
            -> (texts, num_words), float64

        Raises:
            ValueError: for another mode, or if nothing was read that it needs.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """The same of texts that are sequences of word numbers; see `texts_to_matrix`."""
        modes = ("binary", "count", "freq", "tfidf")
        if mode not in modes:
            raise ValueError(f"Tokenizer: mode must be one of {', '.join(modes)}, not {mode!r}.")
        if not self.num_words and not self.word_index:
            raise ValueError(
                "Tokenizer: the number of columns is not known. Give num_words, or call "
                "fit_on_texts first."
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: call fit_on_texts or fit_on_sequences before tfidf.")
        matrix = np.zeros((len(sequences), self.num_words or len(self.word_index) + 1))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(sequence).items():
                if number < len(row):
                    row[number] = self._weight(mode, number, count, len(sequence))
        return matrix

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "binary":
            return 1.0
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        texts = 1 + self.index_docs.get(number, 0)
        return (1 + np.log(count)) * np.log(1 + self.document_count / texts)

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what was counted, as texts in JSON."""
        names = "num_words filters lower split char_level oov_token document_count"
        if self.analyzer is not None:
            names += " analyzer"
        counted = "word_counts word_docs index_docs index_word word_index"
        config = {name: getattr(self, name) for name in names.split()}
        return config | {name: json.dumps(getattr(self, name)) for name in counted.split()}

    def to_json(self, **kwargs: Any) -> str:
        """All of it as JSON, for `tokenizer_from_json`; `kwargs` go to `json.dumps`.

        Raises:
            ValueError: it has an analyzer, which is a function.
        """
        if self.analyzer is not None:
            raise ValueError("Tokenizer: an analyzer is a function, and JSON holds none.")
        found = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(found, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The Tokenizer that `to_json` wrote, here or in Keras.

    >>> tokenizer = Tokenizer(num_words=3)
    >>> tokenizer.fit_on_texts(["a rose is a rose"])
    >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["rose a is"])
    [[2, 1]]
    """
    config = json.loads(json_string)["config"]
    counted = "word_counts word_docs index_docs index_word word_index".split()
    tables = {name: json.loads(config.pop(name)) for name in counted}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts.update(tables["word_counts"])
    tokenizer.word_docs.update(tables["word_docs"])
    tokenizer.word_index = tables["word_index"]
    # In JSON, keys are strings.
    tokenizer.index_docs.update({int(n): count for n, count in tables["index_docs"].items()})
    tokenizer.index_word = {int(n): word for n, word in tables["index_word"].items()}
    return tokenizer
