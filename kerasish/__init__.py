"""kerasish: the Keras API on many engines.

    from kerasish import layers, models

Importing it loads no engine: names are looked up when they are first used, and the engine that
`keras.json` or `KERAS_BACKEND` names is imported when a program first runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kerasish import config
from kerasish.compat import modules as older_modules

if TYPE_CHECKING:
    from kerasish import activations as activations
    from kerasish import applications as applications
    from kerasish import backend as backend
    from kerasish import callbacks as callbacks
    from kerasish import constraints as constraints
    from kerasish import datasets as datasets
    from kerasish import distillation as distillation
    from kerasish import distribution as distribution
    from kerasish import dtype_policies as dtype_policies
    from kerasish import export as export
    from kerasish import initializers as initializers
    from kerasish import layers as layers
    from kerasish import losses as losses
    from kerasish import metrics as metrics
    from kerasish import mixed_precision as mixed_precision
    from kerasish import models as models
    from kerasish import ops as ops
    from kerasish import optimizers as optimizers
    from kerasish import quantizers as quantizers
    from kerasish import random as random
    from kerasish import regularizers as regularizers
    from kerasish import saving as saving
    from kerasish import tree as tree
    from kerasish import utils as utils
    from kerasish import visualization as visualization
    from kerasish import wrappers as wrappers
    from kerasish.config import backend_scope as backend_scope
    from kerasish.config import version as version
    from kerasish.constraints import Constraint as Constraint
    from kerasish.dtype_policies import DTypePolicy as DTypePolicy
    from kerasish.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from kerasish.graph.function import Function as Function
    from kerasish.graph.gradients import gradients as gradients
    from kerasish.graph.variable import Variable as Variable
    from kerasish.initializers import Initializer as Initializer
    from kerasish.layers import Input as Input
    from kerasish.layers import InputSpec as InputSpec
    from kerasish.layers import Layer as Layer
    from kerasish.layers.operation import Operation as Operation
    from kerasish.losses import Loss as Loss
    from kerasish.metrics import Metric as Metric
    from kerasish.models import Model as Model
    from kerasish.models import Sequential as Sequential
    from kerasish.optimizers import Optimizer as Optimizer
    from kerasish.quantizers import Quantizer as Quantizer
    from kerasish.regularizers import Regularizer as Regularizer
    from kerasish.scopes import KerasTensor as KerasTensor
    from kerasish.scopes import RematScope as RematScope
    from kerasish.scopes import StatelessScope as StatelessScope
    from kerasish.scopes import SymbolicScope as SymbolicScope
    from kerasish.scopes import device as device
    from kerasish.scopes import name_scope as name_scope
    from kerasish.scopes import remat as remat

__version__ = "0.1.0"

_MODULES = (
    "activations applications backend callbacks constraints datasets distillation distribution "
    "dtype_policies export initializers layers losses metrics mixed_precision models ops "
    "optimizers quantizers random regularizers saving tree utils visualization wrappers"
).split()

# Public name -> (module, name there).
_NAMES = {
    "Constraint": ("constraints", "Constraint"),
    "DTypePolicy": ("dtype_policies", "DTypePolicy"),
    "FloatDTypePolicy": ("dtype_policies", "FloatDTypePolicy"),
    "Function": ("graph.function", "Function"),
    "Initializer": ("initializers", "Initializer"),
    "Input": ("layers", "Input"),
    "InputSpec": ("layers", "InputSpec"),
    "KerasTensor": ("scopes", "KerasTensor"),
    "Layer": ("layers", "Layer"),
    "Loss": ("losses", "Loss"),
    "Metric": ("metrics", "Metric"),
    "Model": ("models", "Model"),
    "Operation": ("layers.operation", "Operation"),
    "Optimizer": ("optimizers", "Optimizer"),
    "Quantizer": ("quantizers", "Quantizer"),
    "Regularizer": ("regularizers", "Regularizer"),
    "RematScope": ("scopes", "RematScope"),
    "Sequential": ("models", "Sequential"),
    "StatelessScope": ("scopes", "StatelessScope"),
    "SymbolicScope": ("scopes", "SymbolicScope"),
    "Variable": ("graph.variable", "Variable"),
    "backend_scope": ("config", "backend_scope"),
    "device": ("scopes", "device"),
    "gradients": ("graph.gradients", "gradients"),
    "name_scope": ("scopes", "name_scope"),
    "remat": ("scopes", "remat"),
    "version": ("config", "version"),
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"kerasish.{name}")  # which also makes it an attribute
    if name not in _NAMES:
        return older_modules.attributes(__name__)(name)
    module, attribute = _NAMES[name]
    globals()[name] = value = getattr(import_module(f"kerasish.{module}"), attribute)
    return value


def __dir__() -> list[str]:
    return sorted(["__version__", "config", *_MODULES, *_NAMES])


older_modules.install()
config.announce()
