"""Reuters: 11,228 short news of 1987, of 46 topics (Lewis)."""

from __future__ import annotations

import os

import numpy as np

from kerasish.compat.arguments import older_keywords
from kerasish.datasets import texts
from kerasish.datasets.npz import read_npz
from kerasish.datasets.sources import fetched, wrong_file
from kerasish.datasets.texts import Split

TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


@older_keywords(nb_words="num_words")
def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """The news of Reuters (Lewis, "Reuters-21578", 1997; those with one topic of 46).

    News are lists of numbers. The word with rank r among the most frequent ones, which
    `get_word_index()` tells, has the number `r + index_from`; 0 stands for no word.

    Args:
        path: an existing `.npz` file with the arrays x and y, which is used as it is; else the name
            under which the file is downloaded to `<KERAS_HOME>/datasets`. Its lists are pickled:
            they can name nothing but arrays, and what else they name is refused, not run.
        num_words: only numbers below this one stay. None: below the highest one.
        skip_top: only numbers from this one on stay.
        maxlen: news of so many numbers or more, with `start_char`, are left out. None: none are.
        test_split: the share of the test data, from 0 to 1.
        seed: of the order of news.
        start_char: the number in front of each text. None: there is none.
        oov_char: the number for words that do not stay. None: they are left out.
        index_from: is added to the ranks of words.

    `nb_words` is an older name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`. By default x_train, of the shape (8982,), and
        x_test, of the shape (2246,), have a list of whole numbers for each text; y_train and
        y_test, of those shapes and whole numbers, its topic from 0 to 45, which
        `get_label_names()` names.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file that is not Reuters's, if no text is shorter than `maxlen`, or for a
            `test_split` out of bounds.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((8982,), (2246,))
    """
    if not 0 <= test_split <= 1:
        raise ValueError(f"reuters: test_split must be from 0 to 1, got {test_split}")
    file = fetched("reuters.npz", path)
    x, y = read_npz(file, "Reuters", "x y")
    if x.dtype != object or y.shape != x.shape:
        raise wrong_file(file, "Reuters's npz file", f"it has texts {x.shape}, labels {y.shape}")
    x, y = texts.shuffled(x, y, np.random.RandomState(seed))
    x, y = texts.shorter(texts.marked(x, start_char, index_from), y, maxlen)
    [x] = texts.known([x], num_words, skip_top, oov_char)
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """The words of the news with their ranks: 1 is the most frequent one.

    Args:
        path: an existing file, which is used as it is; else the name under which the file is
            downloaded to `<KERAS_HOME>/datasets`.

    Returns:
        A dictionary from words to ranks. In the texts of `load_data()`, ranks are `index_from`
        higher.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file with other content.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return texts.read_word_index("reuters_word_index.json", path, "Reuters")


def get_label_names() -> tuple[str, ...]:
    """The 46 topics of the news, by their labels.

    Returns:
        A tuple of names.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return tuple(TOPICS.split())
