"""Houses in Boston: 506 districts of the 1970s, and what a house is worth there."""

from __future__ import annotations

import os

from kerasish.datasets.tables import Split, read_table, split


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """The house prices of Boston (Harrison and Rubinfeld, "Hedonic housing prices and the demand
    for clean air", 1978).

    The 13 columns are, for each district: the crime rate, the shares of large plots and of
    industry, whether it lies on the river, nitric oxides, rooms per house, the share of old houses,
    the distance to work, access to highways, the tax rate, pupils per teacher, a number made from
    the share of black people, and the share of poor people. That last but one column takes for
    granted that segregation raises prices; for anything but old programs,
    `datasets.california_housing` is the better choice.

    Args:
        path: an existing `.npz` file with the arrays x and y, which is used as it is; else the name
            under which the file is downloaded to `<KERAS_HOME>/datasets`.
        test_split: the share of the test data, from 0 to below 1.
        seed: of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all float64. By default x_train has the shape
        (404, 13) and x_test (102, 13). Targets, of the shapes (404,) and (102,), are median values
        of houses in thousands of dollars, from 5 to 50.

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file that is another one, or a `test_split` out of bounds.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (404, 13)
    """
    x, y = read_table("boston_housing.npz", path, "Boston Housing", columns=13)
    return split(x, y, test_split, seed)
