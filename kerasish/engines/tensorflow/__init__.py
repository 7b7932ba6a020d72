"""The TensorFlow engine: programs run op by op at first, then as traced functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.engines.base import Engine
from kerasish.engines.tensorflow import loops, native, steps
from kerasish.engines.tensorflow.compile import Resident, TensorFlowExecutable
from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.saved_model import SavedModel
from kerasish.engines.tensorflow.table import TABLE
from kerasish.engines.tensorflow.wider import HALVES
from kerasish.graph.native import NativeFunction
from kerasish.graph.program import Program
from kerasish.graph.spec import Spec

_ALIGNMENT = 64


class TensorFlowEngine(Engine):
    """Runs Programs on TensorFlow 2 in this process."""

    name = "tensorflow"
    table = TABLE
    native_gradients = True
    without_gradient = tuple(HALVES)  # its own add up in 16 bits
    one_shape = True
    profiler = tf.profiler.experimental
    samples_saved_at_once = 32  # by a function of a SavedModel; the rest go one by one

    def __init__(self) -> None:
        self._variables: dict[int, Any] = {}

    def version(self) -> str:
        return tf.__version__

    def devices(self) -> list[str]:
        found = tf.config.list_physical_devices()
        names = [device.name.removeprefix("/physical_device:") for device in found]
        return sorted(names, key=lambda name: not name.startswith("GPU"))

    def write(self, key: int, value: np.ndarray) -> None:
        known = self._variables.get(key)
        if known is None:
            self._variables[key] = tf.Variable(value, trainable=False)
        else:
            known.assign(value)
            steps.reset_scratch(known)

    def read(self, key: int) -> np.ndarray:
        return self._variables[key].numpy()

    def delete(self, key: int) -> None:
        self._variables.pop(key, None)

    def holds(self, key: int) -> bool:
        return key in self._variables

    def put(self, array: np.ndarray) -> Resident:
        tensor = tf.constant(array)
        return Resident(tuple(tensor.shape), tensor.dtype.name, tensor)

    def borrow(self, array: np.ndarray) -> Resident:
        # TensorFlow reads numbers in aligned memory of the CPU without a copy.
        fits = array.dtype.kind in "fiu" and array.ctypes.data % _ALIGNMENT == 0
        if not fits or tf.config.list_physical_devices("GPU"):
            return self.put(array)
        tensor = tf.experimental.dlpack.from_dlpack(array.__dlpack__())
        return Resident(array.shape, tensor.dtype.name, tensor)

    def native_specs(
        self, function: NativeFunction, specs: Sequence[Spec], sizes: Sequence[int | None]
    ) -> tuple[Spec, ...]:
        return native.specs_of(function, specs, sizes)

    def native_gradient(
        self, function: NativeFunction, inputs: int
    ) -> Callable[[list[Any], list[Any]], Any]:
        return native.gradient_of(function, inputs)

    def saved_model(self, path: str, endpoints: Sequence[str]) -> SavedModel:
        """Functions of a SavedModel that `native_call` takes."""
        return SavedModel(path, endpoints)

    def save_model(self, path: str, **content: Any) -> None:
        """Writes a SavedModel: see `engines.tensorflow.export.save`."""
        from kerasish.engines.tensorflow import export

        export.save(path, **content)

    def compile(self, program: Program) -> TensorFlowExecutable:
        return TensorFlowExecutable(program, self._variables)

    def interpret(self, program: Program) -> TensorFlowExecutable:
        return TensorFlowExecutable(program, self._variables, eager=True)

    def evaluate(self, program: Program, inputs: Sequence[Any], counter: int) -> list[Any]:
        return self.interpret(program)(inputs, counter)


def create() -> TensorFlowEngine:
    """The engine, for the registry."""
    loops.teach()
    return TensorFlowEngine()
