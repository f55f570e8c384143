"""Pictures of training runs, predictions and models.

`curves` and `predictions` need matplotlib: pip install 'hotloop[plot]'. `model_to_dot` and
`plot_model` need pydot: pip install 'hotloop[graph]'.
"""

from hotloop.plot import canvas
from hotloop.plot.curves import curves
from hotloop.plot.model_graph import model_to_dot, plot_model
from hotloop.plot.predictions import predictions

__all__ = ["canvas", "curves", "model_to_dot", "plot_model", "predictions"]
