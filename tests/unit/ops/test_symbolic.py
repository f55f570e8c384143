import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotloop import graph, ops
from hotloop.graph import TracingError, Variable
from hotloop.ops import KerasTensor, Operation
from hotloop.ops.naming import auto_name, reset_names, to_snake_case


def test_functions_record_nodes():
    x = KerasTensor((None, 4), name="x")
    y = ops.relu(x) * 2.0 + 1
    assert (y.shape, y.dtype) == ((None, 4), "float32")
    assert y.node.operation.function.__name__ == "add"
    (product,) = y.node.inputs
    assert product.node.parents[0].inputs == [x]
    assert x.node is None


@pytest.mark.parametrize(
    ("call", "shape", "dtype"),
    [
        (lambda x: ops.reshape(x, (-1, 2)), (None, 2), "float32"),
        (lambda x: ops.sum(x), (), "float32"),
        (lambda x: ops.argmax(x, axis=-1), (None,), "int32"),
        (lambda x: x[:, 1], (None,), "float32"),
        (lambda x: x[0], (4,), "float32"),
        (lambda x: x == 1.0, (None, 4), "bool"),
        (lambda x: x @ np.ones((4, 3)), (None, 3), "float32"),
        (lambda x: ops.concatenate([x, x]), (None, 4), "float32"),
        (lambda x: ops.concatenate([x, x], axis=1), (None, 8), "float32"),
        (lambda x: x.T, (4, None), "float32"),
        (lambda x: 1 - x, (None, 4), "float32"),
        (lambda x: ops.add(x, x2=x), (None, 4), "float32"),
    ],
)
def test_shapes_of_results(call, shape, dtype):
    result = call(KerasTensor((None, 4)))
    assert (result.shape, result.dtype) == (shape, dtype)


def test_several_results():
    parts = ops.split(KerasTensor((None, 4)), 2, axis=1)
    assert [p.shape for p in parts] == [(None, 2), (None, 2)]
    assert [p.tensor_index for p in parts] == [0, 1]
    assert parts[0].node is parts[1].node
    assert parts[0].node.structure == parts


def test_no_values():
    x = KerasTensor((None, 4))
    for ask in (bool, float, int, iter, np.asarray):
        with pytest.raises(TracingError, match="KerasTensor"):
            ask(x)


class Scale(Operation):
    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = Variable(factor)

    def call(self, x, extra=None, flag=False):
        y = x * self.factor
        if extra is not None:
            y = y + extra["bias"]
        return {"y": y, "sum": ops.sum(y, axis=-1)} if flag else y


def test_operations_run_on_values_and_record_on_symbols():
    scale = Scale(3.0, name="scale")
    assert scale(np.array([1.0, 2.0])).tolist() == [3.0, 6.0]
    assert scale.nodes == []
    x, b = KerasTensor((None, 2)), KerasTensor((2,))
    out = scale(x, extra={"bias": b}, flag=True)
    assert out["y"].shape == (None, 2)
    assert out["sum"].shape == (None,)
    (node,) = scale.nodes
    assert node.inputs == [x, b]
    assert node.outputs == [out["sum"], out["y"]]
    assert scale.input == [x, b]
    assert scale.output == out
    values = {id(x): graph.constant([[1.0, 2.0]]), id(b): graph.constant([1.0, 1.0])}
    args, kwargs = node.call_arguments(lambda t: values[id(t)])
    assert scale.call(*args, **kwargs)["sum"].tolist() == [11.0]


def test_updates_made_while_inferring_are_dropped():
    counter = Variable(0)

    class Count(Operation):
        def call(self, x):
            counter.assign_add(1)
            return x

    Count()(KerasTensor((None, 2)))
    assert counter.numpy() == 0


def test_input_and_output_are_those_of_the_first_call():
    scale = Scale(1.0)
    with pytest.raises(AttributeError, match="never been called"):
        _ = scale.input
    first, second = KerasTensor((2,)), KerasTensor((3,))
    made = scale(first)
    scale(second)
    assert scale.input is first
    assert scale.output is made


def test_call_that_needs_values_cannot_be_inferred():
    class Branch(Operation):
        def call(self, x):
            return x if ops.sum(x) > 0 else -x

    with pytest.raises(TracingError, match="truth value"):
        Branch()(KerasTensor((None, 2)))
    assert Branch()(np.array([-1.0])).tolist() == [1.0]


def test_errors_do_not_show_the_stand_in_for_an_unknown_size():
    with pytest.raises(ValueError, match=r"\(None, 4\) and \(3, 2\)"):
        ops.matmul(KerasTensor((None, 4)), np.ones((3, 2)))


def test_rank_that_depends_on_an_unknown_size():
    class Odd(Operation):
        def call(self, x):
            return ops.ravel(x) if x.shape[0] % 3 == 2 and x.shape[0] < 85 else x

    with pytest.raises(ValueError, match="rank"):
        Odd()(KerasTensor((None, 2)))


def test_names():
    reset_names()
    assert [auto_name("Dense"), auto_name("Dense"), auto_name("MyDense2")] == [
        "dense", "dense_1", "my_dense2",
    ]  # fmt: skip
    assert to_snake_case("ReLU") == "re_lu"
    with pytest.raises(TypeError, match="string"):
        Scale(1.0, name=3)
    with pytest.raises(ValueError, match="/"):
        Scale(1.0, name="a/b")


def test_methods_of_symbolic_tensors():
    """The two that Keras's have; both record nodes."""
    x = ops.KerasTensor((None, 1, 6))
    assert x.squeeze(1).shape == (None, 6)
    assert x.reshape((-1, 2, 3)).shape == (None, 2, 3)
    assert x.squeeze().node is not None


@given(st.text(alphabet="abcXYZ019_ -.éÉ²\n", max_size=9))
def test_snake_case_is_that_of_keras(name):
    expected = re.sub(r"\W+", "", name)
    expected = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", expected)
    expected = re.sub("([a-z])([A-Z])", r"\1_\2", expected).lower()
    assert to_snake_case(name) == (name if name.isidentifier() and name.islower() else expected)
