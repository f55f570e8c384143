"""Model, Sequential and Functional, as in `keras.models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from hotloop import saving
from hotloop._absent import missing
from hotloop._later import load_later
from hotloop.common.registry import Registry

if TYPE_CHECKING:
    from hotloop.models.cloning import clone_model
    from hotloop.models.functional import Functional
    from hotloop.models.model import Model
    from hotloop.models.sequential import Sequential

# What is loaded when it is first asked for: public name -> module.
_LATER = {
    "Functional": "functional",
    "Model": "model",
    "Sequential": "sequential",
    "clone_model": "cloning",
}

# Where Keras files them: configurations say so.
_registry = Registry("keras", "model")
_registry.add_later(__name__, _LATER, "Model", "Sequential")
_functional_registry = Registry("keras.src.models.functional", "model")
_functional_registry.add_later(__name__, _LATER, "Functional")


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model that `model.to_json()` described, without its weights.

    Args:
        json_string: JSON text.
        custom_objects: names to classes and functions of your own.

    Raises:
        ValueError: not JSON.
        TypeError: it names a class that is neither hotloop's nor known to the program.
    """
    import json

    return saving.deserialize_keras_object(json.loads(json_string), custom_objects)


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> NoReturn:
    """Not there yet."""
    raise NotImplementedError(
        "models.load_model() is not supported yet. `to_json()` and `model_from_json()` move the "
        "architecture; `save_weights()` and `load_weights()` the weights."
    )


__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
]

__getattr__ = load_later(__name__, _LATER, missing(__name__))
