"""compile, fit, evaluate and predict."""

from hotloop.training.trainer import Trainer

__all__ = ["Trainer"]
