"""Drawn digits in the form of MNIST, for where there is no network.

Each digit is a spline through a few points, of which every image has its own: shaken, slanted,
turned, bent by smooth waves, drawn with its own pen, and smudged.
"""

from __future__ import annotations

import numpy as np

SIZE = 28  # pixels
BLOCK = 4000  # images drawn at a time, to stay within a processor's caches
SAMPLES = 112  # points along the strokes of one digit: closer together than pixels
PEN_WIDTHS = np.linspace(0.55, 1.15, 8)  # standard deviations of the pen's blur, in pixels

# For each digit its ways of writing; strokes are split by "|", and go through points x,y in
# hundredths of the digit's box, y downwards.
WAYS = (
    (
        "50,5 25,20 18,50 25,80 50,95 75,80 82,50 75,20 50,5",
        "60,8 35,12 20,45 28,82 50,95 74,80 80,45 66,14 46,9",
        "45,10 20,30 15,60 35,92 65,90 85,60 80,25 58,8 38,15",
        "58,6 42,30 36,64 46,94 60,72 66,34 56,6",
    ),
    (
        "50,5 50,50 50,95",
        "30,26 52,5 | 52,5 51,50 52,95",
        "32,24 52,5 | 52,5 52,95 | 28,95 76,95",
        "58,5 48,50 44,95",
    ),
    (
        "22,28 35,8 62,8 74,28 60,55 22,92 | 22,92 80,92",
        "22,25 40,6 66,12 72,34 52,64 26,90 18,80 34,76 56,90 84,86",
        "20,20 50,5 78,22 68,48 40,70 20,94 | 20,94 50,88 82,95",
        "30,10 60,6 72,26 50,52 28,60 24,80 50,78 78,92",
    ),
    (
        "22,14 50,5 74,18 66,40 42,48 | 42,48 72,56 78,78 52,96 20,86",
        "22,8 76,8 | 76,8 46,42 | 46,42 76,56 76,82 48,96 20,86",
        "26,20 46,6 70,14 68,36 48,46 70,52 80,72 62,94 34,94 18,80",
        "34,12 62,6 64,30 40,46 | 40,46 66,50 64,74 30,96",
    ),
    (
        "30,8 22,55 | 22,55 82,55 | 68,10 66,95",
        "64,5 18,62 | 18,62 86,62 | 64,5 64,95",
        "26,8 20,40 34,56 72,48 | 76,8 70,50 62,95",
        "28,12 30,48 60,52 74,36 | 76,6 74,36 68,95",
    ),
    (
        "76,8 30,8 | 30,8 26,45 | 26,45 56,38 78,58 72,84 46,96 20,86",
        "34,10 28,44 60,44 76,68 58,92 22,90 | 34,10 78,6",
        "74,8 40,10 28,30 40,46 66,56 74,76 54,95 22,88",
        "80,12 44,14 36,40 | 36,40 62,48 66,74 44,92 22,92",
    ),
    (
        "66,6 38,26 22,62 34,92 62,92 76,72 58,54 34,62 24,76",
        "52,5 30,40 24,74 46,96 72,84 70,60 48,54 28,70",
        "74,14 50,8 28,34 22,70 44,94 74,84 72,58 44,54 26,66",
        "40,5 30,50 36,90 60,92 62,70 48,64 34,80",
    ),
    (
        "20,10 78,10 | 78,10 42,95",
        "20,10 78,10 | 78,10 42,95 | 34,52 74,52",
        "20,24 22,10 | 22,10 76,12 56,50 46,95",
        "22,18 50,10 76,16 | 76,16 66,50 62,95",
    ),
    (
        "50,48 26,28 36,8 64,8 74,28 50,48 24,70 36,94 66,94 78,70 50,48",
        "72,16 48,5 28,22 46,44 72,66 62,92 36,92 26,70 52,44 72,22 70,14",
        "50,6 30,24 50,46 70,24 50,6 | 50,46 22,72 50,96 78,72 50,46",
        "64,8 44,14 46,36 58,58 56,88 40,88 42,64 60,38 66,14",
    ),
    (
        "74,28 52,6 26,20 26,44 50,52 72,34 | 74,20 72,60 62,95",
        "72,30 50,8 26,28 40,52 70,38 | 72,12 70,50 70,95",
        "72,34 54,8 28,20 34,50 64,46 74,20 76,60 60,92 30,92",
        "66,14 40,12 34,38 56,46 68,14 | 68,14 58,56 50,95",
    ),
)

Split = tuple[np.ndarray, np.ndarray]


def load_data(train: int = 60000, test: int = 10000, seed: int = 0) -> tuple[Split, Split]:
    """Drawn digits: `(x_train, y_train), (x_test, y_test)`, the same ones for the same arguments.

    x_train [train, 28, 28] and x_test [test, 28, 28]: uint8, 0 is paper, 255 is ink.
    y_train [train] and y_test [test]: uint8, the digits 0 to 9.
    The test images do not depend on the number of training images, nor the other way round.

    Raises `ValueError` for a negative number of images.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(train=100, test=10)
        >>> x_train.shape, x_train.dtype, y_test.shape
        ((100, 28, 28), dtype('uint8'), (10,))
    """
    return _draw(train, [seed, 0]), _draw(test, [seed, 1])


def _draw(count: int, seed: list[int]) -> Split:
    if count < 0:
        raise ValueError(f"the number of images must not be negative, got {count}")
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count, dtype=np.uint8)
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for start in range(0, count, BLOCK):
        block = slice(start, start + BLOCK)
        points, lengths = _handwriting(labels[block], rng)
        images[block] = _ink(_to_pixels(points, rng), lengths, rng)
    return images, labels


# ---------------------------------------------------------------- strokes


def _spline(count: int, samples: int) -> np.ndarray:
    """The matrix [samples, count] from points to samples on the Catmull-Rom spline through them."""
    times = np.linspace(0, count - 1, samples)
    first = np.minimum(times.astype(int), count - 2)
    t = (times - first)[:, None]
    weights = 0.5 * np.concatenate(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2],
        axis=1,
    )
    padded = np.zeros((samples, count + 2))
    np.put_along_axis(padded, first[:, None] + np.arange(4), weights, axis=1)
    matrix = padded[:, 1:-1]  # the points beyond the ends are mirrored: p[-1] = 2 p[0] - p[1]
    matrix[:, :2] += padded[:, :1] * [2, -1]
    matrix[:, -2:] += padded[:, -1:] * [-1, 2]
    return matrix


def _way(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [n, 2], the matrix [SAMPLES, n] to samples, and [SAMPLES - 1] whether a sample and
    the next are of one stroke. Strokes that meet in a point share it, so they stay together."""
    strokes = [stroke.split() for stroke in text.split("|")]
    names = list(dict.fromkeys(name for stroke in strokes for name in stroke))
    points = np.array([name.split(",") for name in names], np.float32) / 100
    indices = [[names.index(name) for name in stroke] for stroke in strokes]
    sizes = [np.hypot(*np.diff(points[index], axis=0).T).sum() for index in indices]
    ends = np.round(np.cumsum(sizes) / np.sum(sizes) * SAMPLES).astype(int)
    matrix = np.zeros((SAMPLES, len(names)), np.float32)
    for index, start, end in zip(indices, [0, *ends[:-1]], ends, strict=True):
        for column, values in zip(index, _spline(len(index), end - start).T, strict=True):
            matrix[start:end, column] += values  # a closed stroke has its first point twice
    joined = np.ones(SAMPLES - 1, bool)
    joined[ends[:-1] - 1] = False
    return points, matrix, joined


def _handwriting(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For each label points [SAMPLES - 1, 2] along its strokes, and the lengths that they stand
    for, in the units of the digit's box."""
    points = np.empty((len(labels), SAMPLES - 1, 2), np.float32)
    joins = np.empty((len(labels), SAMPLES - 1), np.float32)
    choice = rng.integers(0, 1 << 16, len(labels))
    for digit, ways in enumerate(WAYS):
        for number, text in enumerate(ways):
            chosen = np.flatnonzero((labels == digit) & (choice % len(ways) == number))
            corners, matrix, joined = _way(text)
            shaken = corners + 0.035 * rng.standard_normal(
                (len(chosen), *corners.shape), np.float32
            )
            samples = matrix @ shaken
            points[chosen] = (samples[:, 1:] + samples[:, :-1]) / 2
            steps = np.diff(samples, axis=1)
            joins[chosen] = np.hypot(steps[..., 0], steps[..., 1]) * joined
    return points, joins


def _to_pixels(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bend, slant, turn, stretch and move the digits, each differently; the result is in pixels."""
    count = len(points)

    def normal(scale: float, *shape: int) -> np.ndarray:
        return scale * rng.standard_normal((count, *shape), np.float32)

    points = points - 0.5
    for _ in range(2):
        phase = points @ normal(4.5, 2, 1) + rng.uniform(0, 2 * np.pi, (count, 1, 1)).astype("f4")
        points = points + np.sin(phase) * normal(0.031, 1, 2)
    turn, slant = normal(0.11), normal(0.18)
    width, height = 17 + normal(1.8), 20 + normal(1.4)
    cosine, sine = np.cos(turn), np.sin(turn)
    matrix = np.stack(
        [width * cosine, width * sine, -height * (sine + slant * cosine), height * cosine], axis=1
    ).reshape(count, 2, 2)
    return points @ matrix + (SIZE - 1) / 2 + normal(0.9, 1, 2)


# ---------------------------------------------------------------- ink


def _ink(points: np.ndarray, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images [n, SIZE, SIZE] uint8 of the points, each with ink as long as its piece of stroke."""
    count = len(points)
    dots = _splat(points, lengths * 20)
    pens = rng.integers(0, len(PEN_WIDTHS), count)
    images = np.empty_like(dots)
    pixels = np.arange(SIZE)
    for number, pen in enumerate(PEN_WIDTHS):
        blur = np.exp(-((pixels[:, None] - pixels) ** 2) / (2 * pen**2)).astype(np.float32)
        images[pens == number] = blur @ dots[pens == number] @ blur
    pressure = rng.uniform(0.9, 1.8, (count, 1, 1)).astype(np.float32)
    images = 1.25 * (1 - np.exp(-pressure * images)) - 0.18  # ink saturates, and its edge is sharp
    images *= 1 + 0.1 * rng.standard_normal(images.shape, np.float32)
    return (np.clip(images, 0, 1) * 255).astype(np.uint8)


def _splat(points: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Spread each amount over the four pixels around its point; what falls outside is lost."""
    count = len(points)
    side = SIZE + 2  # a margin catches what is outside
    points = np.clip(points + 1, 0, side - 1.001)
    corner = points.astype(np.int32)
    part = points - corner
    first = (np.arange(count)[:, None] * side + corner[..., 1]) * side + corner[..., 0]
    total = np.zeros(count * side * side)
    for down in (0, 1):
        for right in (0, 1):
            x_share = part[..., 0] if right else 1 - part[..., 0]
            y_share = part[..., 1] if down else 1 - part[..., 1]
            where = (first + (down * side + right)).ravel()
            total += np.bincount(where, (amounts * x_share * y_share).ravel(), len(total))
    return total.reshape(count, side, side)[:, 1:-1, 1:-1].astype(np.float32)
