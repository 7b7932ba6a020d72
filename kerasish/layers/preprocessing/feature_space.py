"""FeatureSpace: the columns of a table as numbers that a model can take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph.dtypes import is_float, standardize
from kerasish.graph.shapes import size_of
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import one_of, positive
from kerasish.layers.core import Identity
from kerasish.layers.input import Input
from kerasish.layers.merging import Concatenate
from kerasish.layers.preprocessing.base import (
    as_data,
    called_on_host,
    has_symbolic,
    is_traced_elsewhere,
)
from kerasish.layers.preprocessing.categories import CategoryEncoding, HashedCrossing, Hashing
from kerasish.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kerasish.layers.preprocessing.numbers import Discretization, Normalization, Rescaling
from kerasish.saving.registry import Registry
from kerasish.saving.serialization import (
    Configurable,
    deserialize_keras_object,
    serialize_keras_object,
)
from kerasish.utils.naming import unique_name

_Number = float  # which is a kind of features below

# What Keras's files call the module of the two small classes.
_WRITTEN_IN = "keras.src.layers.preprocessing.feature_space"


class Cross(Configurable):
    """Features that are taken together, each combination as a category.

    Args:
        feature_names: of two or more features that are made categories, which are crossed.
        crossing_dim: the number of bins that the combinations are hashed to.
        output_mode: "one_hot" or "int".

    Raises:
        ValueError: for fewer features, or another mode or number of bins.
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ):
        if isinstance(feature_names, str) or len(feature_names) < 2:
            raise ValueError(
                f"A cross takes two or more names of features, but got {feature_names!r}."
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = positive(crossing_dim, "FeatureSpace: crossing_dim")
        self.output_mode = one_of(output_mode, ("int", "one_hot"), "A cross: output_mode")

    @property
    def name(self) -> str:
        """The names with `_X_` between them."""
        return "_X_".join(self.feature_names)


class Feature(Configurable):
    """One column: what is in it, the layer that makes numbers of it, and their form.

    Args:
        dtype: of the column: "float32", "int32", "string" ...
        preprocessor: a layer, or its config.
        output_mode: "float" for numbers to be taken as they are, "int" for those of categories,
            "one_hot" for these as rows of 0 and 1.

    Raises:
        ValueError: the preprocessor is no layer, or for another mode.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        if isinstance(preprocessor, Mapping):
            preprocessor = deserialize_keras_object(preprocessor)
        if not isinstance(preprocessor, Layer):
            raise ValueError(
                f"A feature's preprocessor must be a layer, but got {preprocessor!r:.80}."
            )
        self.dtype = dtype
        self.preprocessor = preprocessor
        modes = ("int", "one_hot", "float")
        self.output_mode = one_of(output_mode, modes, "A feature: output_mode")

    def categories(self) -> int | None:
        """How many numbers the preprocessor may give; None if it does not say."""
        layer = self.preprocessor
        if hasattr(layer, "vocabulary_size"):
            return layer.vocabulary_size()
        if isinstance(layer, Discretization) and layer.bin_boundaries is not None:
            return len(layer.bin_boundaries) + 1
        return getattr(layer, "num_bins", None) or getattr(layer, "num_tokens", None)


def _learns(layer: Layer) -> bool:
    """Whether a layer is to learn from data what it was not given."""
    if isinstance(layer, Normalization):
        return layer.input_mean is None
    if isinstance(layer, Discretization):
        return layer.num_bins is not None
    return hasattr(layer, "adapt") and not getattr(layer, "_given", False)


class FeatureSpace(Layer):
    """Makes numbers of the columns of a table, each in the way that is said of it.

    It is called on a dict of columns, name -> array or list: a batch, or one sample of plain
    values. It may be a step of a `tf.data.Dataset` (`dataset.map(space)`), and it can be the
    front of a model that takes the table as it is:

        inputs, encoded = space.get_inputs(), space.get_encoded_features()
        trained = Model(encoded, Dense(1)(encoded))      # on what space makes of the data
        complete = Model(inputs, trained(encoded))       # on the data, strings included

    Args:
        features: name -> a Feature, as `FeatureSpace.float_normalized()` makes one, or the name
            of its kind: "float", "float_rescaled", "float_normalized", "float_discretized",
            "integer_categorical", "string_categorical", "integer_hashed", "string_hashed".
        output_mode: "concat": one array (batch, numbers), of the features in the order of their
            names and then of the crosses in that of theirs. "dict": name -> array.
        crosses: lists of names of features to be taken together, or what
            `FeatureSpace.cross(names, crossing_dim)` returns.
        crossing_dim: the number of bins of crosses that don't say it.
        hashing_dim: of hashed features that don't.
        num_discretization_bins: of discretized features that don't.
        name: of the layer.

    Raises:
        ValueError: for unknown kinds, modes, or names in crosses; when it is called: there are
            other columns than features, it was not adapted, or numbers of categories would be
            among others in one array.

    >>> space = FeatureSpace({"size": "float", "kind": FeatureSpace.string_categorical()})
    >>> space.adapt({"size": [1.0, 2.0], "kind": ["a", "b"]})
    >>> space({"size": [5.0], "kind": ["b"]}).numpy()
    array([[0., 1., 0., 5.]], dtype=float32)
    """

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Iterable[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not isinstance(features, Mapping) or not features:
            raise ValueError(
                f"FeatureSpace: features must be a dict of features, but got {features!r:.80}."
            )
        self.crossing_dim = positive(crossing_dim, "FeatureSpace: crossing_dim")
        self.hashing_dim = positive(hashing_dim, "FeatureSpace: hashing_dim")
        self.num_discretization_bins = positive(
            num_discretization_bins, "FeatureSpace: num_discretization_bins"
        )
        modes = ("concat", "dict")
        self.output_mode = one_of(output_mode, modes, "FeatureSpace: output_mode")
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._cross(item) for item in crosses or ()]
        self.preprocessors = {key: f.preprocessor for key, f in sorted(self.features.items())}
        self.crossers = {c.name: HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self.concat = Concatenate(axis=-1) if self.output_mode == "concat" else None
        self._is_adapted = not any(map(_learns, self.preprocessors.values()))
        self._inputs: dict[str, Tensor] | None = None
        self._encoded: Any = None
        self._widths = dict.fromkeys(self.features, 1)
        self.built = True

    def _feature(self, name: str, value: Any) -> Feature:
        if isinstance(value, Feature):
            return value
        if isinstance(value, Mapping):
            return Feature.from_config(value.get("config", value))
        kinds = {
            "float_discretized": (self.num_discretization_bins,),
            "integer_hashed": (self.hashing_dim,),
            "string_hashed": (self.hashing_dim,),
            **dict.fromkeys(("float", "float_rescaled", "float_normalized"), ()),
            **dict.fromkeys(("integer_categorical", "string_categorical"), ()),
        }
        kind = one_of(value, tuple(kinds), f"FeatureSpace: the feature {name!r}")
        return getattr(type(self), kind)(*kinds[kind], name=name)

    def _cross(self, item: Any) -> Cross:
        if isinstance(item, Mapping):
            item = Cross.from_config(item.get("config", item))
        made = item if isinstance(item, Cross) else Cross(item, self.crossing_dim)
        for name in made.feature_names:
            if name not in self.features:
                raise ValueError(
                    f"FeatureSpace: the cross {made.feature_names} names {name!r}, but the "
                    f"features are {list(self.features)}."
                )
        return made

    # --- kinds of features ---------------------------------------------------------------

    @classmethod
    def cross(
        cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> Cross:
        """Features taken together: see `Cross`."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A feature of one's own: see `Feature`."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        name = name or unique_name("float")
        return Feature("float32", Identity(name=f"{name}_preprocessor", dtype="float32"), "float")

    @classmethod
    def float_rescaled(
        cls, scale: _Number = 1.0, offset: _Number = 0.0, name: str | None = None
    ) -> Feature:
        """Numbers times `scale` plus `offset`."""
        name = name or unique_name("float_rescaled")
        return Feature("float32", Rescaling(scale, offset, name=f"{name}_preprocessor"), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with mean 0 and deviation 1, as `adapt` finds these in data."""
        name = name or unique_name("float_normalized")
        return Feature("float32", Normalization(name=f"{name}_preprocessor"), "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None = None,
        bin_boundaries: Sequence[_Number] | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Numbers put into bins.

        Args:
            num_bins: how many of about equally many values `adapt` makes; or else:
            bin_boundaries: where bins end.
            output_mode: "one_hot" or "int".
            name: of the feature.
        """
        layer = Discretization(
            bin_boundaries,
            num_bins,
            name=f"{name or unique_name('float_discretized')}_preprocessor",
        )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Whole numbers that stand for categories, which `adapt` finds in data.

        Args:
            max_tokens: how many categories at most, the most frequent; all if None.
            num_oov_indices: the number of bins for those that are not among them.
            output_mode: "one_hot" or "int".
            name: of the feature.
        """
        name = f"{name or unique_name('integer_categorical')}_preprocessor"
        layer = IntegerLookup(max_tokens, num_oov_indices, name=name)
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Strings that stand for categories: arguments as of `integer_categorical`."""
        name = f"{name or unique_name('string_categorical')}_preprocessor"
        layer = StringLookup(max_tokens, num_oov_indices, name=name)
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Whole numbers that stand for categories, hashed to bins: nothing is to be learnt.

        Args:
            num_bins: how many.
            output_mode: "one_hot" or "int".
            name: of the feature.
        """
        name = f"{name or unique_name('integer_hashed')}_preprocessor"
        return Feature("int32", Hashing(num_bins, name=name), output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Strings that stand for categories: arguments as of `integer_hashed`."""
        name = f"{name or unique_name('string_hashed')}_preprocessor"
        return Feature("string", Hashing(num_bins, name=name), output_mode)

    # --- learning ------------------------------------------------------------------------

    def adapt(self, dataset: Any) -> None:
        """Learns what the features need to know of data: means, bins, categories.

        Features that were given it (boundaries, a vocabulary) keep it.

        Args:
            dataset: a dict of columns, or what yields such dicts, of batches or of samples, or
                tuples that begin with them: a `tf.data.Dataset`, a list, a generator, a PyDataset.

        Raises:
            ValueError: a column is missing, or there is no data.
        """
        learning = {name: layer for name, layer in self.preprocessors.items() if _learns(layer)}
        if learning:
            rows = _rows(dataset)
            for name, layer in learning.items():
                layer.adapt(self._column(name, row) for row in rows)
        self._is_adapted = True
        self._inputs = self._encoded = None
        self.one_hot_encoders = {}

    def _column(self, name: str, row: Mapping[str, Any]) -> np.ndarray:
        if name not in row:
            raise ValueError(
                f"Layer {self.name}: adapt needs the column {name!r}, but got {sorted(row)}."
            )
        column = np.asarray(self._standardized(name, row[name])[0])
        self._widths[name] = column.shape[-1]
        return column

    # --- calls ---------------------------------------------------------------------------

    def __call__(self, data: Any) -> Any:
        """The numbers, in the form of `output_mode`.

        Args:
            data: name -> column (batch,) or (batch, n), or one value of one sample.
        """
        if not isinstance(data, Mapping):
            raise ValueError(
                f"Layer {self.name}: a FeatureSpace is called with a dict of columns, but got "
                f"{data!r:.80}."
            )
        if set(data) != set(self.features):
            raise ValueError(
                f"Layer {self.name}: the features are {sorted(self.features)}, but got the "
                f"columns {sorted(data)}."
            )
        self._check_adapted()
        if any(map(is_traced_elsewhere, data.values())):
            from kerasish.engines.datasets import mapped

            return mapped(self, (dict(data),), {})
        if has_symbolic(data.values()):
            return self._symbolic(dict(data))
        pairs = {name: self._standardized(name, data[name]) for name in self.features}
        encoded = self._encode({name: column for name, (column, _) in pairs.items()})
        if not all(alone for _, alone in pairs.values()):
            return encoded
        if isinstance(encoded, dict):
            return {name: ops.squeeze(x, 0) for name, x in encoded.items()}
        return ops.squeeze(encoded, 0)

    def _standardized(self, name: str, value: Any) -> tuple[Any, bool]:
        """A column as (batch, n), and whether it was one value."""
        dtype = self.features[name].dtype
        column = np.asarray(as_data(value))
        if dtype != "string" and column.dtype.kind in "biuf":
            column = column.astype(standardize(dtype))
        if column.ndim < 2:
            return column.reshape(-1, 1), column.ndim == 0
        return column, False

    def _check_adapted(self) -> None:
        if not self._is_adapted:
            raise ValueError(
                f"Layer {self.name}: call adapt(dataset) on the FeatureSpace first: "
                f"{[n for n, x in self.preprocessors.items() if _learns(x)]} learn from data."
            )

    def _encode(self, columns: Mapping[str, Any]) -> Any:
        """The numbers of columns (batch, n)."""
        self._widths = {name: column.shape[-1] for name, column in columns.items()}
        prepared = {name: layer(columns[name]) for name, layer in self.preprocessors.items()}
        encoded = {}
        for name, x in prepared.items():
            feature = self.features[name]
            encoded[name] = self._in_mode(name, x, feature.output_mode, feature.categories())
        for cross in sorted(self.crosses, key=lambda cross: cross.name):
            bins = self.crossers[cross.name]([prepared[name] for name in cross.feature_names])
            encoded[cross.name] = self._in_mode(
                cross.name, bins, cross.output_mode, cross.crossing_dim
            )
        if self.concat is None:
            return encoded
        parts = list(encoded.values())
        return self.concat(parts) if len(parts) > 1 else parts[0]

    def _in_mode(self, name: str, x: Any, mode: str, size: int | None) -> Any:
        if mode == "one_hot":
            if size is None:
                raise ValueError(
                    f"Layer {self.name}: the feature {name!r} cannot be one_hot, as its layer does "
                    'not say how many categories there are. Use output_mode="int" or "float".'
                )
            if name not in self.one_hot_encoders:
                self.one_hot_encoders[name] = CategoryEncoding(size, "multi_hot")
            return self.one_hot_encoders[name](x)
        if self.concat is not None and not is_float(x.dtype):
            raise ValueError(
                f"Layer {self.name}: the feature {name!r} gives numbers of categories ({x.dtype}), "
                'which cannot stand beside others in one array. Use output_mode="dict", or '
                '"one_hot" for the feature.'
            )
        return x

    # --- in models -----------------------------------------------------------------------

    def example(self, shape: tuple[int, ...], dtype: str, size: int) -> np.ndarray:
        """Data that the layer can be tried with."""
        return np.full(shape, "", object) if dtype == "string" else np.zeros(shape, dtype)

    def on_host(self, data: Mapping[str, Any]) -> np.ndarray:
        """What a model is given for columns: all numbers of a sample in one row."""
        encoded = self(data)
        parts = list(encoded.values()) if isinstance(encoded, dict) else [encoded]
        rows = [np.asarray(x).reshape(x.shape[0], -1) for x in parts]
        return np.concatenate(rows, axis=-1, dtype=self.compute_dtype, casting="unsafe")

    def _symbolic(self, data: dict[str, Tensor]) -> Any:
        """The numbers of Inputs. In a model the host computes all of them at once."""
        rows = called_on_host(self, (data,), {})
        if self.concat is not None:
            return rows
        columns = {
            name: self.example(tuple(2 if n is None else n for n in x.shape), x.dtype, 2)
            for name, x in data.items()
        }
        found, start = {}, 0
        for name, like in self(columns).items():
            size = size_of(like.shape[1:]) or 0
            part = ops.reshape(rows[:, start : start + size], (-1, *map(int, like.shape[1:])))
            found[name], start = ops.cast(part, like.dtype), start + size
        return found

    def get_inputs(self) -> dict[str, Tensor]:
        """Name -> the Input of a column (batch, 1), for a model that takes the table as it is."""
        self._check_adapted()
        if self._inputs is None:
            self._inputs = {
                name: Input((1,), dtype=feature.dtype, name=name)
                for name, feature in self.features.items()
            }
        return self._inputs

    def get_encoded_features(self) -> Any:
        """What the space makes of `get_inputs()`: a tensor, or a dict of them."""
        if self._encoded is None:
            self._encoded = self._symbolic(self.get_inputs())
        return self._encoded

    # --- files ---------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the space, with what it learnt, to a `.keras` file for `saving.load_model`.

        Raises:
            ValueError: the name does not end in `.keras`.
        """
        from kerasish.saving import keras_file
        from kerasish.saving.atomic import replacing

        path = Path(os.path.expanduser(os.fsdecode(filepath)))
        if path.suffix != ".keras":
            raise ValueError(f"FeatureSpace.save writes .keras files, but got {path.name!r}.")
        with replacing(path) as new:
            keras_file.save(self, new, include_optimizer=False)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal space; what it learnt is in files."""
        return {
            "features": {name: _entry(item) for name, item in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [_entry(item) for item in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A space of the result of `get_config`, of this library or of Keras."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """What the layers of the features were built for."""
        return {
            name: {"input_shape": [None, self._widths[name]]} if layer.weights else {}
            for name, layer in self.preprocessors.items()
        }

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Builds the layers of the features, so that a file can set what they learnt."""
        for name, layer in self.preprocessors.items():
            layer.build_from_config(config.get(name) or {})
        self._is_adapted = True


class _Again:
    """The rows of a `tf.data.Dataset`, each time anew."""

    def __init__(self, dataset: Any):
        self._dataset = dataset

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return map(_columns, self._dataset.as_numpy_iterator())


def _rows(dataset: Any) -> Iterable[Mapping[str, Any]]:
    """The dicts of a dataset, to be gone through several times."""
    if isinstance(dataset, Mapping):
        return [dataset]
    if hasattr(dataset, "as_numpy_iterator"):
        return _Again(dataset)
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
        return [_columns(dataset[i]) for i in range(len(dataset))]
    if not isinstance(dataset, Iterable):
        raise ValueError(
            "FeatureSpace.adapt takes a dict of columns, or what yields such dicts, but got "
            f"{dataset!r:.80}."
        )
    return [_columns(row) for row in dataset]


def _columns(row: Any) -> Mapping[str, Any]:
    """The columns of a row, which may come with targets."""
    found = row[0] if isinstance(row, tuple) else row
    if not isinstance(found, Mapping):
        raise ValueError(
            f"FeatureSpace.adapt: the data must come as dicts of columns, but got {found!r:.80}."
        )
    return found


def _entry(item: Any) -> dict[str, Any]:
    """A Feature or a Cross as Keras writes it."""
    name = type(item).__name__
    config = item.get_config()
    if isinstance(item, Feature):
        config["preprocessor"] = serialize_keras_object(item.preprocessor)
    return {"module": _WRITTEN_IN, "class_name": name, "config": config, "registered_name": name}


registry = Registry("utility", [FeatureSpace], home="utils", callables=False)
