"""Mixed precision: weights in float32, computation in a shorter float.

    mixed_precision.set_global_policy("mixed_float16")

Layers made from then on follow the policy, and `compile` wraps the optimizer in a
`LossScaleOptimizer`, so that small gradients survive float16.
"""

from __future__ import annotations

from kerasish.compat.modules import attributes as older_attributes
from kerasish.config import dtype_policy, set_dtype_policy
from kerasish.dtype_policies import DTypePolicy
from kerasish.optimizers.loss_scale import LossScaleOptimizer

# Keras 2's names.
Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_policy = set_dtype_policy

__path__: list[str] = []  # so that `experimental` of tf.keras is found within
__getattr__ = older_attributes(__name__)

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
    "set_policy",
]
