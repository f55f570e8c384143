import numpy as np
import pytest

from hotloop import KerasTensor, backend


def test_unique_numbers():
    first = backend.get_uid("backend test")
    assert [backend.get_uid("backend test") for _ in range(2)] == [first + 1, first + 2]


def test_dtypes():
    assert backend.is_float_dtype("float16")
    assert backend.is_float_dtype(np.dtype("float64"))
    assert not backend.is_float_dtype("int32")
    assert backend.is_int_dtype("uint8")
    assert not backend.is_int_dtype("bool")
    assert backend.result_type("int32", "float32") == "float32"
    assert backend.result_type("bool", "int32") == "int32"
    assert backend.result_type() == "float32"
    assert backend.standardize_dtype(None) == "float32"
    assert backend.standardize_dtype("int32") == "int32"
    with pytest.raises(NotImplementedError, match="float16"):
        backend.standardize_dtype("float16")


def test_the_same_as_elsewhere():
    assert backend.backend() == "hotloop"
    assert backend.floatx() == "float32"
    assert backend.is_keras_tensor(KerasTensor((2,)))
    backend.clear_session()
