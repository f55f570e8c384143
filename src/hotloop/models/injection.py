"""`super().__init__(inputs, outputs)` in a subclass of Model makes the class a Functional one."""

from __future__ import annotations

from typing import Any


def derive_from_functional(cls: type) -> None:
    """Puts `Functional` in the place of `Model` among the bases of a class, however deep.

    The class is changed for good, as in Keras: from then on its instances are functional models.
    """
    from hotloop.models.functional import Functional
    from hotloop.models.model import Model

    if issubclass(cls, Functional):
        return
    bases: list[Any] = []
    for base in cls.__bases__:
        if base is Model:
            bases.append(Functional)
            continue
        if issubclass(base, Model):
            derive_from_functional(base)
        bases.append(base)
    cls.__bases__ = tuple(bases)
