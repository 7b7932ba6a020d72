"""The programs in examples/ learn what they set out to learn."""

import importlib.util
from pathlib import Path

import pytest

from kerasish import models

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# example -> whether what its `main` returns is good enough
GOALS = {
    "captioning": lambda right: right > 0.95,
    "gan": lambda result: result[0] < 0.25 and result[1] > 0.8,  # near the ring, all around it
    "inception": lambda accuracy: accuracy > 0.95,
    # At lengths it learned from, and at twice the longest of them.
    "neural_turing_machine": lambda result: result[0] > 0.98 and result[1] > 0.95,
    "seq2seq_attention": lambda right: right > 0.9,
    "siamese": lambda right: right > 0.95,
    "text_lstm": lambda accuracy: accuracy > 0.95,
    "transformer": lambda right: right > 0.9,
    "unet": lambda overlap: overlap > 0.7,
    # Little is lost, and codes are normally distributed.
    "variational_autoencoder": lambda result: result[0] < 0.05 and all(abs(result[1] - 1) < 0.3),
}

# What learns from data that is not here.
APART = {"digits", "mnist_cnn", "mnist_mlp", "mnist_mlp_functional"}


def imported(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_example_has_a_goal():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == GOALS.keys() | APART


@pytest.mark.slow
@pytest.mark.parametrize("name", GOALS)
def test_examples_learn(name, capsys):
    assert GOALS[name](imported(name).main()), capsys.readouterr().out


def test_the_turing_machine_is_a_layer_like_others(tmp_path):
    """It is built, trained and counted like them."""
    machine = imported("neural_turing_machine")
    cell = machine.NTMCell(units=6, slots=5, width=4, outputs=machine.BITS)
    model = models.Sequential([machine.layers.RNN(cell, return_sequences=True)])
    x, y, weights = machine.copy_task(4, 1, 2, seed=0)
    model.compile("adam", "binary_crossentropy")
    losses = [model.train_on_batch(x, y, sample_weight=weights) for _ in range(20)]
    assert losses[-1] < losses[0]
    assert model.count_params() == sum(w.numpy().size for w in cell.weights)
