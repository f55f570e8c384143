"""Automatic names: `dense`, `dense_1`, … as Keras counts them."""

from __future__ import annotations

import threading
from collections import Counter

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def to_snake_case(name: str) -> str:
    """`ReLU` → `re_lu`, `MyDense2` → `my_dense2`."""
    if name.isidentifier() and name.islower():
        return name
    letters = [letter for letter in name if letter.isalnum() or letter == "_"]
    spelt = letters[:1]
    for before, letter, after in zip(letters, letters[1:], [*letters[2:], ""], strict=False):
        # A word begins with a capital that follows, or is followed by, a small letter.
        if "A" <= letter <= "Z" and ("a" <= before <= "z" or "a" <= after <= "z"):
            spelt.append("_")
        spelt.append(letter)
    return "".join(spelt).lower()


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
