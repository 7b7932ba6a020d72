"""What Keras 1 and 2 programs give to compile, fit and their like."""

from __future__ import annotations

from typing import Any


def compile_arguments(kwargs: dict[str, Any]) -> None:
    """Takes arguments out that ask for nothing, and refuses those that would."""
    kwargs.pop("auto_scale_loss", None)
    for name in ("sample_weight_mode", "target_tensors"):
        if kwargs.pop(name, None) is not None:
            raise ValueError(
                f"compile({name}=...) is not needed any more: sample weights may have any shape "
                "that fits the loss, and targets are passed to fit."
            )


def fit_arguments(kwargs: dict[str, Any], epochs: int) -> int:
    """The number of epochs, which Keras 1 calls nb_epoch."""
    data_arguments(kwargs)
    return kwargs.pop("nb_epoch", epochs)


def data_arguments(kwargs: dict[str, Any]) -> None:
    """Takes out how generators were fed; arrays are here already."""
    for name in ("max_queue_size", "workers", "use_multiprocessing"):
        kwargs.pop(name, None)
