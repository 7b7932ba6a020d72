"""Houses in California: 20,640 districts of 1990, and what a house is worth there."""

from __future__ import annotations

import os

from kerasish.datasets.tables import Split, read_table, split

SMALL = 600  # rows: the first ones, around San Francisco


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Split, Split]:
    """The house prices of California (Pace and Barry, "Sparse spatial autoregressions", 1997).

    The 8 columns are, for each district: longitude, latitude, the median age of houses, the numbers
    of rooms, bedrooms, people and households, and the median income.

    Args:
        version: "large" for all 20,640 districts, "small" for the first 600, which lie around San
            Francisco.
        path: an existing `.npz` file with the arrays x and y, which is used as it is; else the name
            under which the file is downloaded to `<KERAS_HOME>/datasets`.
        test_split: the share of the test data, from 0 to below 1.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all floats. By default x_train has the shape
        (16512, 8) and x_test (4128, 8); of the small version, (480, 8) and (120, 8). Targets, one
        for each row, are median values of houses in dollars.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file that is another one, another version, or a `test_split` out of
            bounds.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("small")  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (480, 8)
    """
    if version not in ("small", "large"):
        raise ValueError(f"california_housing: version must be 'small' or 'large', got {version!r}")
    x, y = read_table("california_housing.npz", path, "California Housing", columns=8)
    if version == "small":
        x, y = x[:SMALL], y[:SMALL]
    return split(x, y, test_split, seed)
