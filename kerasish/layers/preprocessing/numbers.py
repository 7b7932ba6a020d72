"""Numbers: normalised, rescaled, or put into bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import positive
from kerasish.layers.preprocessing.base import (
    DataLayer,
    as_data,
    batches,
    check_unused,
    encoded,
    reject_sparse,
)
from kerasish.layers.preprocessing.base import output_mode as checked_mode


class Rescaling(DataLayer):
    """inputs * scale + offset, as in 1 / 255 for pixels.

    Args:
        scale: a number, or one per channel.
        offset: likewise.

    Shapes:
        any -> the same, in the layer's dtype

    >>> Rescaling(1 / 255, -0.5)(np.array([0, 255])).numpy()
    array([-0.5,  0.5], dtype=float32)
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Scaled and moved."""
        scale, offset = (np.asarray(v, "float64") for v in (self.scale, self.offset))
        if scale.ndim and config.image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        dtype = self.compute_dtype
        return ops.cast(inputs, dtype) * ops.cast(scale, dtype) + ops.cast(offset, dtype)


class Normalization(DataLayer):
    """(inputs - mean) / deviation, both learnt from data by `adapt`, or given.

    Args:
        axis: the axes that have a mean and a deviation for each index; None for one of all.
        mean: the means, a number or an array; from `adapt` if None.
        variance: the squares of the deviations, likewise.
        invert: whether to do the opposite: inputs * deviation + mean.

    Raises:
        ValueError: only one of mean and variance is given.

    Shapes:
        any -> the same

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[0.0], [4.0]]))
    >>> layer(np.array([[0.0], [2.0], [4.0]])).numpy().ravel()
    array([-1.,  0.,  1.], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Normalization: mean and variance must be given together, but got {mean!r} and "
                f"{variance!r}."
            )
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                f"Normalization: mean has shape {np.shape(mean)}, but variance "
                f"{np.shape(variance)}."
            )
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance = mean, variance
        self.invert = invert

    def build(self, input_shape: Any) -> None:
        """Makes the weights that `adapt` sets, if the numbers are not given."""
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"Layer {self.name}: axis {self.axis} does not fit inputs of shape "
                f"{format_shape(input_shape)}."
            )
        self._kept = tuple(sorted({axis % rank for axis in self.axis}))
        given = np.shape(self.input_mean) if self.input_mean is not None else ()
        if len(given) > len(self._kept):
            raise ValueError(
                f"Layer {self.name}: the mean has shape {given}, more axes than axis={self.axis}, "
                "those along which numbers are kept."
            )
        sizes = [input_shape[axis] for axis in self._kept]
        if None in sizes:
            raise ValueError(
                f"Layer {self.name}: the sizes of the axes {self.axis} must be known, but the "
                f"inputs have shape {format_shape(input_shape)}."
            )
        self._spread = [n if i in self._kept else 1 for i, n in enumerate(input_shape)]
        if self.input_mean is None:
            of_data = {"shape": sizes, "trainable": False}
            self.adapt_mean = self.add_weight(name="mean", initializer="zeros", **of_data)
            self.adapt_variance = self.add_weight(name="variance", initializer="ones", **of_data)
            self.count = self.add_weight(
                name="count", initializer="zeros", dtype="int32", trainable=False
            )

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns means and variances, and forgets those learnt before.

        Args:
            data: an array, or what yields batches (a generator, a PyDataset, a
                `tf.data.Dataset`), of inputs or of tuples that begin with them.
            steps: how many batches to take; all if None.
        """
        if self.input_mean is not None:
            raise ValueError(f"Layer {self.name} was given its mean; it cannot be adapted.")
        total, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in batches(data, steps, self.name):
            if batch.ndim == 1 and hasattr(data, "as_numpy_iterator"):
                batch = batch[None]
            self._prepare(batch.shape)
            reduced = tuple(i for i in range(batch.ndim) if i not in self._kept)
            count = int(np.prod([batch.shape[i] for i in reduced], dtype="int64"))
            if not count:
                continue
            values = batch.astype("float64")
            of_batch = values.mean(axis=reduced)
            total += count
            share = count / total
            moved = mean + (of_batch - mean) * share
            before = variance + (mean - moved) ** 2
            now = values.var(axis=reduced) + (of_batch - moved) ** 2
            variance = before * (1 - share) + now * share
            mean = moved
        if not total:
            raise ValueError(f"Layer {self.name}: there is no data to adapt to.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _prepare(self, shape: tuple[int, ...]) -> None:
        if not self.built:
            self._build(shape)
        wanted = [self._spread[axis] for axis in self._kept]
        if len(shape) != len(self._spread) or [shape[axis] for axis in self._kept] != wanted:
            raise ValueError(
                f"Layer {self.name} was built for the sizes {wanted} of the axes {self._kept}, "
                f"but adapt got data of shape {shape}."
            )

    @property
    def mean(self) -> Any:
        """The means, in the shape in which they meet the inputs."""
        return self._placed(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variances, in the shape in which they meet the inputs."""
        return self._placed(self.input_variance, "adapt_variance")

    def _placed(self, given: Any, weight: str) -> Any:
        if not self.built:
            return None
        if given is None:
            return ops.reshape(getattr(self, weight), self._spread)
        value = np.asarray(given, "float32")
        sizes = [1] * len(self._spread)
        for i in range(1, value.ndim + 1):
            sizes[self._kept[-i]] = value.shape[-i]
        return ops.broadcast_to(value.reshape(sizes), self._spread)

    def call(self, inputs: Tensor) -> Tensor:
        """Normalised, or the opposite."""
        dtype = self.compute_dtype
        mean = ops.cast(self.mean, dtype)
        spread = ops.maximum(ops.sqrt(ops.cast(self.variance, dtype)), config.epsilon())
        x = ops.cast(inputs, dtype)
        return x * spread + mean if self.invert else (x - mean) / spread

    def get_config(self) -> dict[str, Any]:
        given = (self.input_mean, self.input_variance)
        mean, variance = (None if v is None else np.asarray(v).tolist() for v in given)
        return super().get_config() | {"mean": mean, "variance": variance}


class Discretization(DataLayer):
    """Numbers as the numbers of the bins that they fall in.

    Args:
        bin_boundaries: where bins end and the next begin, ascending.
        num_bins: how many bins `adapt` makes, of about equally many values each.
        epsilon: how exact the boundaries of `adapt` are; a smaller one takes longer.
        output_mode: "int": the numbers of bins. "one_hot": a row for each. "multi_hot": one row
            per sample, 1 at its bins. "count": one row per sample, how many values are in each.
        sparse: must be False.

    Raises:
        ValueError: not one of bin_boundaries and num_bins is given.

    Shapes:
        "int": any -> the same; "one_hot": (..., 1) -> (..., bins); others: (batch, n) ->
        (batch, bins)

    >>> Discretization([0.0, 1.0])(np.array([-3.0, 0.5, 9.0])).numpy()
    array([0, 1, 2], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(dtype=dtype, name=name, **kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                "Discretization: either bin_boundaries or num_bins must be given, but got "
                f"{bin_boundaries!r} and {num_bins!r}."
            )
        reject_sparse(sparse, "Discretization")
        self.bin_boundaries = None if bin_boundaries is None else _floats(bin_boundaries)
        self.num_bins = None if num_bins is None else positive(num_bins, "Discretization: num_bins")
        self.epsilon = epsilon
        self.output_mode = checked_mode(output_mode, "Discretization")
        self.sparse = False
        self.built = True
        self.reset_state()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries between which about equally many values lie.

        Args:
            data: an array, a list, or what yields batches.
            steps: how many batches to take; all if None.
        """
        if self.num_bins is None:
            raise ValueError(
                f"Layer {self.name} was given bin_boundaries; give it num_bins to adapt it."
            )
        self.reset_state()
        for batch in batches(data, steps, self.name):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the data seen so far."""
        self._summary = np.zeros((2, 0), "float32")

    def update_state(self, data: Any) -> None:
        """Takes more data into account; `finalize_state` makes boundaries of it."""
        fresh = _summary(np.asarray(as_data(data)).astype("float32"), self.epsilon)
        joined = np.concatenate([fresh, self._summary], axis=1)
        ordered = joined[:, np.argsort(joined[0])]
        self._summary = _thinned(ordered, self.epsilon)

    def finalize_state(self) -> None:
        """Sets the boundaries from the data seen so far."""
        if self.num_bins is not None:
            check_unused(self)
            if not self._summary.size:
                raise ValueError(f"Layer {self.name}: there is no data to adapt to.")
            self.bin_boundaries = _thinned(self._summary, 1 / self.num_bins)[0, :-1].tolist()

    def call(self, inputs: Tensor) -> Tensor:
        """The bins, in the form of `output_mode`."""
        if self.bin_boundaries is None:
            raise ValueError(
                f"Layer {self.name} has no boundaries yet: call its adapt(data), or give it "
                "bin_boundaries."
            )
        x = ops.cast(inputs, "float32")
        bins = ops.digitize(x, np.asarray(self.bin_boundaries, "float32"))
        dtype = "int32" if self.output_mode == "int" else self.compute_dtype
        return encoded(bins, self.output_mode, len(self.bin_boundaries) + 1, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.trainable:
            del config["trainable"]  # which this layer of Keras 3 doesn't take
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """An adapted layer has both boundaries and num_bins."""
        boundaries = config.get("bin_boundaries")
        if boundaries is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _floats(boundaries)
        return layer


def _floats(values: Any) -> list[float]:
    array = np.asarray(values, "float64")
    if array.ndim != 1 or (np.diff(array) < 0).any():
        raise ValueError(
            f"Discretization: bin_boundaries must be a list of ascending numbers, but got "
            f"{values!r:.80}."
        )
    return array.tolist()


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    """Values out of sorted ones, and how many each stands for: float32 [2, n]."""
    ordered = np.sort(values, axis=None)
    step = max(ordered.size * epsilon, 1)
    chosen = ordered[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def _thinned(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary in steps of the share `epsilon` of all values, between which it is linear."""
    if summary.shape[1] * epsilon < 1:
        return summary
    sums = summary[1].cumsum()
    shares = sums / sums[-1]
    wanted = epsilon + np.arange(0.0, 1.0, epsilon)
    values = np.interp(wanted, shares, summary[0])
    counts = np.diff(np.interp(wanted, shares, sums), prepend=0.0)
    return np.stack([values, counts]).astype("float32")
