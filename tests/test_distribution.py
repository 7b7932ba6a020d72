"""Descriptions of devices, meshes and layouts; what is not there says so."""

import pytest

from kerasish import config, distribution
from kerasish.distribution import DeviceMesh, LayoutMap, TensorLayout

FOUR = [f"gpu:{i}" for i in range(4)]
MESH = DeviceMesh((2, 2), ["batch", "model"], FOUR)


def test_devices(engine):
    with config.backend_scope(engine.name):
        names = distribution.list_devices()
        assert names
        assert all(name.split(":")[0] in ("cpu", "gpu") and name[-1].isdigit() for name in names)
        assert distribution.get_device_count("tpu") == 0


def test_layouts():
    layouts = LayoutMap(MESH)
    layouts[".*kernel"] = (None, "model")
    layouts["dense/bias"] = TensorLayout(["model"])
    assert layouts["conv/kernel"].axes == (None, "model")
    assert layouts["dense/bias"].device_mesh is MESH
    assert layouts["conv/bias"] is None
    assert list(layouts) == [".*kernel", "dense/bias"]
    layouts["conv/.*"] = ("batch",)
    with pytest.raises(ValueError, match="conv/kernel"):
        layouts["conv/kernel"]
    assert MESH.devices[1].tolist() == ["gpu:2", "gpu:3"]
    assert distribution.distribution() is distribution.set_distribution(None) is None


def again():
    layouts = LayoutMap(MESH)
    layouts["a"] = ("batch",)
    layouts["a"] = ("batch",)


WRONG = [
    (lambda: DeviceMesh((2,), ["a", "b"], FOUR), ValueError, "must be equally long"),
    (lambda: DeviceMesh((2,), ["a"], FOUR), ValueError, "takes 2 devices, but there are 4"),
    (lambda: TensorLayout(["x"], MESH), ValueError, "'batch', 'model'.*, but not 'x'"),
    (again, ValueError, "already a layout for 'a'"),
    (lambda: LayoutMap(MESH).update(a=3), ValueError, "expected a TensorLayout, .* but got 3"),
    (lambda: MESH.backend_mesh, NotImplementedError, "several devices yet"),
    (lambda: TensorLayout([]).backend_layout, NotImplementedError, "several devices yet"),
    *(
        (lambda name=name: getattr(distribution, name)(1), NotImplementedError, f"^{name}: nothing")
        for name in ("DataParallel", "ModelParallel", "set_distribution", "initialize")
    ),
    (lambda: distribution.distribute_tensor(1, 2), NotImplementedError, "several devices yet"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
