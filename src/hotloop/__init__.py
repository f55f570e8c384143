"""hotloop: dense neural networks for CPUs, written as in Keras 3.

Everything public is loaded when it is first asked for: importing hotloop costs NumPy and the core.
"""

from importlib import import_module as _import_module

from hotloop._version import __version__

_MODULES = frozenset(
    {
        "activations",
        "callbacks",
        "cli",
        "constraints",
        "datasets",
        "graph",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
        "ops",
        "optimizers",
        "plot",
        "regularizers",
        "utils",
    }
)

# Public name -> the module that defines it.
_NAMES = {
    "Initializer": "initializers",
    "Input": "layers",
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
    "HotloopError": "graph",
    "Variable": "graph",
    "get_num_threads": "utils",
    "set_num_threads": "utils",
    "show_config": "utils",
}

__all__ = ["__version__", *sorted(_MODULES), *sorted(_NAMES)]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return _import_module(f"hotloop.{name}")
    if name in _NAMES:
        value = getattr(_import_module(f"hotloop.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'hotloop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
