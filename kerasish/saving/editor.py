"""KerasFileEditor: looks at the weights in a file, and changes where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.saving import h5, keras_file, weights
from kerasish.saving.atomic import replacing

# A group of the file: its groups as dicts, its weights as arrays.
Tree = dict[str, Any]


class KerasFileEditor:
    """The weights in a file in the layout of Keras 3, to be inspected, moved, removed and added.

    Nothing changes in the file itself: `save` writes another.

    Args:
        filepath: of a `.weights.h5` or `.keras` file.

    Attributes:
        weights_dict: the weights by group: `{"layers": {"dense": {"0": array ...}}}`.
        config: of the model, as plain data; None for a file of weights.
        metadata: of a `.keras` file, else None.

    Raises:
        ValueError: the file is damaged, or has another layout.

    Example:
        >>> from kerasish import layers, models
        >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
        >>> model.save_weights("m.weights.h5")  # doctest: +SKIP
        >>> KerasFileEditor("m.weights.h5").summary()  # doctest: +SKIP
        m.weights.h5
          layers
            dense
              0: shape (2, 1), float32
              1: shape (1,), float32
    """

    def __init__(self, filepath: str | os.PathLike[str]):
        self.filepath = Path(os.path.expanduser(filepath))
        self.config: Any = None
        self.metadata: Any = None
        if h5.is_hdf5(self.filepath):
            with h5.reading(self.filepath) as file:
                self.weights_dict = self._read(file)
        else:
            with keras_file.opened(self.filepath) as content:
                self.metadata, self.config = content.metadata, content.config
                self.weights_dict = self._read(content.weights)

    def _read(self, file: h5.Reader) -> Tree:
        if file.attribute("layer_names") is not None or file.find("model_weights") is not None:
            raise h5.FileError(f"{self.filepath} has the layout of Keras 2: load it into a model.")
        return _tree(file)

    # --- looking -------------------------------------------------------------------------

    def summary(self) -> None:
        """Prints the groups and weights."""
        print(self.filepath.name)
        for line in _lines(self.weights_dict):
            print(f"  {line}")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Prints where a model has other weights than the file, by place, number and shape.

        Args:
            reference_model: built.

        Returns:
            dict: "status" ("success" or "error"), "error_count", "match_count".
        """
        problems, matches = [], 0
        for path, obj in weights.parts(reference_model):
            here = _at(self.weights_dict, path)
            expected = weights.own_variables(obj)
            if here is None and expected:
                problems.append(f"{path or 'the model'}: not in the file")
                continue
            found = _arrays(here or {})
            if len(found) != len(expected):
                problems.append(f"{path}: {len(expected)} weights, but {len(found)} in the file")
            for name, variable in zip(map(str, range(len(expected))), expected, strict=True):
                if name in found and found[name].shape == variable.shape:
                    matches += 1
                elif name in found:
                    shapes = f"{variable.shape}, but {found[name].shape} in the file"
                    problems.append(f"{path}/{name} ({variable.path}): shape {shapes}")
        print("\n".join(problems) or "The file fits the model.")
        status = "error" if problems else "success"
        return {"status": status, "error_count": len(problems), "match_count": matches}

    # --- changing ------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives a group another name.

        Args:
            object_name: its path ("layers/dense"), or its name if no other group has that.
            new_name: without slashes.

        Raises:
            ValueError: there is no such group, or several; or one of the new name beside it.
        """
        parent, name = self._place(object_name)
        if "/" in new_name or new_name in parent:
            raise ValueError(f"{new_name!r} has a slash, or is there already beside {name!r}.")
        items = [(new_name if key == name else key, value) for key, value in parent.items()]
        parent.clear()
        parent.update(items)

    def delete_object(self, object_name: str) -> None:
        """Removes a group and all in it; found as by `rename_object`."""
        parent, name = self._place(object_name)
        del parent[name]

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Adds a group.

        Args:
            object_path: the whole path; groups that it leads through are made if needed.
            weights: name ("0", "1" ...) -> array.

        Raises:
            ValueError: there is something at that path.
        """
        *through, name = object_path.strip("/").split("/")
        group = self.weights_dict
        for part in through:
            group = group.setdefault(part, {})
            if not isinstance(group, dict):
                raise ValueError(f"{object_path!r} leads through a weight, {part!r}.")
        if name in group:
            raise ValueError(f"There is something at {object_path!r} already.")
        group[name] = _as_arrays(weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes one weight of a group.

        Raises:
            ValueError: there is no such group, or it has no such weight.
        """
        group = self._group(object_name)
        if weight_name not in _arrays(group):
            raise ValueError(f"{object_name!r} has no weight {weight_name!r}: {list(group)}.")
        del group[weight_name]

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Adds weights to a group, in the place of those of the same names.

        Args:
            object_name: as for `rename_object`.
            weights: name -> array.
        """
        self._group(object_name).update(_as_arrays(weights))

    # --- writing -------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the weights to a `.weights.h5` file.

        Raises:
            ValueError: the name ends in something else.
        """
        path = Path(os.path.expanduser(filepath))
        if not path.name.endswith(".weights.h5"):
            raise ValueError(f"KerasFileEditor saves .weights.h5 files, but got {path.name}.")
        with replacing(path) as new, h5.writing(new) as file:
            for place, group in _groups(self.weights_dict):
                below = file.create_group(f"{place}/vars" if place else "vars")
                for name, array in _arrays(group).items():
                    h5.put(below, name, array)

    resave_weights = save

    # --- finding -------------------------------------------------------------------------

    def _place(self, name: str) -> tuple[Tree, str]:
        """The group that holds another, and that one's name in it."""
        wanted = name.strip("/")
        found = [
            place
            for place, _ in _groups(self.weights_dict)
            if place and (place == wanted or place.rpartition("/")[2] == wanted)
        ]
        found = [wanted] if wanted in found else found
        if len(found) != 1:
            known = found or [place for place, _ in _groups(self.weights_dict) if place]
            count = "several objects" if found else "no object"
            raise ValueError(f"There is {count} called {name!r} in the file: {known[:20]}.")
        parent, _, last = found[0].rpartition("/")
        return _at(self.weights_dict, parent), last  # type: ignore[return-value]

    def _group(self, name: str) -> Tree:
        parent, last = self._place(name)
        return parent[last]


def _tree(reader: h5.Reader) -> Tree:
    found: Tree = {}
    for name in reader.names():
        inner = reader.find(name)
        if name == "vars" and inner is not None:
            found |= {key: inner.array(key) for key in inner.names()}
        elif inner is not None:
            found[name] = _tree(inner)
    return {key: value for key, value in found.items() if value is not None}


def _arrays(group: Tree) -> dict[str, np.ndarray]:
    return {key: value for key, value in group.items() if not isinstance(value, dict)}


def _as_arrays(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {str(name): np.asarray(value) for name, value in weights.items()}


def _groups(tree: Tree, place: str = "") -> Iterator[tuple[str, Tree]]:
    yield place, tree
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _groups(value, f"{place}/{name}" if place else name)


def _at(tree: Tree, path: str) -> Tree | None:
    for part in filter(None, path.split("/")):
        inner = tree.get(part)
        if not isinstance(inner, dict):
            return None
        tree = inner
    return tree


def _lines(tree: Tree, indent: str = "") -> Iterator[str]:
    for name, value in sorted(tree.items()):
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{name}: shape {value.shape}, {value.dtype.name}"
