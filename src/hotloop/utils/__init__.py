"""Helpers around models and data."""

from importlib import import_module as _import_module
from typing import Any as _Any

from hotloop._absent import missing as _missing
from hotloop.utils.array_dataset import ArrayDataset
from hotloop.utils.categorical import to_categorical
from hotloop.utils.config import get_num_threads, set_num_threads, show_config
from hotloop.utils.dataset_splitting import split_dataset
from hotloop.utils.normalization import normalize
from hotloop.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from hotloop.utils.progbar import Progbar
from hotloop.utils.py_dataset import PyDataset
from hotloop.utils.random_seed import set_random_seed
from hotloop.utils.session import clear_session
from hotloop.utils.timeseries import timeseries_dataset_from_array

Sequence = PyDataset

# Names that Keras has here, and that are written where what they need is: loaded when asked for.
_ELSEWHERE = {
    "CustomObjectScope": "saving",
    "custom_object_scope": "saving",
    "deserialize_keras_object": "saving",
    "disable_interactive_logging": "config",
    "enable_interactive_logging": "config",
    "get_custom_objects": "saving",
    "get_file": "datasets.get_file",
    "get_registered_name": "saving",
    "get_registered_object": "saving",
    "is_interactive_logging_enabled": "config",
    "is_keras_tensor": "backend",
    "model_to_dot": "plot",
    "plot_model": "plot",
    "register_keras_serializable": "saving",
    "serialize_keras_object": "saving",
    "standardize_dtype": "backend",
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


_absent_from = _missing(__name__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> _Any:
    if name in _ELSEWHERE:
        return getattr(_import_module(f"hotloop.{_ELSEWHERE[name]}"), name)
    return _absent_from(name)
