"""Methods of Keras's layers that hotloop's do not have: calling one says why and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


def refusing(name: str, reason: str) -> Callable[..., NoReturn]:
    """A method called `name` that raises `NotImplementedError` with `reason`."""

    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}.{name}() is not there: {reason}")

    method.__name__ = name
    method.__doc__ = f"Raises `NotImplementedError`: {reason}"
    return method


def refuse_overrides(obj: Any, *methods: str, instead: str) -> None:
    """Raises `NotImplementedError` if a program defines a method that is never called here.

    Keras calls them, so that leaving them out would change what the program means.
    """
    for name in methods:
        method = getattr(type(obj), name, None)
        if method is not None and method.__module__ != __name__:
            raise NotImplementedError(
                f"{type(obj).__name__} defines {name}(), which hotloop does not call: {instead}"
            )


_QUANTIZED = "everything is computed in float32, and nothing is quantized."
_LORA = (
    "low-rank adaptation is not there. Freeze the layer and add the product of two `Dense` layers "
    "without bias and activation to its output."
)
STORE = (
    "a file holds the variables of a layer in the order of `layer.weights`. Keep other state in "
    "variables of `add_weight(trainable=False)`."
)


class RefusedMethods:
    """What every layer refuses."""

    add_metric = refusing(
        "add_metric", "make the metric in `__init__` and call its `update_state` in `call`."
    )
    enable_lora = refusing("enable_lora", _LORA)
    load_own_variables = refusing("load_own_variables", STORE)
    save_own_variables = refusing("save_own_variables", STORE)
    quantize = refusing("quantize", _QUANTIZED)
    quantized_build = refusing("quantized_build", _QUANTIZED)
    quantized_call = refusing("quantized_call", _QUANTIZED)
    rematerialized_call = refusing(
        "rematerialized_call", "what a plan keeps in memory is decided when it is compiled."
    )
    stateless_call = refusing(
        "stateless_call",
        "state lives in variables, which a call reads and assigns. Set their values with "
        "`set_weights`, call the layer, and read them with `get_weights`.",
    )

    @property
    def quantization_mode(self) -> None:
        """None: nothing is quantized."""
        return None
