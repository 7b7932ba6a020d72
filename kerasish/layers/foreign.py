"""Layers of Keras that run another library's function or model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

from kerasish import config as settings
from kerasish import ops, tree
from kerasish.engines import foreign
from kerasish.graph import trace
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer

_SAVED_MODEL = "a SavedModel"


class TrustedPath(str):
    """A path that the program itself names, or a file that the user says to trust."""

    __slots__ = ()


def untrusted(config: Mapping[str, Any]) -> ValueError:
    """The error for the config of a layer of a SavedModel that a file brings."""
    return ValueError(
        f"Layer {config.get('name')} loads the SavedModel {config.get('filepath')!r}, which may "
        "hold any code. If what names it comes from someone you trust with this computer, load it "
        "with safe_mode=False."
    )


class TFSMLayer(Layer):
    """Runs an endpoint of a SavedModel of TensorFlow.

    Its variables become weights of this layer: they train, are saved and are set like others. The
    files of the SavedModel are needed to load the layer again, and as they may hold any code, a
    model's file that names one is refused unless it is loaded with `safe_mode=False`.

    A model with this layer runs on TensorFlow only.

    Args:
        filepath: the directory of the SavedModel.
        call_endpoint: what to call: the name of a function of it, or of a signature. `"serve"` is
            what `Model.export` of Keras writes. A signature returns a dict.
        call_training_endpoint: what to call while training; `call_endpoint` too if None.
        **kwargs: what all layers take, `trainable` among them.

    Raises:
        ImportError: TensorFlow is not installed.
        ValueError: there is no SavedModel, or it has no such endpoint.

    >>> TFSMLayer("exported", call_endpoint="serve")  # doctest: +SKIP
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filepath = TrustedPath(filepath)
        self.call_endpoint = call_endpoint
        self.call_training_endpoint = call_training_endpoint
        self._engine = foreign.engine_of(_SAVED_MODEL)
        endpoints = [call_endpoint, *filter(None, [call_training_endpoint])]
        self._model = self._engine.saved_model(str(filepath), endpoints)
        self._slots = [
            self.add_weight(
                shape=slot.value.shape,
                initializer=slot.value,
                dtype=slot.value.dtype.name,
                trainable=slot.trainable,
                autocast=False,
                name=slot.name,
            )
            for slot in self._model.slots
        ]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """What the endpoint returns."""
        train, infer = self.call_training_endpoint or self.call_endpoint, self.call_endpoint
        if training is None and trace.current_trace() is None:
            training = bool(trace.current_phase())  # nothing is left open outside of a graph
        if training is not None or train == infer:
            results, state = self._run(train if training else infer, inputs)
        else:
            (new, moved), (old, kept) = self._run(train, inputs), self._run(infer, inputs)
            results = tree.map_structure(ops.in_train_phase, new, old)
            state = {
                slot: ops.in_train_phase(moved.get(slot, slot), kept.get(slot, slot))
                for slot in moved | kept
            }
        for slot, value in state.items():
            slot.assign(value)
        return results

    def _run(self, endpoint: str, inputs: Any) -> tuple[Any, dict[Variable, Tensor]]:
        """What an endpoint returns, and the weights that it changes, with their new values."""
        results, values = ops.native_call(
            self._model.function(endpoint), inputs, self._slots, engine=self._engine.name
        )
        changed = [self._slots[i] for i in self._model.changed(endpoint)]
        return results, dict(zip(changed, values, strict=True))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Only where the program or the user names the path, not a file."""
        if settings.safe_mode() and not isinstance(config.get("filepath"), TrustedPath):
            raise untrusted(config)
        return super().from_config(config)


class _Foreign(Layer):
    """A layer that is none of operations. Subclasses say by `_what` what it would run."""

    _what: str

    @classmethod
    def _refuse(cls) -> NoReturn:
        raise NotImplementedError(
            f"{cls.__name__} runs {cls._what}. Write the computation with kerasish.ops in "
            "a Layer, which every engine runs, and give it the weights with set_weights. "
            f"(It needs the {foreign.needs(cls._what)})"
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Raises NotImplementedError, whatever a file holds of the function or module."""
        cls._refuse()


class TorchModuleWrapper(_Foreign):
    """Keras's layer for modules of PyTorch: making one is an error that says what to do.

    Args:
        module: the module.
        name: of the layer.
        output_shape: of what the module returns.
        **kwargs: what all layers take.

    Raises:
        NotImplementedError: always.
    """

    _what = "a module of PyTorch"

    def __init__(
        self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any
    ):
        self._refuse()


class JaxLayer(_Foreign):
    """Keras's layer for functions of JAX: making one is an error that says what to do.

    Args:
        call_fn: the function.
        init_fn: makes its parameters and its state.
        params: the parameters.
        state: what is not trained.
        seed: an int, for the same parameters in each run of the program.
        **kwargs: what all layers take.

    Raises:
        NotImplementedError: always.
    """

    _what = "a function of JAX"

    def __init__(
        self,
        call_fn: Any,
        init_fn: Any = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        self._refuse()


class FlaxLayer(JaxLayer):
    """Keras's layer for modules of Flax: making one is an error that says what to do.

    Args:
        module: the module.
        method: which of its methods to call.
        variables: its variables.
        **kwargs: what all layers take.

    Raises:
        NotImplementedError: always.
    """

    _what = "a module of Flax"

    def __init__(self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any):
        self._refuse()
