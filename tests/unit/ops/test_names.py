"""The modules that `keras.ops` groups its functions in; tests/parity has the list of names."""

import pytest

from hotloop import ops


@pytest.mark.parametrize("module", ["numpy", "nn", "linalg"])
def test_modules_of_keras_ops(module):
    part = getattr(ops, module)
    assert part.__all__
    for name in part.__all__:
        assert getattr(part, name) is getattr(ops, name), name


def test_names_that_are_left_out_say_why():
    for part in (ops, ops.nn):
        with pytest.raises(NotImplementedError, match="no 'conv': convolution is out of its scope"):
            part.conv  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'matmull'"):
        ops.linalg.matmull  # noqa: B018
