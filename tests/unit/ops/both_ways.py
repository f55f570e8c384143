"""Functions of ops run eagerly and compiled."""

import numpy as np

from hotloop import graph


def compiled(function, *arrays):
    """What the compiled function gives."""
    specs = [(a.shape, a.dtype.name) for a in arrays]
    trace = graph.trace(lambda *tensors: [function(*tensors)], specs)
    (result,) = graph.compile(trace, batched=False)(list(arrays))
    return result.astype(graph.numpy_dtype(trace.outputs[0].dtype))


def both(function, *arrays):
    """The eager result, which must be the compiled one."""
    eager = function(*arrays).numpy()
    np.testing.assert_array_equal(compiled(function, *arrays), eager)
    return eager


def gradient(function, x):
    with graph.Scope(symbolic=False):
        x = graph.constant(x)
        (g,) = graph.gradients(function(x), [x])
        return g.numpy()
