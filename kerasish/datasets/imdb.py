"""IMDB: 50,000 reviews of films, each of which says whether the film is good (Maas et al.)."""

from __future__ import annotations

import os

import numpy as np

from kerasish.compat.arguments import older_keywords
from kerasish.datasets import texts
from kerasish.datasets.npz import read_npz
from kerasish.datasets.sources import fetched, wrong_file
from kerasish.datasets.texts import Split


@older_keywords(nb_words="num_words")
def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """The film reviews of IMDB (Maas et al., "Learning word vectors for sentiment analysis", 2011).

    A review is a list of numbers. The word with rank r among the most frequent ones, which
    `get_word_index()` tells, has the number `r + index_from`; 0 stands for no word.

    Args:
        path: an existing `.npz` file with the four arrays, which is used as it is; else the name
            under which the file is downloaded to `<KERAS_HOME>/datasets`. Its lists are pickled:
            they can name nothing but arrays, and what else they name is refused, not run.
        num_words: only numbers below this one stay. None: below the highest one.
        skip_top: only numbers from this one on stay.
        maxlen: reviews of so many numbers or more, with `start_char`, are left out. None: none are.
            (Keras 2 moved reviews of the test data into the training data then; this does not.)
        seed: of the order of reviews.
        start_char: the number in front of each review. None: there is none.
        oov_char: the number for words that do not stay. None: they are left out.
        index_from: is added to the ranks of words.

    `nb_words` is an older name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`. x_train and x_test, of the shape (25000,), have a
        list of whole numbers for each review; y_train and y_test, of the shape (25000,) and whole
        numbers, 1 for a good film and 0 for a bad one.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file that is not IMDB's, or if no review is shorter than `maxlen`.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train[0][:5]  # doctest: +SKIP
        [1, 14, 22, 16, 43]
    """
    file = fetched("imdb.npz", path)
    x_train, y_train, x_test, y_test = read_npz(file, "IMDB", "x_train y_train x_test y_test")
    rng = np.random.RandomState(seed)
    xs, ys = [], []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        if x.dtype != object or y.shape != x.shape:
            raise wrong_file(file, "IMDB's npz file", f"it has texts {x.shape}, labels {y.shape}")
        x, y = texts.shuffled(x, y, rng)
        x, y = texts.shorter(texts.marked(x, start_char, index_from), y, maxlen)
        xs.append(x)
        ys.append(y)
    x_train, x_test = texts.known(xs, num_words, skip_top, oov_char)
    return (x_train, ys[0]), (x_test, ys[1])


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """The words of IMDB with their ranks: 1 is the most frequent one.

    Args:
        path: an existing file, which is used as it is; else the name under which the file is
            downloaded to `<KERAS_HOME>/datasets`.

    Returns:
        A dictionary from 88,584 words to ranks. In the reviews of `load_data()`, ranks are
        `index_from` higher.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file with other content.

    Example:
        >>> words = {rank + 3: word for word, rank in get_word_index().items()}  # doctest: +SKIP
        >>> " ".join(words.get(number, "?") for number in x_train[0][:5])  # doctest: +SKIP
        '? this film was just'
    """
    return texts.read_word_index("imdb_word_index.json", path, "IMDB")
