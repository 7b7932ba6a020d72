"""For which Keras a program was written, where `kerasish run --keras` says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_generation = 3

# Names of arguments that only Keras 1 had.
_OF_KERAS_1 = frozenset(
    "b_constraint b_regularizer bias border_mode dim_ordering init max_q_size nb_epoch "
    "nb_val_samples nb_worker pickle_safe samples_per_epoch subsample val_samples W_constraint "
    "W_regularizer".split()
)


def generation() -> int:
    """1, 2 or 3, which is what holds outside of `kerasish run`."""
    return _generation


def speaks_keras_1(names: Iterable[str]) -> bool:
    """Whether arguments of these names come from a program of Keras 1.

    >>> speaks_keras_1(["nb_epoch", "verbose"]), speaks_keras_1(["epochs"])
    (True, False)
    """
    return _generation == 1 or not _OF_KERAS_1.isdisjoint(names)


@contextmanager
def of(number: int) -> Iterator[None]:
    """Within, programs are of this generation.

    >>> with of(1):
    ...     generation()
    1
    """
    global _generation
    before, _generation = _generation, number
    try:
        yield
    finally:
        _generation = before
