import numpy as np
import pytest

from hotloop import ops
from hotloop.utils import normalize, to_categorical


def test_one_hot():
    result = to_categorical([0, 2, 1])
    np.testing.assert_array_equal(result, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert result.dtype == np.float64


@pytest.mark.parametrize(
    ("shape", "expected"), [((3,), (3, 5)), ((3, 1), (3, 5)), ((2, 3), (2, 3, 5)), ((), (5,))]
)
def test_shapes(shape, expected):
    result = to_categorical(np.full(shape, 4, np.uint8), num_classes=5)
    assert result.shape == expected
    assert (result.argmax(-1) == 4).all()


def test_whole_floats_are_class_numbers():
    np.testing.assert_array_equal(to_categorical([1.0, 0.0]), [[0, 1], [1, 0]])


def test_empty_with_number_of_classes():
    assert to_categorical([], num_classes=3).shape == (0, 3)


@pytest.mark.parametrize(
    ("x", "num_classes", "message"),
    [
        ([0, 3], 3, r"\[0, 3\), and `x` holds 3"),
        ([-1, 0], None, "holds -1"),
        ([0.5], 3, "fractions"),
        ([float("nan")], 3, "NaN"),
        (["a"], None, "dtype"),
        ([], None, "num_classes"),
    ],
)
def test_what_is_no_class_number(x, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(x, num_classes)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("order", [1, 2])
def test_normalize(axis, order):
    x = np.array([[3.0, 4.0, 0.0], [6.0, -8.0, 0.0]])
    norms = np.linalg.norm(
        normalize(x, axis, order).reshape(-1) if axis is None else normalize(x, axis, order),
        order,
        axis,
    )
    np.testing.assert_allclose(norms[norms != 0] if axis is not None else norms, 1.0)


def test_normalize_leaves_zeros():
    np.testing.assert_array_equal(normalize(np.zeros((2, 3))), np.zeros((2, 3)))


def test_tensors():
    result = to_categorical(ops.convert_to_tensor(np.array([[1], [0]])), 2)
    np.testing.assert_array_equal(np.asarray(result), [[0, 1], [1, 0]])
    np.testing.assert_allclose(
        np.asarray(normalize(ops.convert_to_tensor([[3.0, 4.0]]))), [[0.6, 0.8]], rtol=1e-6
    )
    with pytest.raises(ValueError, match="num_classes"):
        to_categorical(ops.convert_to_tensor([1, 0]))
