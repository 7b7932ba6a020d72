"""Optimizers that are saved in the middle of what they do, and go on elsewhere."""

import numpy as np
import pytest

from kerasish import layers, models, optimizers

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(9, 4, 3)).astype("float32"), rng.normal(size=(9, 4, 1)).astype("float32")
EVERYTHING = {
    "gradient_accumulation_steps": 3,
    "use_ema": True,
    "ema_momentum": 0.5,
    "ema_overwrite_frequency": 2,
}
OPTIMIZERS = {
    "Adam": lambda: optimizers.Adam(0.05, **EVERYTHING),
    "Nadam": lambda: optimizers.Nadam(0.05, **EVERYTHING),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.05, **EVERYTHING),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(
        optimizers.Adam(0.05, use_ema=True), initial_scale=1024.0, dynamic_growth_steps=3
    ),
}


def _train(model, steps):
    for i in steps:
        model.train_on_batch(X[i], Y[i])


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_saved_between_two_steps(name, ending, tmp_path):
    """After 4 steps, one gradient is accumulated and 2 are missing."""
    path = str(tmp_path / f"model.{ending}")
    whole = models.Sequential([layers.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    first = models.clone_model(whole)
    first.set_weights(whole.get_weights())
    for model in (whole, first):
        model.compile(OPTIMIZERS[name](), "mse")
    _train(whole, range(9))
    _train(first, range(4))
    first.save(path)
    second = models.load_model(path)
    _train(second, range(4, 9))
    # Up to the rounding of steps that are not compiled yet.
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)
    states = (model.optimizer.get_weights() for model in (whole, second))
    for one, other in zip(*states, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)
