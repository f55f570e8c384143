"""Projections, against the formulas in NumPy."""

import numpy as np
import pytest

from hotloop import constraints

W = np.array([[3.0, -0.2], [4.0, 0.1]], "float32")
NORMS = np.array([[5.0, np.sqrt(0.05)]])


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (constraints.MaxNorm(2), W * np.minimum(NORMS, 2) / NORMS),
        (constraints.UnitNorm(), W / NORMS),
        (constraints.NonNeg(), np.maximum(W, 0)),
        (constraints.MinMaxNorm(0.5, 2.0), W * np.clip(NORMS, 0.5, 2.0) / NORMS),
        (
            constraints.MinMaxNorm(0.5, 2.0, rate=0.25),
            W * (0.25 * np.clip(NORMS, 0.5, 2.0) + 0.75 * NORMS) / NORMS,
        ),
        (constraints.UnitNorm(axis=[0, 1]), W / np.linalg.norm(W)),
    ],
)
def test_projection(constraint, expected):
    np.testing.assert_allclose(constraint(W), expected, rtol=2e-6)


def test_a_zero_vector_stays_zero():
    np.testing.assert_array_equal(constraints.UnitNorm()(np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize("name", ["max_norm", "MaxNorm", "non_neg", "unit_norm", "min_max_norm"])
def test_names_round_trip(name):
    constraint = constraints.get(name)
    again = constraints.deserialize(constraints.serialize(constraint))
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()


def test_unknown_name():
    with pytest.raises(ValueError, match="Did you mean 'max_norm'"):
        constraints.get("max_nrm")
