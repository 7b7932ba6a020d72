"""Models: Sequential, functional and subclassed."""

from kerasish.layers.input import Input
from kerasish.models.clone import clone_model
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.saving.saveable import load_model, save_model
from kerasish.saving.serialization import Registry
from kerasish.saving.text import model_from_config, model_from_json, model_from_yaml

registry = Registry("model", [Model, Sequential], {"Functional": "Model"}, callables=False)

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]
