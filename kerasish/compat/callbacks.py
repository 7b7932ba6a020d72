"""What Keras 2 programs give to callbacks."""

from __future__ import annotations


def without_leftovers(owner: str, kwargs: dict[str, object]) -> list[str] | None:
    """Takes Keras 2's arguments out of those of TensorBoard; returns the names of embeddings.

    Raises:
        ValueError: for what is no longer written; TypeError: for an unknown argument.
    """
    kwargs.pop("batch_size", None)  # of a computation that histograms of weights don't need
    names = kwargs.pop("embeddings_layer_names", None)
    for name, instead in (
        ("write_grads", "write a train_step that returns what you want to follow"),
        ("embeddings_data", "the weights of Embedding layers are written instead"),
    ):
        value = kwargs.pop(name, None)
        if value is not None and value is not False:
            raise ValueError(f"{owner}: {name} isn't supported: {instead}.")
    if kwargs:
        raise TypeError(f"{owner}: unknown arguments: {', '.join(kwargs)}")
    return names  # type: ignore[return-value]
