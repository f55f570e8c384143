"""Data sets to learn and test with."""

from hotloop._absent import missing
from hotloop.datasets import fashion_mnist, mnist, synthetic_digits
from hotloop.datasets.errors import DatasetContentError, DatasetError, DatasetNotFoundError

__all__ = [
    "DatasetContentError",
    "DatasetError",
    "DatasetNotFoundError",
    "fashion_mnist",
    "mnist",
    "synthetic_digits",
]

__getattr__ = missing(__name__)
