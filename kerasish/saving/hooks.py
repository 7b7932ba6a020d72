"""What a layer can do otherwise than others when it is saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Storable:
    """The methods of Layer that a class may write anew, to have a say in the files of Keras 3.

    A class may also have `save_assets(folder)` and `load_assets(folder)`, for what it keeps in
    files of its own: each gets the path of a folder, whose content goes into the `.keras` file.
    """

    built: bool

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the weights of this layer, without those of layers within, into a dict.

        Args:
            store: name -> array; to be filled.
        """
        from kerasish.saving.weights import own_variables

        store.update((str(i), v) for i, v in enumerate(own_variables(self)))

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Sets the weights of this layer from what `save_own_variables` put into a dict.

        Raises:
            ValueError: the dict has another number of weights, or one has another shape.
        """
        from kerasish.saving.weights import own_variables

        variables = own_variables(self)
        names = [str(i) for i in range(len(variables))]
        if set(store) != set(names):
            raise ValueError(
                f"Layer {getattr(self, 'name', self)} has {len(variables)} weights, but there are "
                f"{len(store)} to load: {sorted(store)}. They must be called {names}."
            )
        for name, variable in zip(names, variables, strict=True):
            variable.set_value(store[name])

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build` was called with, as plain data; None for a layer that isn't built."""
        shapes = getattr(self, "_input_shapes", None)
        if shapes is None:
            calls = getattr(self, "_calls", None)
            if not self.built or not calls or not calls[0].args:
                return None
            from kerasish.saving.building import shapes_of

            named = self._shapes_by_name(calls[0].args, calls[0].kwargs)  # type: ignore[attr-defined]
            if named:
                return {"shapes_dict": {name: list(shape) for name, shape in named.items()}}
            shapes = shapes_of(calls[0].args[0])
        return {"input_shape": shapes}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Builds the layer for the shapes that `get_build_config` returned."""
        if self.built:
            return
        shape, named = config.get("input_shape"), config.get("shapes_dict")
        if named is not None:
            self._build(**{name: _shapes(found) for name, found in named.items()})  # type: ignore[attr-defined]
        elif shape is not None:
            self._build(_shapes(shape))  # type: ignore[attr-defined]


def _shapes(found: Any) -> Any:
    """A shape, or a list of them, as it was before it was plain data."""
    nested = bool(found) and not isinstance(found[0], (int, type(None)))
    return [tuple(shape) for shape in found] if nested else tuple(found)


def overrides(obj: Any, *names: str) -> bool:
    """Whether the class of an object has written one of these methods itself."""
    return any(
        getattr(type(obj), name, None) not in (None, getattr(Storable, name, None))
        for name in names
    )
