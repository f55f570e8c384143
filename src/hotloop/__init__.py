"""hotloop: dense neural networks for CPUs, written as in Keras 3.

Importing it loads NumPy, the core and what the first step of any dense model takes; everything else
that is public is loaded when it is first asked for.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

# At once, so that a missing or unusable core is said where hotloop is imported.
from hotloop import _native as _core  # noqa: F401
from hotloop._absent import missing as _absent_from
from hotloop._version import __version__

if TYPE_CHECKING:
    from hotloop import activations as activations
    from hotloop import backend as backend
    from hotloop import callbacks as callbacks
    from hotloop import cli as cli
    from hotloop import config as config
    from hotloop import constraints as constraints
    from hotloop import datasets as datasets
    from hotloop import dtype_policies as dtype_policies
    from hotloop import graph as graph
    from hotloop import initializers as initializers
    from hotloop import layers as layers
    from hotloop import losses as losses
    from hotloop import metrics as metrics
    from hotloop import mixed_precision as mixed_precision
    from hotloop import models as models
    from hotloop import ops as ops
    from hotloop import optimizers as optimizers
    from hotloop import plot as plot
    from hotloop import random as random
    from hotloop import regularizers as regularizers
    from hotloop import saving as saving
    from hotloop import tree as tree
    from hotloop import utils as utils
    from hotloop.dtype_policies import DTypePolicy as DTypePolicy
    from hotloop.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from hotloop.graph import HotloopError as HotloopError
    from hotloop.graph import TracingError as TracingError
    from hotloop.graph import Variable as Variable
    from hotloop.initializers import Initializer as Initializer
    from hotloop.layers import Input as Input
    from hotloop.layers import InputSpec as InputSpec
    from hotloop.layers import Layer as Layer
    from hotloop.losses import Loss as Loss
    from hotloop.metrics import Metric as Metric
    from hotloop.models import Model as Model
    from hotloop.models import Sequential as Sequential
    from hotloop.ops.gradient_tape import GradientTape as GradientTape
    from hotloop.ops.gradient_tape import gradients as gradients
    from hotloop.ops.symbolic import KerasTensor as KerasTensor
    from hotloop.ops.symbolic import Operation as Operation
    from hotloop.optimizers import Optimizer as Optimizer
    from hotloop.regularizers import Regularizer as Regularizer
    from hotloop.utils import get_num_threads as get_num_threads
    from hotloop.utils import set_num_threads as set_num_threads
    from hotloop.utils import show_config as show_config
    from hotloop.utils.config import version as version

_MODULES = frozenset(
    {
        "activations",
        "backend",
        "callbacks",
        "cli",
        "config",
        "constraints",
        "datasets",
        "dtype_policies",
        "graph",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "plot",
        "random",
        "regularizers",
        "saving",
        "tree",
        "utils",
    }
)

# Public name -> the module that defines it.
_NAMES = {
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "ops.symbolic",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Operation": "ops.symbolic",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "TracingError": "graph",
    "GradientTape": "ops.gradient_tape",
    "HotloopError": "graph",
    "Variable": "graph",
    "get_num_threads": "utils",
    "gradients": "ops.gradient_tape",
    "set_num_threads": "utils",
    "show_config": "utils",
    "version": "utils.config",
}

__all__ = ["__version__", *_MODULES, *_NAMES]  # noqa: PLE0604 (all of them are strings)


_missing = _absent_from(__name__)


def __getattr__(name: str) -> object:
    if name == "keras":
        # Programs that say `tf.keras` throughout change one line, to `import hotloop as tf`.
        return _import_module("hotloop")
    if name in _MODULES:
        return _import_module(f"hotloop.{name}")
    if name in _NAMES:
        value = getattr(_import_module(f"hotloop.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    return _missing(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


from hotloop import _at_import  # noqa: E402, F401 (last: its modules import from this one)
