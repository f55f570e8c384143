"""Automatic names: `dense`, `dense_1`, … as Keras counts them."""

from __future__ import annotations

import re
import threading
from collections import Counter

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def to_snake_case(name: str) -> str:
    """`ReLU` → `re_lu`, `MyDense2` → `my_dense2`."""
    if name.isidentifier() and name.islower():
        return name
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`prefix` the first time, then `prefix_1`, `prefix_2`, …; class names become snake case."""
    return uniquify(to_snake_case(prefix))


def uniquify(name: str) -> str:
    """`name` the first time it is asked for, then with a running number."""
    with _lock:
        count = _counts[name]
        _counts[name] += 1
    return f"{name}_{count}" if count else name


def reset_names() -> None:
    """Starts counting anew."""
    with _lock:
        _counts.clear()
