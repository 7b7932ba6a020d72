"""Data sets of TensorFlow's: those that programs are given, and layers inside of their `map`.

TensorFlow traces the function that it maps. A layer of this library cannot be traced by it, so
it becomes one operation of that graph, which calls the layer with arrays when data flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config, tree
from kerasish.engines.kerases import LIBRARY


def _is_wanted() -> bool:
    """Whether a program of Keras's runs on TensorFlow's engine."""
    from kerasish.compat.tensors import is_program_of_keras

    return is_program_of_keras() and config.backend() == LIBRARY


def offered(items: Any) -> Any:
    """A data set as a program of Keras's expects it: on TensorFlow's engine as one of its own.

    Args:
        items: has `len()` and numbered batches, or single items, and perhaps `on_epoch_end`,
            `file_paths` and `class_names`.

    Returns:
        `items`, or the `tf.data.Dataset` of them.
    """
    if not _is_wanted():
        return items
    import tensorflow as tf

    def all_items() -> Any:
        yield from (items[i] for i in range(len(items)))
        items.on_epoch_end()

    # The last batch may be smaller.
    free = 0 if getattr(items, "_batch_size", 1) is None else 1

    def spec(array: Any) -> Any:
        array = np.asarray(array)
        kind = tf.string if array.dtype.kind in "OSU" else array.dtype
        return tf.TensorSpec((None,) * free + array.shape[free:], kind)

    signature = tree.map_structure(spec, items[0])
    found = tf.data.Dataset.from_generator(all_items, output_signature=signature)
    found = found.apply(tf.data.experimental.assert_cardinality(len(items)))
    found = found.prefetch(tf.data.AUTOTUNE)
    for name in ("file_paths", "class_names"):
        if hasattr(items, name):
            setattr(found, name, getattr(items, name))
    return found


def offered_strings(array: np.ndarray) -> Any:
    """An array of strings, or TensorFlow's tensor of them where `offered` gives its data sets."""
    if not _is_wanted():
        return array
    import tensorflow as tf

    return tf.constant(array)


def mapped(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `layer(*args, **kwargs)` returns, as tensors of the graph that is being traced.

    Args:
        layer: has `example(shape, dtype, size)`: data that it can be tried with.
        args: tensors of that graph, in lists and dicts.
        kwargs: likewise, and other values.
    """
    import tensorflow as tf

    structure = [list(args), kwargs]
    leaves = tree.flatten(structure)
    places = [i for i, x in enumerate(leaves) if tf.is_tensor(x)]

    def run(*arrays: np.ndarray) -> Any:
        values = list(leaves)
        for place, array in zip(places, arrays, strict=True):
            values[place] = array
        positional, named = tree.pack(structure, values)
        return layer(*positional, **named)

    # Tried with two sizes wherever one is open, to see which sizes of the results follow.
    plain = tf.autograph.experimental.do_not_convert(run)
    with tf.init_scope():  # outside of the graph that is being traced: there are values
        tried = [plain(*(_example(layer, leaves[i], size) for i in places)) for size in (2, 3)]
        flat = [[np.asarray(x) for x in tree.flatten(result)] for result in tried]
    results = tf.numpy_function(
        lambda *arrays: [_exported(x) for x in tree.flatten(run(*arrays))],
        [leaves[i] for i in places],
        [tf.string if x.dtype.kind in "OU" else tf.as_dtype(x.dtype) for x in flat[0]],
    )
    for result, one, other in zip(results, *flat, strict=True):
        sizes = zip(one.shape, other.shape, strict=True)
        result.set_shape([a if a == b else None for a, b in sizes])
    return tree.pack(tried[0], list(results))


def ragged(layer: Any, values: Any, kwargs: dict[str, Any]) -> Any:
    """What a layer makes of each element of a ragged tensor of TensorFlow's, as another one."""
    import tensorflow as tf

    return values.with_flat_values(tf.convert_to_tensor(layer(values.flat_values, **kwargs)))


def _example(layer: Any, tensor: Any, size: int) -> np.ndarray:
    if tensor.shape.rank is None:
        raise ValueError(
            f"Layer {layer.name} in a dataset's map: the number of axes of {tensor} must be known. "
            "Say it with set_shape or tf.ensure_shape."
        )
    shape = tuple(size if n is None else n for n in tensor.shape.as_list())
    return layer.example(shape, tensor.dtype.name, size)


def _exported(value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "OU":
        return array
    coded = np.empty(array.shape, object)
    as_bytes = [x if isinstance(x, bytes) else str(x).encode() for x in array.ravel()]
    coded[...] = np.array(as_bytes, object).reshape(array.shape)
    return coded
