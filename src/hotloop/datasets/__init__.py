"""Data sets to learn and test with."""

from typing import TYPE_CHECKING

from hotloop._absent import missing
from hotloop._later import load_later
from hotloop.datasets.errors import DatasetContentError, DatasetError, DatasetNotFoundError

if TYPE_CHECKING:
    from hotloop.datasets import fashion_mnist, mnist, synthetic_digits

__all__ = [
    "DatasetContentError",
    "DatasetError",
    "DatasetNotFoundError",
    "fashion_mnist",
    "mnist",
    "synthetic_digits",
]

# A program needs one of them.
_MODULES = ("fashion_mnist", "mnist", "synthetic_digits")

__getattr__ = load_later(__name__, {}, missing(__name__), _MODULES)
