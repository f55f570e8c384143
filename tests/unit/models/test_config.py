"""Models to configurations and back, and clones."""

import json
import warnings

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers
from hotloop.models import clone_model, model_from_json

X = np.random.default_rng(3).normal(size=(5, 4)).astype("float32")


def branched():
    """Several inputs and outputs, a shared layer, functions, a model in a model."""
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(3, activation="tanh", name="shared")
    one, two = shared(a), shared(b)
    inner_in = keras.Input((3,))
    inner = keras.Model(inner_in, [layers.Dense(2)(inner_in), inner_in * 2], name="inner")
    small, double = inner(one + two)
    mean = keras.ops.mean(double, axis=1, keepdims=True)
    tower = keras.Sequential([layers.Dense(2, activation="relu")], name="tower")
    joined = layers.Concatenate(name="joined")([tower(two), small])
    return keras.Model({"a": a, "b": b}, {"joined": joined, "mean": mean}, name="branched")


def outputs_agree(model, other, x):
    other.set_weights(model.get_weights())
    expected, found = model.predict(x, verbose=0), other.predict(x, verbose=0)
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key])


def test_functional_json_round_trip():
    model = branched()
    text = model.to_json()
    back = model_from_json(text)
    assert json.loads(back.to_json()) == json.loads(text)
    assert [layer.name for layer in back.layers] == [layer.name for layer in model.layers]
    assert len(back.get_layer("shared").nodes) == 2
    outputs_agree(model, back, {"a": X, "b": X[::-1]})


def test_from_config_leaves_the_configuration_alone():
    model = branched()
    config = model.get_config()
    before = json.dumps(config)
    again = keras.Model.from_config(config)
    assert type(again) is type(model)
    assert json.dumps(config) == before
    assert again.get_config() == config


def test_sequential_round_trips():
    for first in ([], [keras.Input((4,), name="in")]):
        model = keras.Sequential([*first, layers.Dense(3, name="x"), layers.ReLU()], name="s")
        back = model_from_json(model.to_json())
        assert back.get_config() == model.get_config()
        assert back.built == bool(first)
        if first:
            assert [w.shape for w in back.weights] == [(4, 3), (3,)]
    config = model.get_config()
    assert config["build_input_shape"] == (None, 4)
    with pytest.raises(ValueError, match="'name' and 'layers'"):
        keras.Sequential.from_config({"layers": []})


def test_compiled_models_come_back_compiled():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    assert model.get_compile_config() == {}
    model.compile(
        keras.optimizers.Adam(0.25),
        keras.losses.MeanSquaredError,
        metrics=["mae", keras.metrics.MeanSquaredError(name="m")],
        weighted_metrics=[],
        steps_per_execution=2,
    )
    config = model.get_compile_config()
    assert json.loads(json.dumps(config)) == config
    assert config["loss"]["class_name"] == "MeanSquaredError"
    back = model_from_json(model.to_json())
    assert back.compiled
    assert back.get_compile_config() == config
    assert back.optimizer is not model.optimizer
    assert back.optimizer.built
    assert back.steps_per_execution == 2
    y = np.zeros((5, 2))
    back.set_weights(model.get_weights())
    assert back.evaluate(X, y, verbose=0) == model.evaluate(X, y, verbose=0)


class Custom(keras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units)

    def call(self, x, training=None):
        return self.dense(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_subclassed_models():
    model = Custom(units=2, name="c")
    model(X)
    back = model_from_json(model.to_json(), custom_objects={"Custom": Custom})
    assert back.units == 2
    assert back.built
    assert [w.shape for w in back.weights] == [(4, 2), (2,)]
    with pytest.raises(TypeError, match="Custom"):
        model_from_json(model.to_json())
    copy = clone_model(model)
    assert type(copy) is Custom
    assert copy.units == 2


class Stepped(keras.Model):
    """A subclass that is made like a functional model."""

    def scaled(self, x):
        return 2 * self(x)


def test_subclasses_of_functional_models():
    a = keras.Input((4,), name="a")
    model = Stepped(a, layers.Dense(2)(a), name="st")
    assert isinstance(model, Stepped)
    assert isinstance(model, keras.models.Functional)
    assert model.input_shape == (None, 4)
    np.testing.assert_allclose(model.scaled(X), 2 * model.predict(X, verbose=0), rtol=1e-6)
    back = Stepped.from_config(model.get_config())
    assert type(back) is Stepped
    assert type(clone_model(model)) is Stepped
    assert type(keras.Model(a, layers.Dense(1)(a))) is keras.models.Functional


def test_a_subclass_that_makes_its_own_graph():
    class Fixed(keras.Model):
        def __init__(self, units):
            a = keras.Input((4,))
            super().__init__(inputs=a, outputs=layers.Dense(units)(a), name="fixed")
            self.units = units

        def get_config(self):
            return {"units": self.units}

    model = Fixed(3)
    assert model.output_shape == (None, 3)
    assert model.predict(X, verbose=0).shape == (5, 3)
    assert Fixed.from_config(model.get_config()).output_shape == (None, 3)
    assert Fixed(2).output_shape == (None, 2)


def test_clone_functional():
    model = branched()
    copy = clone_model(model)
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    assert len(copy.get_layer("shared").nodes) == 2
    assert not set(map(id, copy.weights)) & set(map(id, model.weights))
    outputs_agree(model, copy, {"a": X, "b": X})
    model.compile("adam", "mse")
    assert clone_model(model).compiled


def test_clone_with_functions():
    a = keras.Input((4,))
    model = keras.Model(a, layers.Dense(2, name="last")(layers.Dense(3)(a)))

    def wider(layer):
        config = layer.get_config()
        if layer.name == "last":
            config["units"] = 5
        return type(layer).from_config(config)

    assert clone_model(model, clone_function=wider).output_shape == (None, 5)

    def call(layer, *args, **kwargs):
        out = layer(*args, **kwargs)
        return layers.ReLU()(out) if isinstance(layer, layers.Dense) else out

    same = clone_model(model, clone_function=lambda layer: layer, call_function=call)
    assert [type(layer).__name__ for layer in same.layers].count("ReLU") == 2
    assert {id(w) for w in same.weights} == {id(w) for w in model.weights}


def test_clone_on_new_inputs():
    a = keras.Input((4,))
    model = keras.Model(a, layers.Dense(2)(a))
    new = keras.Input((4,), batch_size=7)
    copy = clone_model(model, input_tensors=new)
    assert copy.input_shape == (7, 4)
    stack = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    assert clone_model(stack, input_tensors=[new]).input_shape == (7, 4)
    for wrong in ([new, new], X):
        with pytest.raises(ValueError, match="`input_tensors`"):
            clone_model(model, input_tensors=wrong)
        with pytest.raises(ValueError, match="`input_tensors`"):
            clone_model(stack, input_tensors=wrong)


def test_clone_recursively():
    calls = []

    def clone(layer):
        calls.append(type(layer).__name__)
        return type(layer).from_config(layer.get_config())

    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="inner")
    a = keras.Input((4,))
    model = keras.Model(a, inner(a))
    clone_model(model, clone_function=clone)
    assert "Sequential" in calls
    calls.clear()
    clone_model(model, clone_function=clone, recursive=True)
    assert "Sequential" not in calls
    assert "Dense" in calls


def test_clone_arguments():
    stack = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="`call_function`"):
        clone_model(stack, call_function=print)
    with pytest.raises(ValueError, match="`clone_function`"):
        clone_model(stack, clone_function=3)
    with pytest.raises(ValueError, match="Unexpected keyword"):
        clone_model(stack, deep=True)
    model = Custom()
    for argument in ("clone_function", "call_function", "input_tensors"):
        with pytest.raises(ValueError, match=f"`{argument}`"):
            clone_model(model, **{argument: print})


def test_bad_graphs():
    config = branched().get_config()
    broken = json.loads(json.dumps(config))
    for entry in broken["layers"]:
        if entry["name"] == "shared":
            entry["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["joined", 0, 0]
    with pytest.raises(ValueError, match="loops"):
        keras.Model.from_config(broken)
    missing = json.loads(json.dumps(config))
    missing["layers"] = [e for e in missing["layers"] if e["name"] != "shared"]
    with pytest.raises(ValueError, match="no layer 'shared'"):
        keras.Model.from_config(missing)


def test_a_model_from_the_middle_of_another():
    a = keras.Input((4,))
    hidden = layers.Dense(3)(a)
    last = layers.Dense(2)
    whole = keras.Model(a, last(hidden))
    head = keras.Model(hidden, whole.output)
    assert head.layers[1:] == [last]
    values = keras.Model(a, hidden).predict(X, verbose=0)
    np.testing.assert_allclose(
        head.predict(values, verbose=0), whole.predict(X, verbose=0), rtol=1e-6
    )
    assert keras.Model.from_config(head.get_config()).input_shape == (None, 3)
    assert last.output is whole.output


def test_compile_overridden():
    class Own(Custom):
        def compile(self, **kwargs):
            super().compile(**kwargs)

    model = Own()
    with pytest.warns(UserWarning, match="compile_from_config"):
        model.compile_from_config({"loss": "mse"})
    assert not model.compiled
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Custom().compile_from_config({"optimizer": "sgd", "loss": "mse"})
