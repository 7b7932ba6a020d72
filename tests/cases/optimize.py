"""Cases of kerasish.ops.optimize: the steps as their papers write them."""

import numpy as np
from cases.case import Case, nonzero, normal, positive, scalar

from kerasish.ops import optimize

VALUE, GRAD, RATE, STEP = normal(3, 2), nonzero(3, 2), scalar(0.1), scalar(3.0)
BETAS = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}


def momentum(w, v, g, rate, nesterov):
    v = 0.9 * v - rate * g
    return w + (0.9 * v - rate * g if nesterov else v), v


def rmsprop(w, a, g, rate):
    a = 0.8 * a + 0.2 * g**2
    return w - rate * g / np.sqrt(a + 1e-3), a


def adam(w, m, v, g, rate, t):
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
    rate = rate * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
    return w - rate * m / (np.sqrt(v) + 1e-3), m, v


def adamax(w, m, u, g, rate, t):
    m, u = 0.9 * m + 0.1 * g, np.maximum(0.99 * u, np.abs(g))
    return w - rate / (1 - 0.9**t) * m / (u + 1e-3), m, u


def adagrad(w, a, g, rate):
    a = a + g**2
    return w - rate * g / np.sqrt(a + 1e-3), a


def adadelta(w, a, d, g, rate):
    a = 0.8 * a + 0.2 * g**2
    delta = g * np.sqrt(d + 1e-3) / np.sqrt(a + 1e-3)
    return w - rate * delta, a, 0.8 * d + 0.2 * delta**2


def _with(step, **options):
    return lambda *tensors: step(*tensors, **options)


CASES = [
    Case("sgd_step", optimize.sgd_step_p, (VALUE, GRAD, RATE), lambda w, g, rate: w - rate * g),
    *(
        Case(
            f"momentum_step{' nesterov' * nesterov}",
            _with(optimize.momentum_step_p, momentum=0.9, nesterov=nesterov),
            (VALUE, normal(3, 2), GRAD, RATE),
            lambda w, v, g, rate, nesterov=nesterov: momentum(w, v, g, rate, nesterov),
        )
        for nesterov in (False, True)
    ),
    Case(
        "rmsprop_step",
        _with(optimize.rmsprop_step_p, rho=0.8, epsilon=1e-3),
        (VALUE, positive(3, 2), GRAD, RATE),
        rmsprop,
    ),
    Case(
        "adam_step",
        _with(optimize.adam_step_p, **BETAS),
        (VALUE, normal(3, 2), positive(3, 2), GRAD, RATE, STEP),
        adam,
    ),
    Case(
        "adamax_step",
        _with(optimize.adamax_step_p, **BETAS),
        (VALUE, normal(3, 2), 0.2 * positive(3, 2), GRAD, RATE, STEP),
        adamax,
    ),
    Case(
        "adagrad_step",
        _with(optimize.adagrad_step_p, epsilon=1e-3),
        (VALUE, positive(3, 2), GRAD, RATE),
        adagrad,
    ),
    Case(
        "adadelta_step",
        _with(optimize.adadelta_step_p, rho=0.8, epsilon=1e-3),
        (VALUE, positive(3, 2), positive(3, 2), GRAD, RATE),
        adadelta,
    ),
]
