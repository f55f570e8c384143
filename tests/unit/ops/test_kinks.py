"""Gradients where a function has a corner: what JAX says."""

import numpy as np
import pytest

from hotloop import graph, ops


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (ops.relu, 0.0, 0.0),
        (ops.relu6, 6.0, 0.0),
        (ops.relu6, 0.0, 0.0),
        (ops.leaky_relu, 0.0, 1.0),
        (ops.absolute, 0.0, 1.0),
        (ops.absolute, -2.0, -1.0),
        (ops.softplus, 0.0, 0.5),
        (ops.elu, 0.0, 1.0),
        (ops.hard_tanh, 1.0, 1.0),
        (ops.sigmoid, 0.0, 0.25),
        (lambda x: ops.maximum(x, 0.0), 0.0, 0.5),
        (lambda x: ops.clip(x, -1.0, 1.0), 1.0, 0.5),
        (lambda x: ops.logaddexp(x, 3.0), 3.0, 0.5),
        (lambda x: ops.power(x, 2), 0.0, 0.0),
        (lambda x: ops.power(x, 3), -1.0, 3.0),
        (lambda x: ops.where(x > 0, ops.log(ops.where(x > 0, x, 1.0)), 0.0), 0.0, 0.0),
    ],
)
def test_slope(function, at, slope):
    with graph.Scope(symbolic=False):
        x = graph.constant(at, "float32")
        (g,) = graph.gradients(function(x), [x])
        np.testing.assert_allclose(g.item(), slope, rtol=1e-6)


def test_far_values_do_not_overflow_the_gradient():
    with graph.Scope(symbolic=False):
        x = graph.constant([-1e4, 1e4])
        for function in (ops.elu, ops.selu, ops.softplus, ops.sigmoid, ops.gelu, ops.silu):
            (g,) = graph.gradients(function(x), [x])
            assert np.isfinite(g.numpy()).all()
