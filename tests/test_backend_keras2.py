"""`kerasish.backend` answers as Keras 2.3.1 does: what it said is in golden/."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import backend as K

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))

from backend_calls import CALLS, answers  # noqa: E402

RECORDED = np.load(GOLDEN / "keras-2.3.1-backend.npz")


def compare(name):
    tensors = answers(K, name)
    expected = [RECORDED[f"{name}#{i}"] for i in range(len(tensors))]
    for tensor, value in zip(tensors, expected, strict=True):
        found = K.eval(tensor)
        assert (K.int_shape(tensor), K.dtype(tensor)) == (found.shape, found.dtype)
        assert found.dtype == value.dtype
        if name.startswith("ctc_decode"):  # Keras's rows are as long as the longest of them
            missing = found.shape[1] - value.shape[1]
            value = np.pad(value, [(0, 0), (0, missing)], constant_values=-1)
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_answers(name):
    compare(name)


@pytest.mark.slow
def test_answers_of_all_engines(engine):
    for name in CALLS:
        compare(name)


def test_all_answers_are_compared():
    assert {name.rpartition("#")[0] for name in RECORDED.files} == set(CALLS)
