"""Windows of series, against those of Keras 3."""

import numpy as np
import pytest

from kerasish.utils import timeseries_dataset_from_array

keras = pytest.importorskip("keras", minversion="3")

SERIES = np.arange(60.0).reshape(20, 3)
CASES = [
    {"sequence_length": 4},
    {"sequence_length": 4, "sequence_stride": 3, "batch_size": 2},
    {"sequence_length": 3, "sampling_rate": 2, "batch_size": 3},
    {"sequence_length": 3, "start_index": 5, "end_index": 15},
    {"sequence_length": 2, "batch_size": None},
]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("count", [None, 20, 15])
def test_windows_are_those_of_keras(options, count):
    targets = None if count is None else np.arange(float(count))
    wanted = keras.utils.timeseries_dataset_from_array(SERIES, targets, **options)
    found = list(timeseries_dataset_from_array(SERIES, targets, **options))
    expected = list(wanted.as_numpy_iterator())
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        pairs = [(ours, theirs)] if targets is None else zip(ours, theirs, strict=True)
        for a, b in pairs:
            np.testing.assert_array_equal(a, b)
