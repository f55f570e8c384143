"""The base class: parts, weights, calls, modes, losses and configurations."""

import copy
import pickle

import numpy as np
import pytest

from hotloop import constraints, graph, layers, metrics, ops, regularizers
from hotloop.layers.context import no_tracking
from hotloop.random import SeedGenerator
from hotloop.utils import clear_session


class Scale(layers.Layer):
    def __init__(self, start=2.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.factor = self.add_weight(
            shape=(input_shape[-1],),
            initializer=lambda shape, dtype: np.full(shape, self.start),
            name="factor",
        )

    def call(self, inputs):
        return inputs * self.factor


class Outer(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = []
        self.last = layers.Dense(2, name="last")
        self.blocks.append(Scale(name="block"))
        self.by_name = {"a": Scale(3.0, name="a")}

    def call(self, inputs):
        x = self.blocks[0](inputs)
        return self.last(self.by_name["a"](x))


def test_built_by_the_first_call():
    layer = Scale(name="scale")
    assert not layer.built
    assert layer.weights == []
    np.testing.assert_array_equal(layer(np.ones((2, 3))), np.full((2, 3), 2.0))
    assert layer.built
    assert [w.path for w in layer.weights] == ["scale/factor"]
    assert layer.count_params() == 3
    assert layer.get_build_config() == {"input_shape": (2, 3)}


def test_parts_in_lists_and_dicts_count_in_order_of_coming():
    layer = Outer(name="outer")
    layer(np.ones((1, 4)))
    assert [w.path for w in layer.weights] == [
        "outer/last/kernel",
        "outer/last/bias",
        "outer/block/factor",
        "outer/a/factor",
    ]
    assert layer.count_params() == 4 * 2 + 2 + 4 + 4
    assert [x.name for x in layer._flatten_layers()] == ["outer", "last", "block", "a"]


def test_shared_parts_count_once():
    layer = layers.Layer()
    shared = Scale()
    layer.one, layer.two, layer.more = shared, shared, [shared]
    shared.build((None, 3))
    assert len(layer.weights) == 1


def test_every_kind_of_part():
    layer = layers.Layer()
    layer.weight = graph.Variable(np.ones(2), name="w")
    layer.counter = graph.Variable(np.zeros((), np.int32), trainable=False, name="c")
    layer.seeds = SeedGenerator(1)
    layer.mean = metrics.Mean()
    assert layer.weights == [layer.weight, layer.counter]
    assert layer.variables == [layer.weight, layer.counter, layer.seeds.state]
    assert layer.trainable_variables == [layer.weight]
    assert layer.non_trainable_variables == [layer.counter, layer.seeds.state]
    assert layer.metrics == [layer.mean]
    assert layer.metrics_variables == layer.mean.variables
    del layer.weight
    assert layer.weights == [layer.counter]
    with no_tracking():
        layer.hidden = graph.Variable(np.ones(2))
    assert layer.weights == [layer.counter]


def test_containers_stay_containers():
    layer = layers.Layer()
    layer.items = [1]
    layer.items += [Scale(name="x")]
    layer.items.insert(0, Scale(name="y"))
    layer.items[1:2] = [Scale(name="z")]
    layer.table = {}
    layer.table.update(q=Scale(name="q"))
    layer.table.setdefault("r", Scale(name="r"))
    layer.bag = set()
    layer.bag.add(Scale(name="s"))
    layer.pair = (Scale(name="t"), 3)
    assert [x.name for x in layer._layers] == ["x", "y", "z", "q", "r", "s", "t"]
    assert isinstance(layer.items, list)
    assert isinstance(layer.table, dict)


def test_no_new_parts_after_build():
    layer = Scale()
    layer.build((None, 2))
    with pytest.raises(ValueError, match="already built"):
        layer.late = Scale()
    with pytest.raises(ValueError, match="already built"):
        layer.add_weight(shape=(2,))


def test_a_failed_build_can_be_tried_again():
    layer = layers.Dense(2, bias_initializer=lambda shape, dtype: np.zeros(7))
    for _ in range(2):
        with pytest.raises(ValueError, match="returned shape"):
            layer(np.ones((1, 3)))
    assert layer.weights == []
    assert not layer.built
    layer.bias_initializer = lambda shape, dtype: np.zeros(shape)
    layer(np.ones((1, 3)))
    assert [w.name for w in layer.weights] == ["kernel", "bias"]


def test_super_build_does_not_lock_early():
    class Child(Scale):
        def build(self, input_shape):
            super().build(input_shape)
            self.shift = self.add_weight(shape=(input_shape[-1],), initializer="ones")

        def call(self, inputs):
            return super().call(inputs) + self.shift

    np.testing.assert_array_equal(Child()(np.ones((1, 2))), [[3, 3]])


def test_forgotten_super():
    class Forgetful(layers.Layer):
        def __init__(self):
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgetful()(np.ones((1, 2)))


# Weights


def test_add_weight():
    layer = layers.Layer(name="l")
    weight = layer.add_weight(
        (2, 3), "ones", "float32", regularizer="l2", constraint="non_neg", name="w"
    )
    assert weight.shape == (2, 3)
    assert isinstance(weight.regularizer, regularizers.L2)
    assert isinstance(weight.constraint, constraints.NonNeg)
    assert weight.path == "l/w"
    assert layer.add_weight().shape == ()
    assert layer.add_weight(shape=4).shape == (4,)
    counts = layer.add_weight(shape=(2,), dtype="int32", trainable=False)
    np.testing.assert_array_equal(counts.numpy(), [0, 0])
    assert layer.non_trainable_weights == [counts]


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        (("kernel",), {}, ValueError, "must be passed as a keyword"),
        (((2,),), {"shape": (2,)}, ValueError, "`shape` was passed both"),
        ((1, 2, 3, 4), {}, TypeError, "at most 3"),
        ((), {"shape": (None, 2)}, ValueError, "whole numbers"),
        ((), {"shape": (2.5,)}, ValueError, "whole numbers"),
        ((), {"shape": (2,), "initializer": "zeroes"}, ValueError, "Did you mean 'zeros'"),
        ((), {"shape": (2,), "initializer": lambda s, dtype: np.ones(3)}, ValueError, r"\(3,\)"),
        ((), {"overwrite_with_gradient": True}, NotImplementedError, "overwrite_with_gradient"),
        ((), {"dtype": "float16"}, NotImplementedError, "float16"),
    ],
)
def test_bad_add_weight(args, kwargs, error, message):
    with pytest.raises(error, match=message):
        layers.Layer().add_weight(*args, **kwargs)


def test_trainable_goes_down():
    layer = Outer()
    layer(np.ones((1, 4)))
    assert len(layer.trainable_weights) == 4
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4
    assert not layer.last.trainable
    layer.trainable = True
    layer.last.trainable = False
    assert [w.name for w in layer.trainable_weights] == ["factor", "factor"]
    frozen = layers.Dense(2, trainable=False)
    frozen.build((None, 3))
    assert frozen.trainable_weights == []


def test_get_and_set_weights():
    layer = layers.Dense(2)
    layer.build((None, 3))
    values = [np.arange(6.0).reshape(3, 2), np.array([5.0, 6.0])]
    layer.set_weights(values)
    np.testing.assert_array_equal(layer.get_weights()[0], values[0])
    with pytest.raises(ValueError, match="length 1, but the layer was expecting 2"):
        layer.set_weights(values[:1])
    with pytest.raises(ValueError, match=r"\(2,\) is not compatible with .* \(3,\)"):
        layer.set_weights([values[0] + 1, np.zeros(3)])
    with pytest.raises(TypeError, match="needs numbers"):
        layer.set_weights([values[0] + 1, np.array(["a", "b"])])
    np.testing.assert_array_equal(layer.get_weights()[0], values[0])


def test_count_params_needs_build():
    with pytest.raises(ValueError, match="isn't built"):
        Scale().count_params()


# Calls


def test_arrays_of_every_kind():
    layer = Scale()
    for dtype in ("float64", "float16", "uint8", "int64", ">f4", "bool"):
        result = layer(np.ones((2, 3), dtype))
        assert result.dtype == "float32"
        np.testing.assert_array_equal(result, np.full((2, 3), 2.0))


@pytest.mark.parametrize("value", ["text", 3, [1, 2], object()])
def test_only_tensors_are_positional(value):
    with pytest.raises(ValueError, match="Only input tensors"):
        Scale()(value)


def test_mismatched_inputs():
    layer = layers.Dense(2, name="dense")
    layer.build((None, 784))
    with pytest.raises(
        ValueError,
        match=r'Input 0 of layer "dense" is incompatible with the layer: expected axis -1 of input '
        r"shape to have value 784, but received input with shape \(5, 10\)",
    ):
        layer(np.ones((5, 10)))
    with pytest.raises(ValueError, match=r"expected min_ndim=2, found ndim=1.*\(784,\)"):
        layer(np.ones(784))
    with pytest.raises(ValueError, match=r"\(None, 10\)"):
        layer(layers.Input((10,)))


def test_errors_say_where():
    class Broken(layers.Layer):
        def call(self, inputs):
            return ops.reshape(inputs, (7,))

    with pytest.raises(ValueError) as error:
        Broken(name="broken")(np.ones((2, 3)))
    assert error.value.__notes__ == [
        "Raised in the call of layer 'broken' (Broken: inputs_shape=(2, 3))"
    ]


def test_several_inputs_by_name():
    class Mix(layers.Layer):
        def build(self, left_shape, right_shape):
            self.kernel = self.add_weight(shape=(left_shape[-1], right_shape[-1]))

        def call(self, left, right=None):
            return ops.matmul(left, self.kernel) + right

    layer = Mix()
    layer(np.ones((2, 3)), right=np.ones((2, 5)))
    assert layer.kernel.shape == (3, 5)

    class Wrong(Mix):
        def build(self, left_shape, other):
            raise AssertionError

    with pytest.raises(ValueError, match="should have a `_shape` suffix"):
        Wrong()(np.ones((2, 3)), right=np.ones((2, 5)))


class Mode(layers.Layer):
    def call(self, inputs, training=None):
        return inputs * (2.0 if training else 1.0 if training is None else 0.0)


def test_training_reaches_inner_layers():
    class Around(layers.Layer):
        def __init__(self, told=None):
            super().__init__()
            self.inner, self.after, self.told = Mode(), Mode(), told

        def call(self, inputs):
            first = self.inner(inputs, training=self.told)
            return ops.concatenate([first, self.after(inputs)], axis=-1)

    x = np.ones((1, 1))
    np.testing.assert_array_equal(Around()(x), [[1, 1]])
    np.testing.assert_array_equal(Around()(x, training=True), [[2, 2]])
    np.testing.assert_array_equal(Around()(x, training=False), [[0, 0]])
    # What one inner layer is told does not leak to the next.
    np.testing.assert_array_equal(Around(told=True)(x, training=False), [[2, 0]])
    np.testing.assert_array_equal(Around(told=True)(x), [[2, 1]])


def test_a_failed_call_leaves_no_mode_behind():
    class Failing(layers.Layer):
        def call(self, inputs, training=None):
            raise KeyError("no")

    with pytest.raises(KeyError):
        Failing()(np.ones((1, 1)), training=True)
    np.testing.assert_array_equal(Mode()(np.ones((1, 1))), [[1]])


def test_symbolic_calls():
    x = layers.Input((3,))
    layer = Scale()
    y = layer(x)
    assert y.shape == (None, 3)
    assert layer.output is y
    assert layer.input is x
    assert y.node.operation is layer
    assert Mode()(x, training=True).node.kwargs == {"training": True}
    assert Mode()(x).node.kwargs == {}


def test_output_shape():
    class Pair(layers.Layer):
        def call(self, inputs):
            return {"sum": ops.sum(inputs, axis=-1), "same": inputs}

    spec = Pair()(layers.Input((3,)))
    assert (spec["sum"].shape, spec["same"].shape) == ((None,), (None, 3))
    layer = Scale()
    assert layer.compute_output_shape((None, 4)) == (None, 4)
    assert layer.factor.shape == (4,)


def test_input_shape_argument_warns_here():
    with pytest.warns(UserWarning, match="Do not pass an `input_shape`") as found:
        layer = layers.Dense(2, input_shape=(3,))
    assert found[0].filename == __file__
    assert layer._input_shape_arg == (3,)
    with pytest.warns(UserWarning, match="input_dim"):
        assert layers.Dense(2, input_dim=5)._input_shape_arg == (5,)


# Losses


def test_losses():
    class Penalized(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(2,), initializer="ones", regularizer="l2")

        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs * self.w

    layer = Penalized(activity_regularizer=regularizers.L1(0.5))
    outer = layers.Layer()
    outer.inner = layer
    for _ in range(2):  # a call starts over
        layer(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert [float(loss) for loss in layer.losses] == pytest.approx([10.0, 2.5, 0.02])
    assert len(outer.losses) == 3
    layer.trainable = False
    assert len(layer.losses) == 2
    with pytest.raises(ValueError, match="add_loss"):
        layer.add_loss(3.0)


def test_traced_losses_stay_in_their_trace():
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs

    layer = Adds()
    found = []

    def step(x):
        layer(x)
        found.extend(layer.losses)
        return list(layer.losses)

    program = graph.compile(graph.trace(step, [((2,), "float32")]), batched=False)
    result = np.zeros((), "float32")
    program.run([np.array([1, 2], "float32")], outputs=[result])
    assert float(result) == 3.0
    assert len(found) == 1
    assert layer.losses == []


def test_gradients_through_a_layer():
    layer = layers.Dense(2, activation="tanh")
    x = np.array([[1.0, -2.0, 0.5]], "float32")
    layer.build((None, 3))
    with graph.Scope(symbolic=False):
        loss = ops.sum(ops.square(layer(x)))
        kernel, bias = graph.gradients(loss, [w.value for w in layer.trainable_weights])
    w, b = (v.astype(np.float64) for v in layer.get_weights())
    y = np.tanh(x @ w + b)
    g = 2 * y * (1 - y * y)
    np.testing.assert_allclose(kernel, x.T @ g, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(bias, g[0], rtol=1e-4, atol=1e-6)


# Names and configurations


def test_automatic_names():
    clear_session()
    names = [layers.Dense(1).name, layers.Dense(1).name, layers.ReLU().name, Scale().name]
    assert names == ["dense", "dense_1", "re_lu", "scale"]
    layer = layers.Layer(name="l")
    assert [layer.add_weight().path for _ in range(2)] == ["l/variable", "l/variable_1"]
    with pytest.raises(ValueError, match="/"):
        layers.Dense(1, name="a/b")


def test_automatic_config():
    layer = Scale(3.0, name="s", trainable=False)
    config = layer.get_config()
    assert config["start"] == 3.0
    assert (config["name"], config["trainable"]) == ("s", False)
    again = Scale.from_config(config)
    np.testing.assert_array_equal(again(np.ones((1, 1))), [[3.0]])

    class Closed(layers.Layer):
        def __init__(self, units=3):
            super().__init__()
            self.units = units

    assert Closed(4).get_config() == {"units": 4}
    assert Closed.from_config(Closed(4).get_config()).units == 4

    class Holder(layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

    with pytest.raises(NotImplementedError, match="implement `get_config"):
        Holder(Scale()).get_config()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"color": 1}, ValueError, "Unrecognized keyword arguments passed to Layer: {'color': 1}"),
        ({"trainable": "yes"}, ValueError, "boolean"),
        ({"dtype": "float16"}, NotImplementedError, "float16"),
        ({"dtype": "mixed_float16"}, NotImplementedError, "mixed_float16"),
        ({"dtype": "float17"}, ValueError, "float17"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        layers.Layer(**arguments)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_have_their_own_weights(twin):
    layer = layers.Dense(2)
    layer.build((None, 3))
    other = twin(layer)
    np.testing.assert_array_equal(other.get_weights()[0], layer.get_weights()[0])
    other.set_weights([np.zeros((3, 2)), np.zeros(2)])
    assert np.any(layer.get_weights()[0] != 0)
    np.testing.assert_array_equal(other(np.ones((1, 3))), [[0, 0]])
