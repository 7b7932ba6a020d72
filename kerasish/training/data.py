"""Data for training: arrays checked against the model, and handed to it in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerasish import engines, tree
from kerasish.graph import dtypes
from kerasish.graph.spec import Spec, format_shape
from kerasish.utils.arguments import suggestion

# Data up to this size is placed on the engine whole; more goes there chunk by chunk.
RESIDENT_BYTES = 2 << 30


class Data:
    """Inputs, targets and sample weights of equally many samples.

    Args:
        x: an array, or a list, tuple or dict of arrays.
        y: likewise, or None.
        sample_weight: likewise, or None.
        input_names: of the model's inputs, for messages and for matching dicts.
        output_names: of its outputs.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        input_names: Sequence[str] = (),
        output_names: Sequence[str] = (),
    ):
        self.parts: tuple[Any, Any, Any] = (
            _arrays(x, "x", input_names),
            None if y is None else _arrays(y, "y", output_names),
            None if sample_weight is None else _arrays(sample_weight, "sample_weight", ()),
        )
        self.arrays: list[np.ndarray] = tree.flatten([p for p in self.parts if p is not None])
        self.names = [name for name, _ in self._named()]
        self.size = self._check_sizes()
        self._resident: tuple[Any, list[Any]] | None = None

    def _named(self) -> Iterator[tuple[str, np.ndarray]]:
        for what, part in zip(("x", "y", "sample_weight"), self.parts, strict=True):
            leaves = [] if part is None else tree.flatten(part)
            for i, array in enumerate(leaves):
                yield (what if len(leaves) == 1 else f"{what}[{i}]"), array

    def _check_sizes(self) -> int:
        sizes = {name: len(array) for name, array in self._named()}
        if not sizes:
            raise ValueError("There is no data: x is empty.")
        if len(set(sizes.values())) > 1:
            counts = ", ".join(f"{name}: {n}" for name, n in sizes.items())
            raise ValueError(f"All arrays must have the same number of samples, but got {counts}.")
        size = next(iter(sizes.values()))
        if size == 0:
            raise ValueError("There is no data: the arrays hold 0 samples.")
        return size

    @property
    def specs(self) -> list[Spec]:
        """Shape and dtype of each array, in order."""
        return [Spec(array.shape, array.dtype.name) for array in self.arrays]

    @property
    def signature(self) -> Any:
        """What a step has to be traced anew for: structure, sample shapes and dtypes."""
        kinds = tuple(part is not None for part in self.parts)
        return kinds, tuple((spec.shape[1:], spec.dtype) for spec in self.specs)

    def packed(self, flat: Sequence[Any]) -> tuple[Any, Any, Any]:
        """(x, y, sample_weight) with the arrays replaced by `flat`, in order."""
        leaves = iter(flat)
        result: list[Any] = []
        for part in self.parts:
            if part is None:
                result.append(None)
            else:
                result.append(tree.pack(part, [next(leaves) for _ in tree.flatten(part)]))
        return result[0], result[1], result[2]

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first samples, and the last `fraction` of them."""
        if not 0 < fraction < 1:
            raise ValueError(f"validation_split must be between 0 and 1, but got {fraction}.")
        cut = int(self.size * (1 - fraction))
        if cut in (0, self.size):
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves nothing on one side."
            )
        return self._part(slice(None, cut)), self._part(slice(cut, None))

    def _part(self, rows: slice) -> Data:
        new = object.__new__(Data)
        new.arrays = [array[rows] for array in self.arrays]
        new.parts = self.packed(new.arrays)
        new.names = self.names
        new.size = len(new.arrays[0])
        new._resident = None
        return new

    def on_engine(self, order: np.ndarray) -> tuple[list[Any], np.ndarray]:
        """The data on the current engine, and `order` as indices into it."""
        engine = engines.current_engine()
        if sum(array.nbytes for array in self.arrays) > RESIDENT_BYTES:
            chunk = [engine.put(array[order.ravel()]) for array in self.arrays]
            return chunk, np.arange(order.size, dtype="int32").reshape(order.shape)
        if self._resident is None or self._resident[0] is not engine:
            self._resident = (engine, [engine.put(array) for array in self.arrays])
        return self._resident[1], order

    def check_values(self) -> None:
        """Raises ValueError if an array holds NaN."""
        for name, array in self._named():
            # The sum of an array is NaN if it holds any; that is the quickest look.
            if array.dtype.kind == "f" and np.isnan(np.sum(array)):
                flat = np.isnan(array.reshape(len(array), -1)).any(axis=1)
                if flat.any():
                    raise ValueError(
                        f"{name} holds NaN (not a number) in {int(flat.sum())} of {len(array)} "
                        f"samples, the first in sample {int(flat.argmax())}. Every loss and "
                        "weight would become NaN. Clean it, for example with np.nan_to_num."
                    )


def _arrays(value: Any, what: str, names: Sequence[str]) -> Any:
    """`value` with its leaves as arrays of dtypes that engines take."""
    if isinstance(value, dict):
        unknown = [key for key in value if names and key not in names]
        if unknown:
            raise ValueError(
                f"{what} has the key {unknown[0]!r}, but the model has no such name."
                f"{suggestion(str(unknown[0]), names)} The names are {list(names)}."
            )
        return {key: _array(item, f"{what}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not _is_plain_list(value):
        return [_array(item, f"{what}[{i}]") for i, item in enumerate(value)]
    return _array(value, what)


def _is_plain_list(value: Any) -> bool:
    """Whether a list holds numbers (one array) rather than arrays (several)."""
    return not value or not any(hasattr(item, "shape") for item in value)


def _array(value: Any, what: str) -> np.ndarray:
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if not isinstance(value, np.ndarray):
        if not hasattr(value, "__array__") and not isinstance(value, (list, tuple)):
            raise TypeError(
                f"{what} must be a NumPy array, or a list or dict of arrays, but got "
                f"{type(value).__name__}."
            )
        try:
            value = np.asarray(value)
        except ValueError:
            raise ValueError(f"{what} is a list whose items differ in length.") from None
    if value.dtype.kind not in "biuf":
        raise TypeError(
            f"{what} must hold numbers, but its dtype is {value.dtype} (the first value is "
            f"{value.flat[0]!r:.60}). Convert it, for example with .astype('float32')."
            if value.size
            else f"{what} must hold numbers, but its dtype is {value.dtype}."
        )
    if value.ndim == 0:
        raise ValueError(f"{what} must have samples along its first axis, but it is a scalar.")
    return value.astype(_engine_dtype(value.dtype.name), copy=False)


def _engine_dtype(name: str) -> str:
    """float64 becomes floatx, and 64-bit whole numbers 32-bit ones."""
    if name == "float64":
        return dtypes.standardize(None)
    return {"int64": "int32", "uint64": "int32", "uint32": "int32"}.get(name, name)


def check_classes(targets: np.ndarray, classes: int | None, name: str) -> None:
    """Raises ValueError if class numbers are out of range."""
    if classes is None or not targets.size:
        return
    low, high = targets.min(), targets.max()
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise ValueError(
            f"Output {name} has {classes} classes, so its targets must be from 0 to "
            f"{classes - 1}, but y holds {wrong:g}. Fix the labels, or give the last layer "
            f"{int(high) + 1} units."
        )


def class_weights(y: Any, weights: dict[int, float]) -> np.ndarray:
    """The weight of each sample by its class.

    Args:
        y: class numbers, or one-hot rows.
        weights: class number -> weight; classes not named weigh 1.
    """
    if isinstance(y, (list, tuple, dict)):
        raise ValueError("class_weight works for models with one output only.")
    one_hot = y.ndim > 1 and y.shape[-1] > 1
    classes = np.argmax(y, axis=-1) if one_hot else y.reshape(len(y), -1)[:, 0].astype("int64")
    if classes.ndim != 1:
        raise ValueError(
            f"class_weight needs one class per sample, but y has shape {format_shape(y.shape)}."
        )
    unknown = [key for key in weights if not isinstance(key, (int, np.integer))]
    if unknown:
        raise ValueError(
            f"class_weight maps class numbers to weights, but a key is {unknown[0]!r}."
        )
    table = np.ones(max(int(classes.max()), *weights) + 1, dtype=dtypes.standardize(None))
    for key, weight in weights.items():
        table[key] = weight
    return table[classes]
