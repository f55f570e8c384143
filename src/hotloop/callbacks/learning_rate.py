"""The learning rate of a model's optimizer, for callbacks."""

from __future__ import annotations

from typing import Any

import numpy as np


def learning_rate_of(optimizer: Any) -> float:
    """The learning rate of the coming step."""
    return float(np.asarray(optimizer.learning_rate))


def log_learning_rate(model: Any, logs: dict[str, Any]) -> None:
    """Adds it to the logs of an epoch."""
    logs["learning_rate"] = learning_rate_of(model.optimizer)
