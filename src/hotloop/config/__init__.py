"""Settings of the whole process, as in `keras.config`.

What has been compiled already keeps the values that it was compiled with.
"""

from __future__ import annotations

import operator
from typing import Any, NoReturn

from hotloop import _settings
from hotloop._absent import missing
from hotloop.dtype_policies import DTypePolicy, get

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_DATA_FORMATS = ("channels_last", "channels_first")


def backend() -> str:
    """ "hotloop": there is nothing behind it."""
    return "hotloop"


def set_backend(backend: str) -> None:
    """Raises `ValueError` for anything but "hotloop"."""
    if backend != "hotloop":
        raise ValueError(
            f'hotloop has no other backend than itself, "hotloop". Received: backend={backend!r}'
        )


def floatx() -> str:
    """The dtype of weights and computations, "float32"."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts "float32". Raises `NotImplementedError` for other floats, else `ValueError`."""
    if value not in _FLOATS:
        raise ValueError(f"Unknown floatx {value!r}. Expected one of {_FLOATS}.")
    if value != "float32":
        raise NotImplementedError(
            f"hotloop computes in float32 only. Received: set_floatx({value!r})"
        )


def epsilon() -> float:
    """The small number that keeps divisions and logarithms away from zero; 1e-7 at first."""
    return _settings.epsilon()


def set_epsilon(value: float) -> None:
    """Changes `epsilon()`. Raises `ValueError` unless it is a number from 0 to below 1/2."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 0.5:
        raise ValueError(f"epsilon must be a number from 0 to below 0.5, got {value!r}.")
    _settings.put("epsilon", float(value))


def image_data_format() -> str:
    """Where layers expect channels: "channels_last" at first."""
    return _settings.get("image_data_format")


def set_image_data_format(data_format: str) -> None:
    """The `data_format` of layers that are made without one from now on.

    Raises `ValueError` unless it is "channels_last" or "channels_first".
    """
    name = str(data_format).lower()
    if name not in _DATA_FORMATS:
        raise ValueError(f"data_format must be one of {_DATA_FORMATS}, got {data_format!r}.")
    _settings.put("image_data_format", name)


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without one: float32."""
    return DTypePolicy("float32")


def set_dtype_policy(policy: Any) -> None:
    """Accepts "float32" and its policy. Raises `NotImplementedError` for mixed and other dtypes,
    `ValueError` for what is no policy."""
    get(policy)


def _limit(name: str, value: Any) -> None:
    if value is not None:
        try:
            value = operator.index(value)
        except TypeError:
            raise TypeError(f"{name} must be None or an integer, got {value!r}.") from None
        if value < 1:
            raise ValueError(f"{name} must be None or at least 1, got {value}.")
    _settings.put(name, value)


def max_epochs() -> int | None:
    """The most epochs that `fit` trains, or None."""
    return _settings.get("max_epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every `fit`, for a quick try of a whole program; None lifts it."""
    _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most batches of one pass of `fit`, `evaluate` or `predict`, or None."""
    return _settings.get("max_steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the batches of every pass of `fit`, `evaluate` and `predict`; None lifts it."""
    _limit("max_steps_per_epoch", max_steps_per_epoch)


def enable_interactive_logging() -> None:
    """Progress and messages go to standard output, as they do at first."""
    _settings.put("interactive_logging", True)


def disable_interactive_logging() -> None:
    """Progress and messages go to the logger "hotloop" (level INFO) of Python's `logging`."""
    _settings.put("interactive_logging", False)


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages go to standard output."""
    return _settings.get("interactive_logging")


def is_traceback_filtering_enabled() -> bool:
    """False: tracebacks are shown whole."""
    return False


def disable_traceback_filtering() -> None:
    """Changes nothing: tracebacks are shown whole."""


def enable_traceback_filtering() -> NoReturn:
    """Raises `NotImplementedError`: tracebacks are shown whole."""
    raise NotImplementedError(
        "enable_traceback_filtering: hotloop shows tracebacks whole; there is no filter."
    )


def is_flash_attention_enabled() -> bool:
    """False: attention is out of scope."""
    return False


def disable_flash_attention() -> None:
    """Changes nothing: attention is out of scope."""


def enable_flash_attention() -> NoReturn:
    """Raises `NotImplementedError`: attention is out of scope."""
    raise NotImplementedError(
        "enable_flash_attention: attention is out of hotloop's scope, which is dense networks."
    )


def is_nnx_enabled() -> bool:
    """False: NNX belongs to JAX."""
    return False


__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

__getattr__ = missing(__name__)
