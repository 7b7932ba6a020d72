"""Models: Sequential, functional and subclassed."""

from kerasish.layers.input import Input
from kerasish.models.clone import clone_model
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.saving.serialization import Registry

registry = Registry("model", [Model, Sequential], {"Functional": "Model"}, callables=False)

__all__ = ["Input", "Model", "Sequential", "clone_model"]
