"""Arrays known by what they can do: `__dlpack__`, `__array__`, and the forms of other libraries."""

import numpy as np
import pytest

import hotloop as keras

X = np.random.default_rng(2).random((10, 3), dtype=np.float32)


class DLPack:
    """Only `__dlpack__`, as the standard of array libraries has it."""

    def __init__(self, array, device=(1, 0)):
        self.array, self.device = array, device
        self.shape = array.shape

    def __dlpack__(self, **kwargs):
        if self.device[0] != 1:
            raise BufferError("the data is on a GPU")
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.device


class ArrayLike:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class TorchLike:
    """A tensor that must be detached and brought to the CPU first."""

    is_sparse = False

    def __init__(self, array, ready=0, dtype="torch.float32"):
        self.values, self.ready, self.dtype, self.shape = array, ready, dtype, array.shape

    def detach(self):
        return TorchLike(self.values, self.ready + 1, self.dtype)

    cpu = detach

    def float(self):
        return TorchLike(self.values, self.ready)

    def __array__(self, dtype=None, copy=None):
        if self.ready < 2 or self.dtype != "torch.float32":
            raise TypeError("can't convert")
        return self.values


class SparseTensor:
    """TensorFlow's form of a sparse tensor."""

    def __init__(self, array):
        self.indices = np.argwhere(array)
        self.values = array[tuple(self.indices.T)]
        self.dense_shape = np.array(array.shape)
        self.shape = array.shape


class Bcoo:
    """JAX's form."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def todense(self):
        return self.array


@pytest.mark.parametrize("kind", [DLPack, ArrayLike, TorchLike, SparseTensor, Bcoo])
def test_arrays_of_other_libraries(kind):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(kind(X), verbose=0), expected)
    np.testing.assert_array_equal(model.predict(iter([(kind(X),)]), verbose=0), expected)
    assert model.test_on_batch(kind(X), kind(X[:, :2])) == model.test_on_batch(X, X[:, :2])


def test_half_precision_tensors():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    tensor = TorchLike(X, dtype="torch.bfloat16")
    np.testing.assert_array_equal(model.predict(tensor, verbose=0), X)


def test_what_cannot_be_read_says_why():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    with pytest.raises(ValueError, match=r"`x` is an object of type .*DLPack.*on a GPU"):
        model.predict(DLPack(X, device=(2, 0)), verbose=0)
