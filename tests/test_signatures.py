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
    ("2.3.1", "callbacks.TensorBoard", "*"): "understood in their older places too",
    ("2.3.1", "initializers.VarianceScaling", "distribution"): "another name of the same",
    ("2.3.1", "losses.BinaryCrossentropy", "*"): ORDER,
    ("2.3.1", "losses.CategoricalCrossentropy", "*"): ORDER,
    ("2.3.1", "losses.SparseCategoricalCrossentropy", "*"): ORDER,
    ("2.3.1", "losses.sparse_categorical_crossentropy", "axis"): ORDER,
    ("2.3.1", "losses.KLDivergence", "name"): "the function has another name since",
    ("2.3.1", "losses.LogCosh", "name"): "the function has another name since",
    ("2.3.1", "losses.Loss", "*"): ORDER,
    ("2.3.1", "metrics.KLDivergence", "name"): "the function has another name since",
    ("2.3.1", "metrics.Metric", "*"): ORDER,
    ("2.3.1", "metrics.SensitivityAtSpecificity", "*"): ORDER,
    ("2.3.1", "metrics.SpecificityAtSensitivity", "*"): ORDER,
    ("2.3.1", "metrics.SensitivitySpecificityBase", "*"): "a base class, not made by itself",
    ("2.3.1", "metrics.SparseCategoricalCrossentropy", "axis"): ORDER,
    ("2.3.1", "optimizers.Adadelta", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Adagrad", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Adam", "amsgrad"): "understood in its older place too",
    ("2.3.1", "optimizers.Adamax", "learning_rate"): SLOW,
    ("2.3.1", "optimizers.Nadam", "learning_rate"): SLOW,
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
