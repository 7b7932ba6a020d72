"""Where the parts of large tensors would lie: descriptions, in the names of Keras 3.

Devices can be listed, and meshes and layouts described. Nothing computes on several devices yet:
what would is an error that says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, NoReturn

import numpy as np

from kerasish import engines
from kerasish.utils.patterns import fitting

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribute_tensor",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices that the current engine knows, as "cpu:0".

    Args:
        device_type: "cpu", "gpu" or "tpu"; all if None, the one it computes on first.

    >>> list_devices("cpu")
    ['cpu:0']
    """
    counts: dict[str, int] = {}
    found = []
    for name in engines.current_engine().devices():
        kind = name.split()[0].partition(":")[0].lower()
        found.append(f"{kind}:{counts.get(kind, 0)}")
        counts[kind] = counts.get(kind, 0) + 1
    return [x for x in found if device_type in (None, x.partition(":")[0])]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices `list_devices` lists.

    >>> get_device_count("cpu")
    1
    """
    return len(list_devices(device_type))


class DeviceMesh:
    """Devices in a grid.

    Args:
        shape: of the grid.
        axis_names: of its axes.
        devices: as `list_devices` names them, all of the engine if None.

    Raises:
        ValueError: the shape is empty, or fits neither the names nor the devices.

    >>> DeviceMesh((2, 2), ["batch", "model"], [f"gpu:{i}" for i in range(4)])
    <DeviceMesh shape=(2, 2), axis_names=['batch', 'model']>
    """

    def __init__(
        self, shape: Sequence[int], axis_names: Sequence[str], devices: Sequence[str] | None = None
    ):
        known = list_devices() if devices is None else devices
        if not shape or len(shape) != len(axis_names):
            raise ValueError(
                "DeviceMesh: shape and axis_names must be equally long and not empty, but got "
                f"{tuple(shape)} and {list(axis_names)}."
            )
        if math.prod(shape) != np.size(known):
            raise ValueError(
                f"DeviceMesh: the shape {tuple(shape)} takes {math.prod(shape)} devices, but there "
                f"are {np.size(known)}: {list(np.ravel(known))}."
            )
        self.shape = tuple(shape)
        self.axis_names = list(axis_names)
        self.devices = np.reshape(known, self.shape)

    @property
    def backend_mesh(self) -> NoReturn:
        """Raises NotImplementedError: no engine takes one."""
        _refuse("DeviceMesh.backend_mesh")

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """Along which axes of a mesh the axes of a tensor would be cut.

    Args:
        axes: for each axis of the tensor the name of one of the mesh; None where it stays whole.
        device_mesh: may follow later.

    Raises:
        ValueError: the mesh has no axis of the name.

    >>> TensorLayout([None, "model"]).axes
    (None, 'model')
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None):
        self.axes = tuple(axes)
        self._mesh: DeviceMesh | None = None
        self.device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh, None as long as there is none."""
        return self._mesh

    @device_mesh.setter
    def device_mesh(self, mesh: DeviceMesh | None) -> None:
        unknown = (
            [] if mesh is None else [x for x in self.axes if x not in (None, *mesh.axis_names)]
        )
        if unknown:
            raise ValueError(
                f"TensorLayout: the mesh has the axes {mesh.axis_names}, but not {unknown[0]!r}."  # type: ignore[union-attr]
            )
        self._mesh = mesh

    @property
    def backend_layout(self) -> NoReturn:
        """Raises NotImplementedError: no engine takes one."""
        _refuse("TensorLayout.backend_layout")

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping):
    """Layouts of variables by their paths.

    Args:
        device_mesh: of the layouts that have none.

    >>> layouts = LayoutMap(DeviceMesh((1,), ["model"], ["cpu:0"]))
    >>> layouts[".*kernel"] = (None, "model")
    >>> layouts["dense/kernel"].axes, layouts["dense/bias"]
    ((None, 'model'), None)
    """

    def __init__(self, device_mesh: DeviceMesh):
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, path: str) -> TensorLayout | None:
        """The layout of a variable; None if nothing is said of it.

        Raises:
            ValueError: several patterns match its path.
        """
        pattern = fitting(path, self._layouts, "LayoutMap")
        return None if pattern is None else self._layouts[pattern]

    def __setitem__(self, path: str, layout: Any) -> None:
        """Says how variables lie whose path matches all of a regular expression.

        Raises:
            ValueError: it is said already, or it is no layout.
        """
        if path in self._layouts:
            raise ValueError(f"LayoutMap: there is already a layout for {path!r}.")
        if isinstance(layout, (list, tuple)):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ValueError(
                f"LayoutMap: expected a TensorLayout, or its axes, for {path!r}, but got "
                f"{layout!r:.80}."
            )
        layout.device_mesh = layout.device_mesh or self.device_mesh
        self._layouts[path] = layout

    def __delitem__(self, path: str) -> None:
        del self._layouts[path]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


# --- what there is not -------------------------------------------------------------------


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(
        f"{what}: nothing computes on several devices yet. Each engine computes on one, the first "
        "that distribution.list_devices() names."
    )


class DataParallel:
    """Copies of a model on several devices: making one is an error that says so."""

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse("DataParallel")


class ModelParallel:
    """A model in parts on several devices: making one is an error that says so."""

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse("ModelParallel")


def distribution() -> None:
    """The distribution that is set: None, as none can be."""
    return None


def set_distribution(value: Any) -> None:
    """Sets a distribution: None, which there always is.

    Raises:
        NotImplementedError: for anything else.
    """
    if value is not None:
        _refuse("set_distribution")


def distribute_tensor(tensor: Any, layout: Any) -> NoReturn:
    """Would put the parts of a tensor where a layout says.

    Raises:
        NotImplementedError: always.
    """
    _refuse("distribute_tensor")


def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> NoReturn:
    """Would connect the processes of several machines.

    Raises:
        NotImplementedError: always.
    """
    _refuse("initialize")
