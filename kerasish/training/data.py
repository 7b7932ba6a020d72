"""Data for training: arrays checked against the model, and handed to it in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from kerasish import engines, tree
from kerasish.graph import dtypes
from kerasish.graph.spec import Spec
from kerasish.training import checks
from kerasish.training.rows import Rows, is_on_disk, keeps_values
from kerasish.utils.arguments import suggestion

# Arrays up to this size are placed on the engine whole; more goes there batch by batch.
RESIDENT_BYTES = 2 << 30

_ALIGNMENT = 64


class Data:
    """Inputs, targets and sample weights of equally many samples.

    Args:
        x: an array, a pandas object, or a list, tuple or dict of them.
        y: likewise, or None, which entries of a list or dict may be too.
        sample_weight: likewise.
        input_names: of the model's inputs, for messages and for matching dicts.
        as_given: whether x keeps its dtypes and may hold strings, for the host to compute with.
        uneven: whether arrays may have different numbers of rows, so that all of it counts as one
            sample: a batch of a program's own making. None: if those of x have, such as the nodes
            and edges of a graph.

    Attributes:
        parts: x, y and sample_weight as arrays.
        arrays: all of them in one list. Those that stay in a file are `Rows`.
        size: the number of samples.
        is_whole: whether the arrays are a batch with an axis of size 1 in front.
    """

    is_whole = False

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        input_names: Sequence[str] = (),
        as_given: bool = False,
        uneven: bool | None = False,
    ):
        y, sample_weight = _without_none(y), _without_none(sample_weight, weights=True)
        self.parts: tuple[Any, Any, Any] = (
            _arrays(x, "x", input_names, as_given),
            None if y is None else _arrays(y, "y", ()),
            None if sample_weight is None else _arrays(sample_weight, "sample_weight", ()),
        )
        self.arrays: list[Any] = tree.flatten([p for p in self.parts if p is not None])
        self.names = list(self._names())
        looked_at = self.arrays if uneven else tree.flatten(self.parts[0])
        if uneven is not False and len({len(array) for array in looked_at}) > 1:
            self.arrays = [np.asarray(array)[None] for array in self.arrays]
            self.parts, self.is_whole = self.packed(self.arrays), True
        self.size = self._check_sizes()
        self._resident: tuple[Any, list[Any]] | None = None

    def _names(self) -> Iterator[str]:
        for what, part in zip(("x", "y", "sample_weight"), self.parts, strict=True):
            count = 0 if part is None else len(tree.flatten(part))
            yield from [what] if count == 1 else (f"{what}[{i}]" for i in range(count))

    def _check_sizes(self) -> int:
        sizes = {name: len(array) for name, array in zip(self.names, self.arrays, strict=True)}
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

    @cached_property
    def signature(self) -> Any:
        """What makes two batches alike: structure, dtypes and shapes of samples."""
        return self.structure, self.sample_shapes

    @cached_property
    def structure(self) -> Any:
        """How the arrays are nested, their dtypes and ranks."""
        kinds = tuple(None if part is None else _structure(part) for part in self.parts)
        return kinds, tuple((array.dtype, array.ndim) for array in self.arrays), self.is_whole

    @property
    def sample_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one sample of each array, in order."""
        return tuple(array.shape[1:] for array in self.arrays)

    @property
    def in_memory(self) -> bool:
        """Whether all of it is, and little enough to be placed on the engine whole."""
        whole = not any(isinstance(array, Rows) for array in self.arrays)
        return whole and sum(array.nbytes for array in self.arrays) <= RESIDENT_BYTES

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

    def unpacked(self, tensors: Sequence[Any]) -> tuple[Any, Any, Any]:
        """`packed`, for what stands for the arrays, without the axis of a whole batch."""
        return self.packed([x[0] for x in tensors] if self.is_whole else tensors)

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first samples, and the last `fraction` of them."""
        if isinstance(fraction, str) or not 0 < fraction < 1:
            raise ValueError(f"validation_split must be between 0 and 1, but got {fraction!r}.")
        cut = int(self.size * (1 - fraction))
        if cut in (0, self.size):
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves nothing on one side."
            )
        return (
            self._with([array[:cut] for array in self.arrays]),
            self._with([array[cut:] for array in self.arrays]),
        )

    def batch(self, rows: np.ndarray) -> Data:
        """The samples of the given numbers, in memory."""
        return self._with([a.read(rows) if isinstance(a, Rows) else a[rows] for a in self.arrays])

    def loaded(self) -> Data:
        """All samples, in memory."""
        rows_in_files = any(isinstance(array, Rows) for array in self.arrays)
        return self.batch(np.arange(self.size)) if rows_in_files else self

    def copied(self) -> Data:
        """The same numbers in memory of their own."""
        return self._with([np.array(array) for array in self.arrays])

    def room(self, count: int) -> Data:
        """Memory for `count` batches like this one, with nothing in it yet."""
        shapes = [(count * self.size, *array.shape[1:]) for array in self.arrays]
        pairs = zip(shapes, self.arrays, strict=True)
        return self.like([_aligned(shape, array.dtype) for shape, array in pairs])

    def part(self, start: int, stop: int) -> Data:
        """The samples from `start` to `stop`, as views."""
        return self.like([array[start:stop] for array in self.arrays])

    def with_inputs(self, change: Callable[[Any], Any]) -> Data:
        """The data with `change` made to x."""
        x = change(self.parts[0])
        if x is self.parts[0]:
            return self
        count = len(tree.flatten(self.parts[0]))
        new = self._with(self.arrays)
        new.arrays = [*tree.flatten(x), *self.arrays[count:]]
        new.parts = (x, *self.parts[1:])
        new.names = list(new._names())
        return new

    def _with(self, arrays: list[Any]) -> Data:
        new = object.__new__(Data)
        new.arrays = arrays
        new.parts = self.packed(arrays)
        new.names, new.is_whole = self.names, self.is_whole
        new.size = len(arrays[0])
        new._resident = None
        return new

    def like(self, arrays: Sequence[np.ndarray]) -> Data:
        """Data of the same kind: only numbers and the number of samples may differ."""
        pairs = zip(arrays, self.arrays, strict=True)
        new = self._with([array.astype(own.dtype, copy=False) for array, own in pairs])
        new.structure, new.signature = self.structure, self.signature
        return new

    def on_engine(self) -> list[Any]:
        """The arrays on the current engine."""
        engine = engines.current_engine()
        if self._resident is None or self._resident[0] is not engine:
            self._resident = (engine, [engine.put(array) for array in self.arrays])
        return self._resident[1]

    def check_values(self) -> None:
        """Raises ValueError if an array holds NaN."""
        checks.check_numbers(zip(self.names, self.arrays, strict=True))


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array whose memory begins where engines like it to, so that they need no copy."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def _structure(part: Any) -> Any:
    """What tells apart nested structures, hashable."""
    if isinstance(part, dict):
        return tuple((key, _structure(part[key])) for key in sorted(part))
    if isinstance(part, (list, tuple)):
        return tuple(_structure(item) for item in part)
    return "array"


def _arrays(value: Any, what: str, names: Sequence[str], as_given: bool = False) -> Any:
    """`value` with its leaves as arrays, of dtypes that engines take or `as_given`."""
    if isinstance(value, dict):
        unknown = [key for key in value if names and key not in names]
        if unknown and any(name not in value for name in names):
            raise ValueError(
                f"{what} has the key {unknown[0]!r}, but the model has no such name."
                f"{suggestion(str(unknown[0]), names)} The names are {list(names)}."
            )
        # Where all names are there, what is beside them is for others, as in all Kerases.
        used = {key: item for key, item in value.items() if key not in unknown}
        return {k: _arrays(item, f"{what}[{k!r}]", (), as_given) for k, item in used.items()}
    if isinstance(value, (list, tuple)) and not _is_plain_list(value):
        return [_arrays(item, f"{what}[{i}]", (), as_given) for i, item in enumerate(value)]
    return _array(value, what, as_given)


def _without_none(value: Any, weights: bool = False) -> Any:
    """Targets or weights without entries of None: a list of weights has ones there."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not None} or None
    if not isinstance(value, (list, tuple)) or all(item is not None for item in value):
        return value
    given = [item for item in value if item is not None]
    if not weights or not given:
        return given or None
    return [np.ones(len(given[0])) if item is None else item for item in value]


def _is_plain_list(value: Any) -> bool:
    """Whether a list holds numbers (one array) rather than arrays (several)."""
    plain = (int, float, list, tuple, np.generic)
    others = (item for item in value if not isinstance(item, plain))
    return not any(
        isinstance(item, dict) or is_on_disk(item) or getattr(item, "shape", ()) != ()
        for item in others
    )


def _array(value: Any, what: str, as_given: bool) -> Any:
    if is_on_disk(value):
        if len(value) == 0:
            raise ValueError(f"There is no data: {what} holds 0 samples.")
        rows = Rows(value, (lambda dtype: dtype) if as_given else _engine_dtype)
        if not as_given:
            _check_kind(rows.stored, what, None)
        return rows
    frame = as_given and hasattr(value, "to_numpy")
    array = value.to_numpy() if frame else _in_memory(value, what)
    if array.ndim == 0:
        raise ValueError(
            f"{what} must have samples along its first axis, but it is a scalar. A source of data "
            "gives batches of samples, not single ones (tf.data: .batch(32))."
        )
    if as_given:
        return array
    _check_kind(array.dtype, what, array.flat[0] if array.size else None)
    dtype = _engine_dtype(array.dtype)
    if dtype != array.dtype and array.nbytes > RESIDENT_BYTES:
        return Rows(array, _engine_dtype)  # no second copy of something so large
    return array.astype(dtype if keeps_values(array, dtype) else array.dtype, copy=False)


def _in_memory(value: Any, what: str) -> np.ndarray:
    """Whatever holds numbers as an array: pandas, tensors of any library, lists."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy"):
        return _of_pandas(value, what)
    if hasattr(value, "detach"):  # a torch tensor, perhaps on a GPU or in a gradient's graph
        value = value.detach().cpu().numpy()
    if not hasattr(value, "__array__") and not isinstance(value, (list, tuple)):
        hint = " Make it dense first: .toarray()." if hasattr(value, "toarray") else ""
        hint = " Load the file first." if isinstance(value, str) else hint
        raise TypeError(
            f"{what} must be a NumPy array, or a list or dict of arrays, but got "
            f"{type(value).__name__}.{hint}"
        )
    try:
        return np.asarray(value)
    except ValueError:
        if not isinstance(value, (list, tuple)):
            raise
        raise ValueError(f"{what} is a list whose items differ in length.") from None


def _of_pandas(value: Any, what: str) -> np.ndarray:
    kinds = dict(value.dtypes.items()) if hasattr(value, "columns") else {what: value.dtype}
    for name, dtype in kinds.items():
        if getattr(dtype, "kind", "O") not in "biuf":
            raise TypeError(
                f"{what} must hold numbers, but column {name!r} has the dtype {dtype}. Convert it, "
                "for example with pandas.get_dummies, or leave it out."
            )
    array = value.to_numpy()
    if array.dtype.kind == "O":  # columns of several types, or missing values
        array = value.to_numpy(dtype="float64", na_value=np.nan)
    return array


def _check_kind(dtype: np.dtype, what: str, first: Any) -> None:
    if dtype.kind not in "biuf":
        example = "" if first is None else f" (the first value is {first!r:.60})"
        advice = "Convert it, for example with .astype('float32')."
        if isinstance(first, np.ndarray):
            advice = "Make one array of its items: np.stack(list(x))."
        elif isinstance(first, (str, bytes)) and what.startswith("y"):
            advice = "Number the classes: names, y = np.unique(y, return_inverse=True)."
        elif isinstance(first, (str, bytes)):
            advice += ' Texts go into a model by Input(dtype="string") and a TextVectorization.'
        raise TypeError(f"{what} must hold numbers, but its dtype is {dtype}{example}. {advice}")


_SHORTER = {np.dtype(name): np.dtype("int32") for name in ("int64", "uint64", "uint32")}
_DOUBLE = np.dtype("float64")


def _engine_dtype(dtype: np.dtype) -> np.dtype:
    """float64 becomes floatx, and 64-bit whole numbers 32-bit ones."""
    if dtype == _DOUBLE:
        return np.dtype(dtypes.standardize(None))
    return _SHORTER.get(dtype, dtype)
