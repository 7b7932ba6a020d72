"""Cases of kerasish.ops.control."""

from cases.case import Case, normal

from kerasish import ops

X = normal(3, 2)


def _doubled_in_training(x):
    return ops.in_train_phase(lambda: 2 * x, x)


CASES = [
    Case("in_train_phase in training", _doubled_in_training, (X,), lambda x: 2 * x, training=True),
    Case("in_train_phase in use", _doubled_in_training, (X,), lambda x: x),
    Case(
        "in_train_phase decided",
        lambda x: ops.in_train_phase(x, 2 * x, training=True),
        (X,),
        lambda x: x,
    ),
    Case("in_train_phase broadcast", lambda x: ops.in_train_phase(x, 1), (X,), lambda x: 0 * x + 1),
]
