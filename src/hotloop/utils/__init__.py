"""Helpers around models and data."""

from typing import TYPE_CHECKING

from hotloop._absent import missing
from hotloop._later import load_later

if TYPE_CHECKING:
    from hotloop.backend import is_keras_tensor, standardize_dtype
    from hotloop.config import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from hotloop.datasets.get_file import get_file
    from hotloop.plot import model_to_dot, plot_model
    from hotloop.saving import (
        CustomObjectScope,
        custom_object_scope,
        deserialize_keras_object,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
        serialize_keras_object,
    )
    from hotloop.training.data import pack_x_y_sample_weight, unpack_x_y_sample_weight
    from hotloop.utils.array_dataset import ArrayDataset
    from hotloop.utils.categorical import to_categorical
    from hotloop.utils.config import get_num_threads, set_num_threads, show_config
    from hotloop.utils.dataset_splitting import split_dataset
    from hotloop.utils.normalization import normalize
    from hotloop.utils.progbar import Progbar
    from hotloop.utils.py_dataset import PyDataset
    from hotloop.utils.py_dataset import PyDataset as Sequence
    from hotloop.utils.random_seed import set_random_seed
    from hotloop.utils.session import clear_session
    from hotloop.utils.timeseries import timeseries_dataset_from_array

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "ArrayDataset": "array_dataset",
    "to_categorical": "categorical",
    "get_num_threads": "config",
    "set_num_threads": "config",
    "show_config": "config",
    "split_dataset": "dataset_splitting",
    "normalize": "normalization",
    "Progbar": "progbar",
    "PyDataset": "py_dataset",
    "Sequence": "py_dataset:PyDataset",
    "set_random_seed": "random_seed",
    "clear_session": "session",
    "timeseries_dataset_from_array": "timeseries",
    # Names that Keras has here, and that are written where what they need is.
    "CustomObjectScope": "hotloop.saving",
    "custom_object_scope": "hotloop.saving",
    "deserialize_keras_object": "hotloop.saving",
    "disable_interactive_logging": "hotloop.config",
    "enable_interactive_logging": "hotloop.config",
    "get_custom_objects": "hotloop.saving",
    "get_file": "hotloop.datasets.get_file",
    "get_registered_name": "hotloop.saving",
    "get_registered_object": "hotloop.saving",
    "is_interactive_logging_enabled": "hotloop.config",
    "is_keras_tensor": "hotloop.backend",
    "model_to_dot": "hotloop.plot",
    "pack_x_y_sample_weight": "hotloop.training.data",
    "plot_model": "hotloop.plot",
    "register_keras_serializable": "hotloop.saving",
    "serialize_keras_object": "hotloop.saving",
    "standardize_dtype": "hotloop.backend",
    "unpack_x_y_sample_weight": "hotloop.training.data",
}

__all__ = [
    "ArrayDataset",
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_num_threads",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_num_threads",
    "set_random_seed",
    "show_config",
    "split_dataset",
    "standardize_dtype",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = load_later(__name__, _LATER, missing(__name__))
