"""Penalties, against the formulas in NumPy."""

import numpy as np
import pytest

from hotloop import regularizers

W = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], "float32")


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.L1(), 0.01 * 7.5),
        (regularizers.L2(), 0.01 * 15.25),
        (regularizers.L1L2(0.1, 0.2), 0.75 + 3.05),
        (regularizers.L1L2(), 0.0),
        (regularizers.get("l2"), 0.1525),
        (regularizers.get("L1"), 0.075),
    ],
)
def test_value(regularizer, expected):
    value = regularizer(W)
    assert value.shape == ()
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_orthogonal_rows_and_columns():
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosine = abs(unit[0] @ unit[1])
    assert float(regularizers.OrthogonalRegularizer(0.3)(W)) == pytest.approx(
        0.3 * cosine, rel=1e-5
    )
    unit = W / np.linalg.norm(W, axis=0, keepdims=True)
    product = np.abs(unit.T @ unit)
    expected = 0.01 * (product.sum() - 3) / 2 / 3
    value = regularizers.OrthogonalRegularizer(mode="columns")(W)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="rank 2"):
        regularizers.OrthogonalRegularizer()(W[0])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "a", True])
def test_bad_factor(value):
    with pytest.raises(ValueError, match="non-negative float"):
        regularizers.L2(value)


def test_round_trip():
    config = regularizers.serialize(regularizers.L1L2(0.1, 0.2))
    assert config["config"] == {"l1": 0.1, "l2": 0.2}
    assert regularizers.deserialize(config).get_config() == {"l1": 0.1, "l2": 0.2}
    assert regularizers.serialize(None) is None
    assert regularizers.get(None) is None


def test_unknown_name():
    with pytest.raises(ValueError, match="Unknown regularizer 'l3'"):
        regularizers.get("l3")
