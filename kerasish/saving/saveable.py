"""What a model can do with files: the methods of Model, and the functions of `models`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerasish.saving.atomic import replacing


class Saveable:
    """The file methods of Model."""

    name: str

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
        save_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Saves the model: its layers, weights, what `compile` was given, the optimizer's state.

        The file is replaced as a whole: whatever happens, the old or the new one is there. The
        new one is on the disk (fsync) when this returns, not just in its cache.

        Args:
            filepath: ending in `.keras` for the format of Keras 3; any other for that of
                Keras 2, an HDF5 file (`.h5`).
            overwrite: whether a file that is there may be replaced.
            include_optimizer: whether to save what `compile` was given and the optimizer's state.
            save_format: "keras" or "h5", by the name if None.

        Raises:
            FileExistsError: there is a file, and `overwrite` is False.
            ValueError: the model has something that the format has no form for.

        Example:
            >>> from kerasish import layers, models
            >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
            >>> model.save("model.keras")  # doctest: +SKIP
        """
        _refuse_options(kwargs)
        path = _target(filepath, overwrite)
        if _format(path, save_format) == "keras":
            from kerasish.saving.keras_file import save
        else:
            from kerasish.saving.legacy import save
        with replacing(path) as new:
            save(self, new, include_optimizer)

    def save_weights(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        save_format: str | None = None,
        max_shard_size: float | None = None,
    ) -> None:
        """Saves the weights of the model, and the state of its optimizer if it has one.

        Args:
            filepath: another one that ends in `.h5` or `.hdf5` than `.weights.h5` for the layout
                of Keras 2 (without the optimizer); in `.weights.json` for several files with a
                list of them; else for one in the layout of Keras 3.
            overwrite: whether a file that is there may be replaced.
            save_format: "h5" or None.
            max_shard_size: how large each of several files may be, in GB; 5 if None.

        Raises:
            FileExistsError: there is a file, and `overwrite` is False.
            ValueError: the options do not fit the name of the file.
        """
        from kerasish.saving import h5, legacy, shards, weights

        if save_format not in (None, "h5", "hdf5"):
            raise ValueError(f'save_weights: save_format must be "h5", but got {save_format!r}.')
        path = _target(filepath, overwrite)
        if path.suffix == ".keras":
            raise ValueError("save_weights writes .weights.h5 files; save() writes .keras files.")
        if path.name.endswith(shards.SUFFIX):
            shards.save(self, path, max_shard_size)
            return
        if max_shard_size is not None:
            raise ValueError(
                f"save_weights: several files (max_shard_size={max_shard_size}) go with a name "
                f"that ends in {shards.SUFFIX}, but got {path.name}."
            )
        with replacing(path) as new:
            of_keras_2 = path.suffix in (".h5", ".hdf5") and not path.stem.endswith(".weights")
            if not of_keras_2:
                with h5.writing(new) as file:
                    weights.write(self, file)
            else:
                legacy.save_weights(self, new)

    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
    ) -> None:
        """Sets the weights from a file of weights or of a whole model, of any Keras.

        Args:
            filepath: of the file; of the list (`.weights.json`) if there are several.
            by_name: for files of Keras 2: whether layers are matched by name, and those without
                a match are left alone.
            skip_mismatch: whether to warn of weights that do not fit, and leave them as they are.
            reshape: for files of Keras 2: whether a weight of another shape fits if it has as
                many numbers.

        Raises:
            ValueError: the file is damaged, or does not fit; nothing was changed then.
        """
        from kerasish.saving import h5, keras_file, legacy, orbax, shards, weights

        if not self.built and not self.weights:  # type: ignore[attr-defined]
            raise ValueError(
                f"Model {self.name} has no weights yet: call it on data first, or give it an "
                "input shape. Then load_weights can fill them."
            )
        path = _source(filepath)
        old = "by_name" if by_name else "reshape" if reshape else None
        if path.suffix == ".json":
            if old:
                raise ValueError(f"load_weights: {old} is for files of Keras 2 (.h5).")
            with shards.reading(path) as file:
                weights.read(self, file, skip_mismatch)
            return
        if orbax.is_checkpoint(path):
            if old:
                raise ValueError(f"load_weights: {old} is for files of Keras 2 (.h5).")
            orbax.load_weights(self, path, skip_mismatch)
            return
        if not h5.is_hdf5(path):
            if old:
                raise ValueError(f"load_weights: {old} is for files of Keras 2 (.h5).")
            keras_file.load_weights(self, path, skip_mismatch)
            return
        with h5.reading(path) as file:
            if legacy.is_legacy(file):
                legacy.load_weights(self, file, by_name, skip_mismatch, reshape)
            elif old:
                raise ValueError(
                    f"load_weights: {old} is for files of Keras 2; {path} has the layout of "
                    "Keras 3, in which layers have no names."
                )
            else:
                weights.read(self, file, skip_mismatch)

    def to_json(self, **kwargs: Any) -> str:
        """The layers of the model as JSON, without weights; `kwargs` go to `json.dumps`."""
        from kerasish.saving.keras_file import model_entry

        return json.dumps(model_entry(self, include_optimizer=False), **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """The layers of the model as YAML, without weights; `kwargs` go to `yaml.safe_dump`."""
        from kerasish.saving.text import yaml_library

        return yaml_library().safe_dump(json.loads(self.to_json()), **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given as plain data; None if it was not called, or cannot be data."""
        from kerasish.saving.compiling import compile_config

        return compile_config(self)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compiles the model as the result of `get_compile_config` says."""
        from kerasish.saving.compiling import compile_from_config

        compile_from_config(self, config)

    # --- copies and pickles --------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """The layers and how they are connected stand in for the graph."""
        from kerasish.models.config import connections

        state = super().__getstate__()  # type: ignore[misc]
        state.pop("_steps")
        graph = state.get("_graph")
        if graph is None:
            return state
        first = graph.flat_inputs[0]
        links = None if "_stack" in state else (graph.layers, connections(graph))
        return state | {"_graph": None, "_links": links or (first.shape, first.dtype)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from kerasish.layers.input import InputLayer
        from kerasish.models.config import connected
        from kerasish.training.steps import Steps

        links = state.pop("_links", None)
        self.__dict__.update(state, _steps=Steps(self))
        if links is not None and "_stack" in state:
            first = self._stack[0]  # type: ignore[attr-defined]
            given = isinstance(first, InputLayer)
            entrance = first if given else InputLayer(batch_shape=links[0], dtype=links[1])
            self._connect_all(entrance.output)  # type: ignore[attr-defined]
        elif links is not None:
            self.__dict__["_graph"] = connected(*links)

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        from kerasish.saving.building import shapes_of

        if not self.built and args:  # type: ignore[attr-defined]
            # For loading: a model that is a class of its own is built by a call.
            self._input_shapes = shapes_of(args[0])
        super()._build_once(args, kwargs)  # type: ignore[misc]


def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
    **kwargs: Any,
) -> None:
    """`model.save(...)`."""
    model.save(filepath, overwrite, include_optimizer, save_format, **kwargs)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool | None = None,
) -> Any:
    """The model in a file, of whatever Keras wrote it and whatever engine it ran on.

    Args:
        filepath: a `.keras` or `.h5` file, or the folder of an Orbax checkpoint; the content tells
            which. The arrays of a checkpoint are read by Orbax, so take only those that you trust.
        custom_objects: name -> class or function, for what is not Keras's.
        compile: whether to compile the model as it was, with the optimizer's state.
        safe_mode: False runs byte code of functions that the file may have. Only for files of
            people whom you trust with your computer. None is True, unless the program called
            `config.enable_unsafe_deserialization`.

    Raises:
        ValueError: the file is damaged, is not a model, names a class that is not known, or
            brings byte code.

    Example:
        >>> load_model("model.keras")  # doctest: +SKIP
    """
    from kerasish.saving import h5, keras_file, legacy, orbax

    path = _source(filepath)
    if orbax.is_checkpoint(path):
        return orbax.load(path, custom_objects, compile, safe_mode)
    module: Any = legacy if h5.is_hdf5(path) else keras_file
    return module.load(path, custom_objects, compile, safe_mode)


def save_weights(
    model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any
) -> None:
    """`model.save_weights(...)`."""
    model.save_weights(filepath, overwrite, **kwargs)


def load_weights(
    model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any
) -> None:
    """`model.load_weights(...)`."""
    model.load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)


def _refuse_options(kwargs: dict[str, Any]) -> None:
    """Options of other Kerases: those that ask for what happens anyway pass."""
    if kwargs.pop("zipped", True) is not True:
        raise ValueError("save: .keras files are zipped; zipped=False is not supported.")
    if kwargs:
        raise TypeError(f"save got an unexpected argument {next(iter(kwargs))!r}.")


def _format(path: Path, wanted: str | None) -> str:
    formats = {"keras": "keras", "h5": "h5", "hdf5": "h5", None: None}
    if wanted not in formats:
        raise ValueError(f'save: save_format must be "keras" or "h5", but got {wanted!r}.')
    return formats[wanted] or ("keras" if path.suffix == ".keras" else "h5")


def _target(filepath: str | os.PathLike[str], overwrite: bool) -> Path:
    path = Path(os.path.expanduser(os.fsdecode(filepath)))
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} is there already. Pass overwrite=True to replace it.")
    return path


def _source(filepath: str | os.PathLike[str]) -> Path:
    from kerasish.saving import orbax

    path = Path(os.path.expanduser(os.fsdecode(filepath)))
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not path.is_file() and not orbax.is_checkpoint(path):
        raise ValueError(
            f"{path} is not a file. Models are .keras or .h5 files; a SavedModel of TensorFlow "
            "can only be loaded by TensorFlow: save it as .keras or .h5 from there."
        )
    return path
