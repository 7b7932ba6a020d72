"""Everything around training takes the arguments of Keras 2.3.1 and 3.15, with their defaults.

The files in golden/ were written from the two packages: name -> parameters.
"""

import ast
import functools
import inspect
import json
from pathlib import Path

import pytest

import kerasish
from kerasish import initializers, layers, losses, metrics, optimizers

GENERATIONS = ("3.15", "2.3.1")
GOLDEN = {
    generation: json.loads(
        (Path(__file__).parent / "golden" / f"keras-{generation}-signatures.json").read_text()
    )
    for generation in GENERATIONS
}

ORDER = "the order of Keras 3; older programs name it"
PLACES = "understood in their older places too"
SLOW = "Keras 2's default; the modern one is native"
# Where a parameter is another one: (generation, name or its end, parameter) -> why.
DIFFERENCES = {
    ("", "serialize", "*"): "one function for all kinds, which takes the object as its first",
    ("", "deserialize", "name"): "a config or name, taken as the first argument",
    ("3.15", "optimizers.Muon", "*"): "what is behind weight_decay is given by name",
    ("2.3.1", "activations.relu", "alpha"): "negative_slope since Keras 3; alpha is understood",
    ("2.3.1", "backend.function", "**kwargs"): "they are written out",
    ("2.3.1", "callbacks.CallbackList", "queue_length"): "for Keras 2's own timing of hooks",
    ("2.3.1", "callbacks.LambdaCallback", "*"): ORDER,
    ("2.3.1", "callbacks.ModelCheckpoint", "period"): ORDER,
    ("2.3.1", "callbacks.ProgbarLogger", "count_mode"): "steps, as in Keras 3",
    ("2.3.1", "callbacks.TensorBoard", "*"): PLACES,
    ("2.3.1", "initializers.VarianceScaling", "distribution"): "another name of the same",
    ("2.3.1", "losses.BinaryCrossentropy", "*"): PLACES,
    ("2.3.1", "losses.CategoricalCrossentropy", "*"): PLACES,
    ("2.3.1", "losses.SparseCategoricalCrossentropy", "*"): PLACES,
    ("2.3.1", "losses.sparse_categorical_crossentropy", "axis"): ORDER,
    ("2.3.1", "losses.KLDivergence", "name"): "the function has another name since",
    ("2.3.1", "losses.LogCosh", "name"): "the function has another name since",
    ("2.3.1", "losses.Loss", "*"): PLACES,
    ("2.3.1", "metrics.KLDivergence", "name"): "the function has another name since",
    ("2.3.1", "metrics.Metric", "*"): PLACES,
    ("2.3.1", "metrics.SensitivityAtSpecificity", "*"): PLACES,
    ("2.3.1", "metrics.SpecificityAtSensitivity", "*"): PLACES,
    ("2.3.1", "metrics.SensitivitySpecificityBase", "*"): "a base class, not made by itself",
    ("2.3.1", "metrics.SparseCategoricalCrossentropy", "axis"): ORDER,
    ("2.3.1", "optimizers.Adadelta", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Adagrad", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Adam", "amsgrad"): PLACES,
    ("2.3.1", "optimizers.Adamax", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Nadam", "learning_rate"): SLOW,
    ("2.3.1", "image.ImageDataGenerator", "data_format"): "the configured one, as before and since",
    ("2.3.1", "image.load_img", "*"): "Keras 3's order; that of Keras 1 and 2 is understood",
    ("2.3.1", "regularizers.l1", "l"): "l1 since Keras 2.4; l is understood",
    ("2.3.1", "regularizers.l2", "l"): "l2 since Keras 2.4; l is understood",
    ("2.3.1", "regularizers.l1_l2", "*"): "0, as in Keras 3: a penalty must be asked for",
}


def found(name):
    return functools.reduce(getattr, name.split("."), kerasish)


def parameters(item):
    """Name -> (position, default); what goes on to `Optimizer` by name has no position."""
    own = list(inspect.signature(item).parameters.values())
    result = {p.name: (i, p.default) for i, p in enumerate(own)}
    more = any(p.kind is p.VAR_KEYWORD for p in own)
    if more and inspect.isclass(item) and issubclass(item, optimizers.Optimizer):
        base = inspect.signature(optimizers.Optimizer).parameters.values()
        result = {p.name: (None, p.default) for p in base} | result
    return result


def value_of(text):
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


def wrong_parameters(item, wanted):
    ours = parameters(item)
    for place, text in enumerate(wanted):
        name, _, default = text.partition("=")
        position, own = ours.get(name, (-1, None))
        same = not default or default in (str(own), repr(own)) or own == value_of(default)
        if position not in (place, None) or not same:
            yield name


def is_listed(generation, name, parameter):
    home, _, own = name.rpartition(".")
    # Keras 2's optimizers have lower-case names too.
    plain = f"{home}.{own[:1].upper()}{own[1:]}" if home == "optimizers" else name
    return any(
        g in ("", generation) and (plain == n or name.endswith(f".{n}")) and p in ("*", parameter)
        for g, n, p in DIFFERENCES
    )


@pytest.mark.parametrize("generation", GENERATIONS)
def test_parameters_are_those_of_keras(generation):
    wrong = [
        f"{name}({parameter})"
        for name, wanted in GOLDEN[generation].items()
        for parameter in wrong_parameters(found(name), wanted)
        if not is_listed(generation, name, parameter)
    ]
    assert wrong == []


def test_the_list_of_differences_is_not_too_long():
    """Each listed difference is one."""
    left = set(DIFFERENCES)
    for generation in GENERATIONS:
        for name, wanted in GOLDEN[generation].items():
            for parameter in wrong_parameters(found(name), wanted):
                listed = is_listed(generation, name, parameter)
                left -= {key for key in left if listed and key[1].lower() in name.lower()}
    assert left == set()


# A misspelt name is to blame, also where Python would complain of the one that is then missing.
MISSPELT = [
    (lambda: layers.Dense(unit=3), "Dense got .* 'unit'. Did you mean 'units'"),
    (lambda: layers.Conv2D(3, kernelsize=2), "Conv2D got .* 'kernelsize'. Did you mean 'kernel_s"),
    (lambda: layers.LSTM(return_sequence=True), "Did you mean 'return_sequences'"),
    (lambda: layers.Dense(input_shape=(3,)), "missing .* 'units'"),
    (lambda: layers.Conv2D(nb_filter=3), "missing .* 'kernel_size'"),
    (lambda: losses.BinaryCrossentropy(from_logit=True), "Did you mean 'from_logits'"),
    (lambda: losses.BinaryCrossentropy("yes"), "from_logits must be .* but got 'yes'"),
    (lambda: losses.Huber(dleta=3), "Huber got .* 'dleta'. Did you mean 'delta'"),
    (lambda: metrics.MeanIoU(numclasses=3), "MeanIoU got .* Did you mean 'num_classes'"),
    (lambda: initializers.HeNormal(sed=1), "'seed'.* It takes: seed, input_axes, output_axes.$"),
    (lambda: optimizers.Adam(learningrate=1), "Adam got .* Did you mean 'learning_rate'"),
    (lambda: optimizers.schedules.CosineDecay(1.0, decay_step=2), "Did you mean 'decay_steps'"),
]


@pytest.mark.parametrize(("make", "message"), MISSPELT)
def test_misspelt_arguments(make, message):
    with pytest.raises(TypeError, match=message):
        make()


# Positional arguments of Keras 2 -> the same by name. Their values show that they are older.
OLDER_PLACES = {
    "losses.BinaryCrossentropy": ((True, 0.1, "sum"), {"label_smoothing": 0.1}),
    "losses.CategoricalCrossentropy": ((True, 0, "sum", "mine"), {"name": "mine"}),
    "losses.SparseCategoricalCrossentropy": ((True, "sum", "mine"), {"name": "mine"}),
    "metrics.SensitivityAtSpecificity": ((0.5, 100, "mine"), {"specificity": 0.5}),
    "metrics.SpecificityAtSensitivity": ((0.5, 100, "mine"), {"sensitivity": 0.5}),
}


@pytest.mark.parametrize("name", OLDER_PLACES)
def test_older_places(name):
    args, given = OLDER_PLACES[name]
    more = {"from_logits": True, "reduction": "sum"}
    if name.startswith("metrics"):
        more = {"num_thresholds": 100, "name": "mine"}
    older, newer = found(name)(*args), found(name)(**given, **more)
    assert older.get_config() == newer.get_config()
    assert older.name == newer.name
    assert type(older).from_config(older.get_config()).get_config() == older.get_config()


# What a class of one's own calls its base with, and what that means: name, reduction or dtype.
BASES = [
    (losses.Loss, ("sum",), ("own", "sum")),
    (losses.Loss, ("none", "mine"), ("mine", "none")),
    (losses.Loss, ("mine",), ("mine", "sum_over_batch_size")),
    (losses.Loss, ("mine", "sum"), ("mine", "sum")),
    (metrics.Metric, ("mine",), ("mine", "float32")),
    (metrics.Metric, ("mine", "float64"), ("mine", "float64")),
    (metrics.Metric, ("float64", "mine"), ("mine", "float64")),
    (metrics.Metric, ("float64",), ("own", "float64")),
    (metrics.Metric, (None, "mine"), ("mine", "float32")),
]


@pytest.mark.parametrize(("base", "args", "meant"), BASES, ids=str)
def test_older_places_of_bases(base, args, meant):
    class Own(base):
        def __init__(self, size=1):
            super().__init__(*args)
            self.size = size

    own = Own(3)
    assert (own.name, own.reduction if base is losses.Loss else own.dtype) == meant
    assert own.get_config()["size"] == 3


def test_arguments_that_a_decorator_adds():
    def also(init):
        @functools.wraps(init)
        def wrapped(self, *args, size=None, **kwargs):
            init(self, *(args or (size,)), **kwargs)

        return wrapped

    class Own(layers.Layer):
        @also
        def __init__(self, sizes, **kwargs):
            super().__init__(**kwargs)
            self.sizes = sizes

    assert Own(size=3).sizes == 3
