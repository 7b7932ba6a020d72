"""Helpers beside the models: files, labels, arrays, seeds, progress bars."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kerasish.compat.modules import attributes as older_attributes

if TYPE_CHECKING:
    from kerasish.config import disable_interactive_logging as disable_interactive_logging
    from kerasish.config import enable_interactive_logging as enable_interactive_logging
    from kerasish.config import is_interactive_logging_enabled as is_interactive_logging_enabled
    from kerasish.layers.preprocessing.feature_space import FeatureSpace as FeatureSpace
    from kerasish.saving import CustomObjectScope as CustomObjectScope
    from kerasish.saving import custom_object_scope as custom_object_scope
    from kerasish.saving import deserialize_keras_object as deserialize_keras_object
    from kerasish.saving import get_custom_objects as get_custom_objects
    from kerasish.saving import get_registered_name as get_registered_name
    from kerasish.saving import get_registered_object as get_registered_object
    from kerasish.saving import register_keras_serializable as register_keras_serializable
    from kerasish.saving import serialize_keras_object as serialize_keras_object
    from kerasish.utils import bounding_boxes as bounding_boxes
    from kerasish.utils.data import pack_x_y_sample_weight as pack_x_y_sample_weight
    from kerasish.utils.data import split_dataset as split_dataset
    from kerasish.utils.data import timeseries_dataset_from_array as timeseries_dataset_from_array
    from kerasish.utils.data import unpack_x_y_sample_weight as unpack_x_y_sample_weight
    from kerasish.utils.directories import (
        audio_dataset_from_directory as audio_dataset_from_directory,
    )
    from kerasish.utils.directories import (
        image_dataset_from_directory as image_dataset_from_directory,
    )
    from kerasish.utils.directories import (
        text_dataset_from_directory as text_dataset_from_directory,
    )
    from kerasish.utils.enqueuers import GeneratorEnqueuer as GeneratorEnqueuer
    from kerasish.utils.enqueuers import OrderedEnqueuer as OrderedEnqueuer
    from kerasish.utils.enqueuers import SequenceEnqueuer as SequenceEnqueuer
    from kerasish.utils.files import get_file as get_file
    from kerasish.utils.images import array_to_img as array_to_img
    from kerasish.utils.images import img_to_array as img_to_array
    from kerasish.utils.images import load_img as load_img
    from kerasish.utils.images import save_img as save_img
    from kerasish.utils.io_utils import HDF5Matrix as HDF5Matrix
    from kerasish.utils.nan import find_nan as find_nan
    from kerasish.utils.numerical import normalize as normalize
    from kerasish.utils.numerical import to_categorical as to_categorical
    from kerasish.utils.padding import pad_sequences as pad_sequences
    from kerasish.utils.plotting import model_to_dot as model_to_dot
    from kerasish.utils.plotting import plot_model as plot_model
    from kerasish.utils.progbar import Progbar as Progbar
    from kerasish.utils.seeds import set_random_seed as set_random_seed
    from kerasish.utils.sequence import PyDataset as PyDataset
    from kerasish.utils.sequence import Sequence as Sequence
    from kerasish.utils.session import clear_session as clear_session
    from kerasish.utils.session import is_keras_tensor as is_keras_tensor
    from kerasish.utils.session import standardize_dtype as standardize_dtype
    from kerasish.utils.settings import Config as Config

# Public name -> its module. Looked up when first used: reading a file needs no layers.
_NAMES = {
    "Config": "utils.settings",
    "FeatureSpace": "layers.preprocessing.feature_space",
    "CustomObjectScope": "saving",
    "GeneratorEnqueuer": "utils.enqueuers",
    "HDF5Matrix": "utils.io_utils",
    "OrderedEnqueuer": "utils.enqueuers",
    "Progbar": "utils.progbar",
    "PyDataset": "utils.sequence",
    "Sequence": "utils.sequence",
    "SequenceEnqueuer": "utils.enqueuers",
    "array_to_img": "utils.images",
    "audio_dataset_from_directory": "utils.directories",
    "clear_session": "utils.session",
    "custom_object_scope": "saving",
    "deserialize_keras_object": "saving",
    "disable_interactive_logging": "config",
    "enable_interactive_logging": "config",
    "find_nan": "utils.nan",
    "get_custom_objects": "saving",
    "get_file": "utils.files",
    "get_registered_name": "saving",
    "get_registered_object": "saving",
    "image_dataset_from_directory": "utils.directories",
    "img_to_array": "utils.images",
    "is_interactive_logging_enabled": "config",
    "is_keras_tensor": "utils.session",
    "load_img": "utils.images",
    "model_to_dot": "utils.plotting",
    "normalize": "utils.numerical",
    "pack_x_y_sample_weight": "utils.data",
    "pad_sequences": "utils.padding",
    "plot_model": "utils.plotting",
    "register_keras_serializable": "saving",
    "save_img": "utils.images",
    "serialize_keras_object": "saving",
    "set_random_seed": "utils.seeds",
    "split_dataset": "utils.data",
    "standardize_dtype": "utils.session",
    "text_dataset_from_directory": "utils.directories",
    "timeseries_dataset_from_array": "utils.data",
    "to_categorical": "utils.numerical",
    "unpack_x_y_sample_weight": "utils.data",
}


_MODULES = ("bounding_boxes",)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")  # which also makes it an attribute
    if name not in _NAMES:
        return older_attributes(__name__)(name)
    globals()[name] = value = getattr(import_module(f"kerasish.{_NAMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*_MODULES, *_NAMES])
