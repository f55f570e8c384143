"""What a program may set for the whole process; `hotloop.config` is the door to it."""

from __future__ import annotations

from typing import Any

_values: dict[str, Any] = {
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "interactive_logging": True,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def epsilon() -> float:
    """The small number that keeps divisions and logarithms away from zero."""
    return _values["epsilon"]


def get(name: str) -> Any:
    """The value of a setting."""
    return _values[name]


def put(name: str, value: Any) -> None:
    """Changes a setting; what has been compiled already keeps the old one."""
    _values[name] = value
