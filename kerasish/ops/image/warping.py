"""Images bent: each pixel of the result is looked up at some place of the original."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import broadcast_to, expand_dims, reshape, shape
from kerasish.ops.binary import clip, floor_divide, minimum, mod, where
from kerasish.ops.comparisons import equal, logical_and
from kerasish.ops.elementwise import abs, floor, round, sign
from kerasish.ops.equations import solve
from kerasish.ops.filling import arange
from kerasish.ops.image.filters import bell, blur
from kerasish.ops.image.layout import each_image, known_sizes
from kerasish.ops.joining import stack, unstack
from kerasish.ops.promotion import at_least_single, cast, widened
from kerasish.ops.random import normal
from kerasish.ops.selection import take_p
from kerasish.ops.unknown import may_wait, put_off

# --- looking up --------------------------------------------------------------------------


def _corners(places: list[Tensor]) -> list[tuple[list[Tensor], Tensor]]:
    """The grid points around places: their float indices per axis, and their weights."""
    lower = [floor(p) for p in places]
    shares = [p - low for p, low in zip(places, lower, strict=True)]
    corners = []
    for ends in itertools.product((0, 1), repeat=len(places)):
        weight: Any = 1.0
        for end, share in zip(ends, shares, strict=True):
            weight = weight * (share if end else 1 - share)
        corners.append(([low + end for low, end in zip(lower, ends, strict=True)], weight))
    return corners


def _looked_up(
    flat: Tensor, offset: Any, indices: list[Tensor], sizes: list[int], fill_value: Any
) -> Tensor:
    """The rows of `flat`, an array of `sizes` after an offset; `fill_value` outside of it."""
    position = offset
    inside = None
    for index, size in zip(indices, sizes, strict=True):
        there = logical_and(index >= 0, index <= size - 1)
        inside = there if inside is None else logical_and(inside, there)
        # Where there is none, the first: NaN is no position, nor is what is beyond an int32.
        position = position * size + cast(where(there, index, 0), "int32")
    found = take_p(flat, position, axis=0)
    inside = reshape(inside, (*shape(inside), *(1,) * (found.rank - inside.rank)))  # type: ignore[union-attr]
    return where(inside, found, cast(fill_value, found.dtype))


_Rule = Callable[[Tensor, int], Tensor]

# Where an index beyond the ends is looked up, by fill_mode.
_INDEX_RULES: dict[str, _Rule] = {
    "constant": lambda i, n: i,
    "nearest": lambda i, n: clip(i, 0, n - 1),
    "wrap": lambda i, n: mod(i, n),
    "mirror": lambda i, n: i * 0 if n == 1 else (n - 1) - abs(mod(i, 2 * (n - 1)) - (n - 1)),
    "reflect": lambda i, n: minimum(mod(i, 2 * n), 2 * n - 1 - mod(i, 2 * n)),
}


def map_coordinates(
    inputs: Any,
    coordinates: Any,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Tensor:
    """The values of an array at places between its elements.

    Args:
        inputs: an array of rank n.
        coordinates: (n, ...): the places; 0 is the middle of the first element.
        order: 0 for the nearest element, 1 for a linear interpolation.
        fill_mode: what lies beyond the ends. "constant": `fill_value`; "nearest": the last
            element; "wrap": the array again; "mirror": the array mirrored about the middle of
            its last element; "reflect": mirrored about its end.
        fill_value: for "constant".

    Returns:
        An array of the shape of one coordinate and the dtype of the inputs; integers are rounded.

    Raises:
        ValueError: if there are not as many coordinates as inputs has axes, if it has no axes or no
            elements, or for another order or fill_mode.
        TypeError: if inputs or coordinates is no array of numbers, such as a string or None.

    >>> map_coordinates([10.0, 20.0, 30.0], [[0.5, 1.0]], order=1).numpy()
    array([15., 20.], dtype=float32)
    """
    x, at = as_tensor(inputs), as_tensor(coordinates)
    if at.rank < 1 or at.shape[0] != x.rank or None in x.shape:
        raise ValueError(
            f"map_coordinates: inputs of known shape and as many coordinates as they have axes "
            f"are needed, but got {format_shape(x.shape)} and {format_shape(at.shape)}."
        )
    if not x.rank or 0 in x.shape:
        raise ValueError(
            f"map_coordinates: inputs must have axes and elements, but got {format_shape(x.shape)}."
        )
    if fill_mode not in _INDEX_RULES:
        raise ValueError(
            f"map_coordinates: fill_mode must be one of {', '.join(_INDEX_RULES)}, but got "
            f"{fill_mode!r}."
        )
    if order not in (0, 1):
        raise ValueError(f"map_coordinates: order must be 0 or 1, but got {order!r}.")
    places = unstack(widened(at), x.rank, axis=0)
    sizes: list[Any] = list(x.shape)
    flat, rule = reshape(x, (-1,)), _INDEX_RULES[fill_mode]

    def value(indices: list[Tensor]) -> Tensor:
        fixed = [rule(i, n) for i, n in zip(indices, sizes, strict=True)]
        return _looked_up(flat, as_tensor(0, "int32"), fixed, sizes, fill_value)

    if order == 0:
        return value([round(p) for p in places])
    total: Any = 0.0
    for indices, weight in _corners(places):
        total = total + weight * value(indices)
    return cast(total if dtypes.is_float(x.dtype) else round(total), x.dtype)


# --- linear and projective maps ----------------------------------------------------------


def _reflected(p: Tensor, size: int) -> Tensor:
    turned = mod(p, 2 * size)
    return where(turned >= size, 2 * size - 1 - turned, turned)


def _wrapped(p: Tensor, size: int) -> Tensor:
    """Steps of the whole size, counted by the distance from the first to the last middle."""
    if size == 1:
        return p * 0
    before = p + size * (floor_divide(-p, size - 1) + 1)
    behind = p - size * floor_divide(p, size - 1)
    return where(p < 0, before, where(p > size - 1, behind, p))


# Where a place beyond the ends is looked up, by fill_mode; it is then kept between the ends.
_PLACE_RULES: dict[str, _Rule] = {
    "nearest": lambda p, n: p,
    "mirror": _INDEX_RULES["mirror"],
    "reflect": _reflected,
    "wrap": _wrapped,
}


def _sampled(
    x: Tensor, rows: Tensor, columns: Tensor, interpolation: str, fill_mode: str, fill_value: float
) -> Tensor:
    """Images (batch, height, width, channels) at places (batch, new height, new width)."""
    height, width = x.shape[1:3]
    batch, channels = Dim.of(x, 0), Dim.of(x, 3)
    flat = reshape(x, (-1, channels))
    offset = reshape(arange(batch), (-1, 1, 1))
    sizes: list[Any] = [height, width]
    places = [rows, columns]
    if fill_mode != "constant":
        rule = _PLACE_RULES[fill_mode]
        places = [clip(rule(p, n), 0, n - 1) for p, n in zip(places, sizes, strict=True)]
    if interpolation == "nearest":
        nearest = [sign(p) * floor(abs(p) + 0.5) for p in places]
        return _looked_up(flat, offset, nearest, sizes, fill_value)
    wide = widened(flat)
    total: Any = 0.0
    for indices, weight in _corners(places):
        weight = cast(expand_dims(weight, -1), wide.dtype)
        total = total + weight * _looked_up(wide, offset, indices, sizes, fill_value)
    return cast(total, x.dtype)


def _projected(name: str, x: Tensor, transforms: Tensor, *how: Any) -> Tensor:
    """Images looked up where the maps, (batch, 8), send the pixels of the result."""
    count = transforms.shape[0]
    if count != 1 and not compatible((count,), x.shape[:1]):
        raise ValueError(f"{name}: {count} transforms do not fit a batch of {x.shape[0]}.")
    height, width = known_sizes(name, x)
    down = reshape(arange(height, dtype=transforms.dtype), (1, -1, 1))
    across = reshape(arange(width, dtype=transforms.dtype), (1, 1, -1))
    t = [reshape(v, (-1, 1, 1)) for v in unstack(transforms, 8, axis=1)]
    depth = t[6] * across + t[7] * down + 1
    nowhere = equal(depth, 0)  # what is infinitely far away lies outside
    depth = where(nowhere, 1.0, depth)
    columns = where(nowhere, -1.0, (t[0] * across + t[1] * down + t[2]) / depth)
    rows = where(nowhere, -1.0, (t[3] * across + t[4] * down + t[5]) / depth)
    sizes = (Dim.of(x, 0), height, width)
    return _sampled(x, broadcast_to(rows, sizes), broadcast_to(columns, sizes), *how)


def _check_options(name: str, interpolation: str, fill_mode: str) -> None:
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(
            f'{name}: interpolation must be "nearest" or "bilinear", but got {interpolation!r}.'
        )
    if fill_mode != "constant" and fill_mode not in _PLACE_RULES:
        raise ValueError(
            f"{name}: fill_mode must be one of constant, {', '.join(_PLACE_RULES)}, but got "
            f"{fill_mode!r}."
        )


def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images turned, scaled, sheared, moved, or seen at an angle.

    Args:
        images: one image or a batch.
        transform: (8,) for all, or (batch, 8): a0, a1, a2, b0, b1, b2, c0, c1. What comes to
            (x, y) is taken from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), where
            k = c0 x + c1 y + 1; x counts columns, y rows.
        interpolation: "nearest" or "bilinear".
        fill_mode: what lies around an image: "constant", "nearest", "mirror", "reflect" or
            "wrap", as in `map_coordinates`.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the same shape and dtype; integers are cut off.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if the maps have another shape or do
            not fit the batch, or for another interpolation, fill_mode or data_format.
        TypeError: if images or transform is no array of numbers, such as a string or None.

    >>> image = np.array([[[1.0], [2.0], [3.0]]])
    >>> affine_transform(image, [1.0, 0, 1, 0, 1, 0, 0, 0]).numpy().ravel()
    array([2., 3., 0.])
    """
    _check_options("affine_transform", interpolation, fill_mode)
    t = cast(transform, at_least_single(as_tensor(images).dtype))
    if t.rank not in (1, 2) or t.shape[-1] != 8:
        raise ValueError(
            f"affine_transform: transform must have shape (8,) or (batch, 8), but got "
            f"{format_shape(t.shape)}."
        )
    t = reshape(t, (-1, 8))

    def apply(x: Tensor) -> Tensor:
        return _projected("affine_transform", x, t, interpolation, fill_mode, fill_value)

    return each_image("affine_transform", images, data_format, apply)


def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images seen at an angle, such that four points move to where they are told to.

    Args:
        images: one image or a batch.
        start_points: (4, 2), or (batch, 4, 2): points (x, y) of the images.
        end_points: where they come to lie.
        interpolation: "nearest" or "bilinear".
        fill_value: what lies around the images.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the same shape and dtype; integers are cut off.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if the points have another shape or do
            not fit the batch, or for another interpolation or data_format.
        TypeError: if images or the points are no array of numbers, such as a string or None.

    >>> corners = np.float32([[0, 0], [0, 2], [2, 0], [2, 2]])
    >>> perspective_transform(np.ones((3, 3, 1)), corners, corners).shape
    (3, 3, 1)
    """
    _check_options("perspective_transform", interpolation, "constant")
    precision = at_least_single(as_tensor(images).dtype)
    start, end = cast(start_points, precision), cast(end_points, precision)
    if start.shape != end.shape or start.rank not in (2, 3) or start.shape[-2:] != (4, 2):
        raise ValueError(
            "perspective_transform: start and end points must have shape (4, 2) or (batch, 4, 2), "
            f"but got {format_shape(start.shape)} and {format_shape(end.shape)}."
        )
    transforms = _through_points(reshape(start, (-1, 4, 2)), reshape(end, (-1, 4, 2)))

    def apply(x: Tensor) -> Tensor:
        return _projected(
            "perspective_transform", x, transforms, interpolation, "constant", fill_value
        )

    return each_image("perspective_transform", images, data_format, apply)


def _through_points(start: Tensor, end: Tensor) -> Tensor:
    """The maps (batch, 8) that send the end points to the start points."""
    x, y = end[..., 0], end[..., 1]  # (batch, 4)
    u, v = start[..., 0], start[..., 1]
    one, zero = x * 0 + 1, x * 0
    for_u = stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)
    for_v = stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    rows = reshape(stack([for_u, for_v], axis=2), (-1, 8, 8))
    return solve(rows, reshape(stack([u, v], axis=2), (-1, 8)))


def _moved(x: Tensor, moves: Tensor, *how: Any) -> Tensor:
    """Images whose pixels come from elsewhere, by (rows, columns) for each."""
    height, width = known_sizes("elastic_transform", x)
    rows = moves[..., 0] + reshape(arange(height, dtype="float32"), (1, -1, 1))
    columns = moves[..., 1] + reshape(arange(width, dtype="float32"), (1, 1, -1))
    return _sampled(x, rows, columns, *how)


may_wait("image.moved", _moved)


def elastic_transform(
    images: Any,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Tensor:
    """Images as if drawn on rubber: neighbouring pixels move in similar random directions.

    Source: Simard et al., 2003, https://doi.org/10.1109/ICDAR.2003.1227801

    Args:
        images: one image or a batch.
        alpha: how far pixels move.
        sigma: how far around a pixel others move alike.
        interpolation: "nearest" or "bilinear".
        fill_mode: what lies around an image: "constant", "nearest", "mirror", "reflect" or
            "wrap", as in `map_coordinates`.
        fill_value: for "constant".
        seed: an int, a SeedGenerator, or None.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the same shape and dtype; integers are cut off.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if sigma is not above 0, if it or alpha
            is not finite, or for another interpolation, fill_mode or data_format.
        TypeError: if images is no array of numbers, such as a string or None, or for another seed.

    >>> elastic_transform(np.ones((4, 4, 1)), seed=1).shape
    (4, 4, 1)
    """
    _check_options("elastic_transform", interpolation, fill_mode)
    if not (sigma > 0 and math.isfinite(sigma) and math.isfinite(alpha)):
        raise ValueError(
            f"elastic_transform: sigma must be above 0, and both finite, but alpha is {alpha} and "
            f"sigma {sigma}."
        )
    size = max(2 * math.ceil(3 * sigma) + 1, 3)
    weights = bell(size, sigma, "float32")

    def apply(x: Tensor) -> Tensor:
        # The numbers are drawn now, whatever waits for sizes.
        noise = normal((*shape(x)[:3], 2), seed=seed)
        moves = blur(noise, weights, weights, "same") * alpha
        how = (interpolation, fill_mode, fill_value)
        if None in x.shape[1:3]:
            return put_off("image.moved", (x, moves, *how), {})
        return _moved(x, moves, *how)

    return each_image("elastic_transform", images, data_format, apply)
