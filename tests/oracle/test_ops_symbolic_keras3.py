"""What is known of results before anything runs, against keras.ops on KerasTensors."""

import numpy as np
import pytest
import test_nn_ops_keras3
import test_ops_keras3
from test_nn_ops_keras3 import leaves, named

from kerasish.graph.shapes import compatible
from kerasish.graph.tensor import Placeholder

keras = pytest.importorskip("keras", minversion="3")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

SHAPES = {
    "known": lambda shape: shape,
    "batch": lambda shape: (None, *shape[1:]),
    "unknown": lambda shape: (None,) * len(shape),
}
# Where our specs are meant to differ, and why.
OTHERWISE = {
    name: reason
    for reason, names in {
        "sizes that depend on values are an error": "bincount nonzero unique where",
        "Keras's shape is not that of its result": """
            corrcoef cross dot_product_attention kron rot90 slogdet
        """,
        "Keras's dtype is not that of its result": """
            lu_factor multi_hot normalize rfft searchsorted
        """,
        "a short axis gives shorter parts": "dsplit hsplit",
        "three channels are three": "image.hsv_to_rgb image.rgb_to_hsv",
        "what is not resized keeps its size": "image.scale_and_translate",
        "an int, as in NumPy": "ndim",
    }.items()
    for name in names.split()
}
# Operations without a tensor among their arguments.
OF_NUMBERS = set(
    """
    arange bartlett blackman empty eye full hamming hanning identity kaiser ones tri zeros
    """.split()
)


def rows():
    """(name, arguments, keywords) of all operations that other tests compare by value."""
    for row in test_ops_keras3.ROWS:
        yield row.name, *row.arguments(row.dtypes[0])
    for name, args, options in test_nn_ops_keras3.CASES:
        yield name, args, {k: v for k, v in options.items() if k not in ("tolerance", "dtype")}


def symbolic(value, make, shape):
    """The value with tensors of `make` in the place of arrays."""
    if isinstance(value, np.ndarray) and value.ndim:
        return make(shape(value.shape), value.dtype.name)
    if isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
        return [symbolic(item, make, shape) for item in value]
    return value


def specs(results):
    return [(tuple(t.shape), t.dtype) if hasattr(t, "shape") else t for t in leaves(results)]


def differs(name, args, options, shape):
    """Both specs where they are not equal; "no spec" where Keras has none; None if they are."""
    ours, theirs = named(name)
    # With all arrays symbolic, or with the first alone: Keras looks at some others' values.
    for count in (len(args), 1):

        def call(function, make, count=count):
            changed = [symbolic(a, make, shape) for a in args[:count]]
            return specs(function(*changed, *args[count:], **options))

        try:
            right = call(theirs, keras.KerasTensor)
        except Exception:
            continue
        try:
            mine = call(ours, Placeholder)
        except (ValueError, TypeError) as error:
            mine = str(error)
        return None if mine == right else (name, mine, right)
    return "no spec"


@pytest.mark.parametrize("known", SHAPES)
def test_specs(known):
    found, compared, without = [], set(), 0
    for name, args, options in rows():
        if name in OF_NUMBERS:
            continue
        wrong = differs(name, args, options, SHAPES[known])
        without += wrong == "no spec"
        compared.add(name)
        if wrong not in (None, "no spec") and name not in OTHERWISE:
            found.append(wrong)
    assert not found
    assert without < 60, "most are compared"
    assert set(OTHERWISE) <= compared


@pytest.mark.parametrize("known", SHAPES)
def test_specs_that_differ_are_those_of_the_values(known):
    refused = set()
    for name, args, options in rows():
        if name not in OTHERWISE or name == "ndim":
            continue
        function = named(name)[0]
        value = specs(function(*args, **options))
        try:
            mine = specs(
                function(*(symbolic(a, Placeholder, SHAPES[known]) for a in args), **options)
            )
        except ValueError:
            refused.add(name)
            continue
        for (shape, dtype), (whole, right) in zip(mine, value, strict=True):
            assert dtype == right, name
            # Vectors of unknown sizes are taken for ones of 3 elements.
            assert compatible(shape, whole) or (name, known) == ("cross", "unknown"), name
    by_value = {name for name, reason in OTHERWISE.items() if "an error" in reason}
    # Sizes that have to fit those of a mask, or of the result.
    by_size = {"dot_product_attention", "image.scale_and_translate"}
    assert refused == (by_value | by_size if known == "unknown" else by_value)
