"""Pictures of training runs and predictions. Needs matplotlib: pip install 'hotloop[plot]'."""

from hotloop.plot import canvas
from hotloop.plot.curves import curves
from hotloop.plot.predictions import predictions

__all__ = ["canvas", "curves", "predictions"]
