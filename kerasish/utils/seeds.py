"""One seed for everything random."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def set_random_seed(seed: int) -> None:
    """Make a program repeatable: the same seed gives the same weights, batches and dropout.

    Sets the seeds of Python's `random`, of `numpy.random` and of kerasish.

    Args:
        seed: a whole number from 0 to 2**32 - 1.

    Raises:
        ValueError: for anything else.

    Example:
        >>> from kerasish import initializers
        >>> draw = lambda: initializers.GlorotUniform()((2, 2))
        >>> set_random_seed(7); first = draw()
        >>> set_random_seed(7); bool((np.asarray(first) == np.asarray(draw())).all())
        True
    """
    from kerasish.graph.function import run_counter
    from kerasish.ops.random import global_seed

    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ValueError(
            f"set_random_seed takes a whole number from 0 to {2**32 - 1}, but got {seed!r}."
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
    global_seed.reset(int(seed))
    run_counter.next = 0


def random_state() -> dict[str, Any]:
    """The state of everything that `set_random_seed` sets, as numbers, lists and arrays."""
    from kerasish.graph.function import run_counter
    from kerasish.ops.random import global_seed

    _, key, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [np.asarray(key), *rest],
        "kerasish": global_seed.state(),
        "runs": run_counter.next,
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Goes back to a state that `random_state` returned; tuples may have become lists."""
    from kerasish.graph.function import run_counter
    from kerasish.ops.random import global_seed

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(("MT19937", *state["numpy"]))
    global_seed.restore(state["kerasish"])
    run_counter.next = state["runs"]
