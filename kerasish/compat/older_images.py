"""Images as Keras 2 computed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor

__all__ = ["enlarged"]


def enlarged(images: Any, factors: Sequence[int], first_axis: int) -> Tensor:
    """Images whose pixels stay where they are, with others on lines to the next ones.

    That is what Keras 2.3 calls bilinear on TensorFlow. All later ones look at the centres of
    pixels, and so move each by a part of its size.

    Args:
        images: of any rank.
        factors: by which axes grow, one after the other.
        first_axis: the first that grows.

    >>> enlarged(np.float32([[0, 4]]), [2], 1).numpy()
    array([[0., 2., 4., 4.]], dtype=float32)
    """
    x = ops.convert_to_tensor(images)
    for axis, factor in enumerate(factors, first_axis):
        shape = list(ops.shape(x))
        rest, last = ((slice(None),) * axis + (slice(start, None),) for start in (1, -1))
        following = ops.concatenate([x[rest], x[last]], axis=axis)
        points = [x + (following - x) * (i / factor) for i in range(factor)]
        shape[axis] *= factor
        x = ops.reshape(ops.stack(points, axis=axis + 1), shape)
    return x
