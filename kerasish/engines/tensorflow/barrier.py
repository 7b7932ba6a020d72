"""What keeps a second computation from being taken for the first, which would keep its results."""

from __future__ import annotations

from typing import Any

from kerasish.engines.tensorflow.library import tf


def held_back(x: Any, *after: Any) -> Any:
    """`x` when `after` have been computed."""
    with tf.control_dependencies(after):
        return tf.identity(x)


TABLE = {"held_back": held_back}
