"""Keras itself, on TensorFlow, is imported for comparison before kerasish reads the variable."""

import os

before = os.environ.get("KERAS_BACKEND")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
required = "tensorflow" in os.environ.get("KERASISH_REQUIRE_ENGINES", "")
try:
    import keras  # noqa: F401
except ImportError:
    if required:  # in CI nothing is skipped unnoticed; elsewhere the tests skip themselves
        raise
if before is None:
    del os.environ["KERAS_BACKEND"]
else:
    os.environ["KERAS_BACKEND"] = before
