"""Categories: encoded as rows, or hashed to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.compat import older_names
from kerasish.graph import dtypes
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import positive
from kerasish.layers.preprocessing import hashes
from kerasish.layers.preprocessing.base import (
    DataLayer,
    HostLayer,
    check_categories,
    encoded,
    reject_sparse,
    strings,
)
from kerasish.layers.preprocessing.base import output_mode as checked_mode


@older_names(max_tokens="num_tokens")
class CategoryEncoding(DataLayer):
    """Category numbers as rows of 0 and 1, or of counts.

    Args:
        num_tokens: the number of categories; the inputs are below.
        output_mode: "multi_hot": one row per sample, 1 at all its categories. "one_hot": a row
            for each input. "count": one row per sample, how often each category occurs.
        sparse: must be False.

    Raises:
        ValueError: called with a category that is not below num_tokens.

    Shapes:
        "one_hot": (..., 1) -> (..., num_tokens); others: (batch, n) -> (batch, num_tokens),
        (n,) -> (num_tokens,)

    >>> CategoryEncoding(3, "count")(np.array([[0, 2, 2]])).numpy()
    array([[1., 0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        reject_sparse(sparse, "CategoryEncoding")
        self.num_tokens = positive(num_tokens, "CategoryEncoding: num_tokens")
        modes = ("multi_hot", "one_hot", "count")
        self.output_mode = checked_mode(output_mode, "CategoryEncoding", modes)
        self.sparse = False
        self.built = True

    def call(self, inputs: Tensor, count_weights: Any = None) -> Tensor:
        """The rows. `count_weights`, of the shape of the inputs: what each of them counts."""
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f'Layer {self.name}: count_weights go with output_mode="count", not with '
                f"{self.output_mode!r}."
            )
        check_categories(inputs, self.num_tokens, self.name)
        dtype = self.compute_dtype
        return encoded(inputs, self.output_mode, self.num_tokens, dtype, count_weights)


class Hashing(HostLayer):
    """Strings or whole numbers as numbers of bins, by a hash function.

    It works on data and on an Input of a model, on the host. The numbers are those of
    Keras. Without a `salt` the function is FarmHash
    (https://github.com/google/farmhash); with one it is SipHash (Aumasson and Bernstein, 2012).

    Args:
        num_bins: the number of bins.
        mask_value: what goes to bin 0, which nothing else then does; nothing special if None.
        salt: a number, or two: the key of the other hash function.
        output_mode: "int", "one_hot", "multi_hot" or "count", as of `Discretization`.
        sparse: must be False.

    Shapes:
        "int": any -> the same; "one_hot": (..., 1) -> (..., bins); others: (batch, n) ->
        (batch, bins)

    >>> Hashing(3)(["a", "b", "a"]).numpy()
    array([0, 1, 0])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ):
        reject_sparse(sparse, "Hashing")
        self.output_mode = checked_mode(output_mode, "Hashing")
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if self.output_mode == "int" else None
        super().__init__(**kwargs)
        if self.output_mode == "int" and not dtypes.is_int(self.compute_dtype):
            raise ValueError(
                f'Hashing: output_mode "int" needs dtype "int32" or "int64", not {self.dtype!r}.'
            )
        self.num_bins = positive(num_bins, "Hashing: num_bins")
        self.mask_value = mask_value
        self.salt = checked_salt(salt, "Hashing")
        self.sparse = False

    def call(self, inputs: np.ndarray) -> np.ndarray:
        """The bins, in the form of `output_mode`."""
        values = texts_or_ints(inputs, self.name)
        masks = self.mask_value is not None and self.num_bins > 1
        key = None if self.salt is None else (self.salt[0], self.salt[1])
        bins = hashes.buckets(values, self.num_bins - masks, key)
        if masks:
            bins = np.where(values == self.mask_value, 0, bins + 1)
        return np.asarray(encoded(bins, self.output_mode, self.num_bins, self.compute_dtype))


class HashedCrossing(HostLayer):
    """Pairs (or more) of categories as numbers of bins, by a hash function.

    It works on data and on Inputs of a model, on the host. The numbers are those of Keras.

    Args:
        num_bins: the number of bins.
        output_mode: "int" or "one_hot".
        sparse: must be False.

    Shapes:
        a list of (batch, 1), (batch,) or () -> the same, with a last axis of size num_bins for
        "one_hot"

    >>> HashedCrossing(5)([["a", "b"], [7, 8]]).numpy()
    array([1, 1])
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        reject_sparse(sparse, "HashedCrossing")
        self.output_mode = checked_mode(output_mode, "HashedCrossing", ("int", "one_hot"))
        if dtype is None and self.output_mode == "int":
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.num_bins = positive(num_bins, "HashedCrossing: num_bins")
        self.sparse = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or not isinstance(args[0], (list, tuple)) or len(args[0]) < 2:
            raise ValueError(f"Layer {self.name} takes a list of at least two inputs.")
        columns = [x if hasattr(x, "shape") else np.asarray(x) for x in args[0]]
        return super().__call__(columns, **kwargs)

    def call(self, inputs: list[np.ndarray]) -> np.ndarray:
        """The bins, in the form of `output_mode`."""
        columns = [texts_or_ints(x, self.name, floats=False) for x in inputs]
        shapes = [column.shape for column in columns]
        if len(set(shapes)) > 1 or len(shapes[0]) > 2 or shapes[0][1:] not in ((), (1,)):
            raise ValueError(
                f"Layer {self.name} takes inputs of one shape, (batch, 1), (batch,) or (), but "
                f"got {', '.join(map(str, shapes))}."
            )
        bins = hashes.crossed(columns, self.num_bins)
        result = encoded(bins, self.output_mode, self.num_bins, self.compute_dtype)
        return np.asarray(result)


def texts_or_ints(array: np.ndarray, layer: str, floats: bool = True) -> np.ndarray:
    """Strings as Python's; numbers as whole ones, fractions cut off if `floats` are taken."""
    if array.dtype.kind in "OSU":
        return strings(array)
    if array.dtype.kind not in ("iubf" if floats else "iub"):
        raise TypeError(
            f"Layer {layer} takes strings or whole numbers, but got dtype {array.dtype}."
        )
    return array.astype("int64")


def checked_salt(salt: Any, what: str) -> list[int] | None:
    """Two whole numbers, or None; one number counts twice."""
    if salt is None:
        return None
    pair = list(salt) if isinstance(salt, (list, tuple)) else [salt, salt]
    if len(pair) != 2 or not all(isinstance(n, (int, np.integer)) for n in pair):
        raise ValueError(f"{what}: salt must be a whole number or two of them, but got {salt!r}.")
    return [int(n) for n in pair]
