"""Keras itself, on TensorFlow, is imported for comparison before kerasish reads the variable."""

import os

import pytest

before = os.environ.get("KERAS_BACKEND")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
required = "tensorflow" in os.environ.get("KERASISH_REQUIRE_ENGINES", "")
try:
    import keras
except ImportError:
    keras = None
    if required:  # in CI nothing is skipped unnoticed; elsewhere the tests skip themselves
        raise
if before is None:
    del os.environ["KERAS_BACKEND"]
else:
    os.environ["KERAS_BACKEND"] = before


@pytest.fixture(autouse=True)
def _keras_seed():
    """Keras's initial weights, as ours, are the same in every run: no unlucky ones by chance."""
    if keras is not None:
        keras.utils.set_random_seed(0)
