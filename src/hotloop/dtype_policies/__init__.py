"""Dtype policies, as in `keras.dtype_policies`. There is one: float32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotloop._absent import missing, refuse
from hotloop.dtype_policies.dtype_policy import DTypePolicy, FloatDTypePolicy


def serialize(dtype_policy: Any) -> dict[str, Any] | None:
    """The configuration dictionary of a policy."""
    if dtype_policy is None:
        return None
    if not isinstance(dtype_policy, DTypePolicy):
        raise TypeError(f"Expected a DTypePolicy to serialize, got {dtype_policy!r}.")
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The policy that a configuration, or a name such as "float32", describes."""
    if isinstance(config, str):
        return DTypePolicy(config)
    if not isinstance(config, Mapping) or "class_name" not in config:
        raise TypeError(
            "Cannot deserialize a dtype policy: expected a dictionary with the keys 'class_name' "
            f"and 'config', or a name. Received: {config!r}"
        )
    name = config["class_name"]
    refuse(__name__, name)
    known = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy, **(custom_objects or {})}
    if name not in known:
        raise ValueError(f"Unknown dtype policy {name!r}. Valid names: {', '.join(sorted(known))}.")
    return known[name].from_config(dict(config.get("config") or {}))


def get(identifier: Any) -> DTypePolicy:
    """A policy from a name, a configuration or a policy; None means the current one.

    Raises as `DTypePolicy` does, and `ValueError` for anything else.
    """
    if identifier is None:
        return DTypePolicy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, (str, Mapping)):
        return deserialize(identifier)
    raise ValueError(
        f"Could not interpret {identifier!r} as a dtype policy. Expected a name such as 'float32', "
        "a configuration dictionary or a DTypePolicy."
    )


__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "deserialize",
    "get",
    "serialize",
]


__getattr__ = missing(__name__)
