"""Files recorded from other Kerases, and all layers through our own files.

python test_exchange.py write FOLDER    for `golden/exchange.py check FOLDER` of another Keras
python test_exchange.py check FOLDER    reads what `golden/exchange.py record FOLDER` wrote
"""

import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "golden")]

import exchange  # noqa: E402

from kerasish import layers, models  # noqa: E402

pytest.importorskip("h5py")
GOLDEN = TESTS / "golden"
RECORDED = sorted(path.stem for path in GOLDEN.glob("*.npz"))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files(name, engine):
    suffix = ".keras" if name.startswith("keras-3") else ".h5"
    if engine.name not in ("numpy", "tensorflow") and "graph" in name:
        pytest.skip("one file per slow engine")
    right, wrong = exchange.check(GOLDEN, models.load_model, name, suffix)
    assert (right, wrong) == (1, [])


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_training_goes_on(name):
    (path,) = [p for p in GOLDEN.glob(f"{name}.*") if p.suffix != ".npz"]
    model = models.load_model(path)
    assert int(model.optimizer.iterations) == 4  # 2 epochs of 2 steps
    assert all(np.any(slot != 0) for slot in model.optimizer.get_weights())
    before = model.get_weights()
    exchange.trained(model)
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_every_layer_comes_back(suffix, tmp_path):
    exchange.write(tmp_path, "ours", layers, models, suffix)
    right, wrong = exchange.check(tmp_path, models.load_model, "ours", suffix)
    assert wrong == []
    assert right == len(exchange.makers(layers, models))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        exchange.write(sys.argv[2], "kerasish", layers, models)
    else:
        right, wrong = exchange.check(sys.argv[2], models.load_model)
        print("\n".join(wrong))
        print(right, "right,", len(wrong), "wrong")
