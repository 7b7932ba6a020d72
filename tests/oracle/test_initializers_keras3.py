"""Initializers that draw nothing, against those of Keras 3."""

import numpy as np
import pytest

from kerasish import initializers

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ((), (8, 1, 5)),
        (("imag", "hamming", "spectrum", True), (8, 1, 5)),
        (("real", None, None), (6, 1, 5)),
        (("imag", np.arange(8.0)), (8, 1, 5)),
        (("real", "blackman", None, True), (7, 1, 4)),
    ],
)
def test_stft(arguments, shape):
    ours, theirs = initializers.STFT(*arguments), keras.initializers.STFT(*arguments)
    np.testing.assert_allclose(ours(shape), np.asarray(theirs(shape)), atol=1e-6)
    if not isinstance(ours.window, np.ndarray):
        assert ours.get_config() == theirs.get_config()
        back = initializers.deserialize(keras.initializers.serialize(theirs))
        assert back.get_config() == ours.get_config()
