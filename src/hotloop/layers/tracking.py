"""Containers that report what is put into them, so that `self.blocks.append(layer)` is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

Report = Callable[[Any], Any]


def wrap(value: Any, report: Report) -> Any:
    """`value` with lists, dictionaries and sets replaced by tracked ones; every leaf is reported.

    `report(leaf)` returns what to store.
    """
    if isinstance(value, (TrackedList, TrackedDict, TrackedSet)):
        for item in value.values() if isinstance(value, dict) else value:
            wrap(item, report)
        return value
    if isinstance(value, tuple):
        items = [wrap(item, report) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if type(value) is list:
        return TrackedList(value, report)
    if type(value) is dict:
        return TrackedDict(value, report)
    if type(value) is set:
        return TrackedSet(value, report)
    return report(value)


class TrackedList(list):
    """A list whose items are reported as they come in."""

    def __init__(self, values: Iterable[Any], report: Report) -> None:
        self._report = report
        super().__init__(wrap(value, report) for value in values)

    def append(self, value: Any) -> None:
        super().append(wrap(value, self._report))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, wrap(value, self._report))

    def extend(self, values: Iterable[Any]) -> None:
        super().extend([wrap(value, self._report) for value in values])

    def __iadd__(self, values: Iterable[Any]) -> TrackedList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            super().__setitem__(index, [wrap(item, self._report) for item in value])
        else:
            super().__setitem__(index, wrap(value, self._report))

    def __reduce__(self) -> Any:
        return list, (list(self),)


class TrackedDict(dict):
    """A dictionary whose values are reported as they come in."""

    def __init__(self, values: dict[Any, Any], report: Report) -> None:
        self._report = report
        super().__init__({key: wrap(value, report) for key, value in values.items()})

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, wrap(value, self._report))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> TrackedDict:  # type: ignore[misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class TrackedSet(set):
    """A set whose members are reported as they come in."""

    def __init__(self, values: Iterable[Any], report: Report) -> None:
        self._report = report
        super().__init__(wrap(value, report) for value in values)

    def add(self, value: Any) -> None:
        super().add(wrap(value, self._report))

    def update(self, *others: Iterable[Any]) -> None:
        for values in others:
            for value in values:
                self.add(value)

    def __reduce__(self) -> Any:
        return set, (list(self),)
