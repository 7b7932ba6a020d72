"""TensorFlow itself, imported the way this engine wants it."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def _import_tensorflow() -> ModuleType:
    # Faster convolutions and batched products; TensorFlow leaves it off on some processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow's last act on import is to import all of Keras through this one module, so
    # that files it never reads here could find Keras's optimizers. It takes the module's
    # absence in its stride. A later `import keras` or `tf.keras` works as ever.
    module = "keras.src.optimizers"
    if "keras" in sys.modules or module in sys.modules:
        return importlib.import_module("tensorflow")
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("tensorflow")
    finally:
        sys.modules.pop(module, None)


tf = _import_tensorflow()
