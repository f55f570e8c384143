"""Functional models with inputs in every structure, and without some of them."""

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers, ops

RNG = np.random.default_rng(9)
A, B, C = (RNG.normal(size=(6, 3)).astype("float32") for _ in range(3))
EXPECTED = A + 2 * B + 3 * C


def make(structure):
    """A model of three inputs; `structure` puts them together."""
    a, b, c = (keras.Input((3,), name=name) for name in "abc")
    return keras.Model(structure(a, b, c), a + 2 * b + 3 * c)


STRUCTURES = {
    "list": lambda a, b, c: [a, b, c],
    "tuple": lambda a, b, c: (a, b, c),
    "dict": lambda a, b, c: {"a": a, "c": c, "b": b},
    "list in dict": lambda a, b, c: {"c": c, "ab": [a, b]},
    "dict in list": lambda a, b, c: [{"b": b, "a": a}, c],
    "deep": lambda a, b, c: {"x": {"y": [a]}, "z": (b, {"c": c})},
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_nested_inputs(name):
    model = make(STRUCTURES[name])
    x = STRUCTURES[name](A, B, C)
    np.testing.assert_allclose(model(x), EXPECTED, rtol=1e-6)
    np.testing.assert_allclose(model.predict(x, batch_size=4, verbose=0), EXPECTED, rtol=1e-6)
    model.compile("sgd", "mse")
    loss = model.evaluate(x, EXPECTED + 1, verbose=0)
    np.testing.assert_allclose(loss, 1.0, rtol=1e-5)
    back = keras.Model.from_config(model.get_config())
    np.testing.assert_allclose(back(x), EXPECTED, rtol=1e-6)


@pytest.mark.parametrize("name", ["list", "tuple", "dict"])
def test_inputs_by_name(name):
    model = make(STRUCTURES[name])
    x = {"c": C, "b": B, "a": A}
    np.testing.assert_allclose(model(x), EXPECTED, rtol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), EXPECTED, rtol=1e-6)


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize(
    "wrong", [lambda: {"a": A, "b": B, "d": C}, lambda: [A, B], lambda: {"a": A}]
)
def test_inputs_that_do_not_fit(name, wrong):
    model = make(STRUCTURES[name])
    with pytest.raises(ValueError, match="`x`"):
        model.predict(wrong(), verbose=0)
    with pytest.raises(ValueError, match="Model 'functional"):
        model(wrong())


def optional():
    class Sum(layers.Layer):
        def call(self, x, extra=None):
            return x if extra is None else x + extra

    a = keras.Input((3,), name="a")
    b = keras.Input((3,), name="b", optional=True)
    model = keras.Model([a, b], Sum()(a, extra=b))
    model.compile("sgd", "mse")
    return model


def test_optional_inputs():
    model = optional()
    for pair, expected in (([A, B], A + B), ([A, None], A)):
        np.testing.assert_allclose(model(pair), expected, rtol=1e-6)
        np.testing.assert_allclose(model.predict(pair, verbose=0), expected, rtol=1e-6)
        assert model.evaluate(pair, expected, verbose=0) == pytest.approx(0, abs=1e-9)
    for missing in ([None, B], {"a": None, "b": B}):
        with pytest.raises((TypeError, ValueError), match=r"`x\['?[0a]'?\]`"):
            model.predict(missing, verbose=0)
    with pytest.raises(ValueError, match="not optional"):
        model([None, ops.convert_to_tensor(B)])


def test_a_dictionary_may_have_more_than_the_inputs():
    model = make(STRUCTURES["list"])
    model.compile("sgd", "mse")
    data = {"more": B[:, :1], "c": C, "a": A, "b": B}
    np.testing.assert_allclose(model(data), EXPECTED, rtol=1e-6)
    np.testing.assert_allclose(model.predict(data, verbose=0), EXPECTED, rtol=1e-6)
    assert model.evaluate(data, EXPECTED + 1, verbose=0) == pytest.approx(1.0)
    batches = iter([(data, EXPECTED + 1)])
    assert model.evaluate(batches, verbose=0) == pytest.approx(1.0)
    # Where the model was made from a dictionary, the keys are its structure.
    with pytest.raises(ValueError, match="'more'"):
        make(STRUCTURES["dict"]).predict(data, verbose=0)


@pytest.mark.parametrize(
    ("structure", "kind"),
    [
        (lambda x: x, None),
        (lambda x: [x], None),
        (lambda x: (x,), None),
        (lambda x: {"x": x}, dict),
        (lambda x: [[x]], list),
        (lambda x: [x, x], list),
    ],
)
def test_one_output_in_a_list_is_that_one(structure, kind):
    a = keras.Input((3,), name="a")
    out = layers.Dense(2, name="out")(a)
    model = keras.Model(structure(a), structure(out))
    for result in (model(structure(A)), model.predict(structure(A), verbose=0)):
        assert isinstance(result, kind) if kind else result.shape == (6, 2)
    assert isinstance(model.output, type(structure(out)))
    assert isinstance(model.input, type(structure(a)))
    twice = kind is list and len(structure(A)) == 2
    assert model.input_shape == ([(None, 3)] * 2 if twice else (None, 3))
    assert model.output_shape == ([(None, 2)] * 2 if twice else (None, 2))
    expected = keras.ops.tree.map_structure(lambda x: (None, x.shape[1]), model(structure(A)))
    for shapes in (model.input_shape, structure((None, 3))):
        assert model.compute_output_shape(shapes) == expected
    back = keras.Model.from_config(model.get_config())
    assert type(back.output) is type(model.output)
    model.compile("sgd", "mse")
    target = structure(np.zeros((6, 2), "float32"))
    assert model.fit(structure(A), target, verbose=0).history["loss"][0] >= 0


def test_a_model_needs_an_output():
    with pytest.raises(ValueError, match="`outputs` is empty"):
        keras.Model(keras.Input((3,)), [])
