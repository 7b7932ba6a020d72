"""Keras itself, on TensorFlow, is imported for comparison before kerasish reads the variable."""

import os
from contextlib import suppress

before = os.environ.get("KERAS_BACKEND")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with suppress(ImportError):  # the tests skip themselves
    import keras  # noqa: F401
if before is None:
    del os.environ["KERAS_BACKEND"]
else:
    os.environ["KERAS_BACKEND"] = before
