"""Tensors, primitives, tracing, gradients and compilation. The layer everything else stands on."""

from typing import TYPE_CHECKING

from hotloop._later import Later
from hotloop.graph.changes import numbers, structure
from hotloop.graph.dtypes import canonical_dtype, numpy_dtype
from hotloop.graph.errors import HotloopError, TracingError
from hotloop.graph.repeated import repeat
from hotloop.graph.scope import Scope, current_scope
from hotloop.graph.tensor import Tensor, apply, constant, fill, tensor_maker
from hotloop.graph.values import are_below, draw_uniform, has_nan
from hotloop.graph.variable import Variable

from hotloop.graph.primitives import (  # isort: skip  # noqa: F401  (fill the table)
    elementwise,
    products,
    reductions,
    shapes,
    sources,
)
from hotloop.graph.gradients import gradients
from hotloop.graph.order import sort_topologically
from hotloop.graph.trace import Trace, trace

from hotloop.graph.compile import Executable, compile  # isort: skip

if TYPE_CHECKING:
    from hotloop.graph import reference, rows
else:
    reference = Later("hotloop.graph.reference")
    rows = Later("hotloop.graph.rows")

__all__ = [
    "Executable",
    "HotloopError",
    "Scope",
    "Tensor",
    "Trace",
    "TracingError",
    "Variable",
    "apply",
    "are_below",
    "canonical_dtype",
    "compile",
    "constant",
    "current_scope",
    "draw_uniform",
    "fill",
    "gradients",
    "has_nan",
    "numbers",
    "numpy_dtype",
    "reference",
    "rows",
    "repeat",
    "sort_topologically",
    "structure",
    "tensor_maker",
    "trace",
]
