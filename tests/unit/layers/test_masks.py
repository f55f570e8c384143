"""Masks: how they come to layers, travel through models, and what they keep out."""

import warnings

import numpy as np
import pytest

import hotloop
from hotloop import graph, layers, ops
from hotloop.ops.masks import get_keras_mask, set_keras_mask

rng = np.random.default_rng(5)
X = rng.normal(size=(4, 3, 2)).astype("float32")
X[0, 1:] = X[2, 0] = 0
KEPT = (X != 0).any(-1)


class Sees(layers.Layer):
    """Remembers the mask of its call, and passes inputs on."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.seen = []

    def call(self, inputs, mask=None):
        self.seen.append(None if mask is None else tuple(mask.shape))
        return inputs * 1.0 if mask is None else inputs * ops.cast(mask, "float32")[..., None]


def test_masking_layer():
    outputs = layers.Masking()(X)
    np.testing.assert_array_equal(get_keras_mask(outputs), KEPT)
    np.testing.assert_array_equal(outputs._keras_mask, KEPT)
    np.testing.assert_array_equal(outputs, X)
    fives = np.where(KEPT[..., None], X, 5).astype("float32")
    layer = layers.Masking(mask_value=5.0)
    np.testing.assert_array_equal(layer(fives), X)
    np.testing.assert_array_equal(layer.compute_mask(fives), KEPT)
    each = layers.Masking(mask_value=[1.0, 2.0])
    np.testing.assert_array_equal(
        get_keras_mask(each(np.array([[[1, 2], [2, 1]]], "float32"))), [[False, True]]
    )
    assert layers.Masking.from_config(each.get_config()).get_config() == each.get_config()


def test_a_call_gets_the_mask_of_its_input():
    layer = Sees()
    masked = layers.Masking()(X)
    outputs = layer(masked)
    layer(X)
    assert layer.seen == [(4, 3), None]
    np.testing.assert_array_equal(outputs, X * KEPT[..., None])
    np.testing.assert_array_equal(get_keras_mask(outputs), KEPT)
    # What the caller says comes first, and reaches the outputs.
    other = layer(masked, mask=np.ones((4, 3), bool))
    np.testing.assert_array_equal(other, X)
    np.testing.assert_array_equal(get_keras_mask(other), np.ones((4, 3)))


def test_several_arguments_have_masks_of_their_own():
    class Two(layers.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = query_mask, value_mask
            return query + value

    layer = Two()
    with pytest.warns(UserWarning, match="does not support masking"):
        layer(layers.Masking()(X), X)
    np.testing.assert_array_equal(layer.seen[0], KEPT)
    assert layer.seen[1] is None
    layer(X, layers.Masking()(X))
    assert layer.seen[0] is None
    np.testing.assert_array_equal(layer.seen[1], KEPT)


def test_a_list_of_inputs_has_a_list_of_masks():
    class Sum(layers.Layer):
        def call(self, inputs, mask=None):
            self.seen = mask
            return inputs[0] + inputs[1]

        def compute_mask(self, inputs, mask=None):
            return mask[0]

    layer = Sum()
    assert layer.supports_masking
    outputs = layer([layers.Masking()(X), X])
    np.testing.assert_array_equal(layer.seen[0], KEPT)
    assert layer.seen[1] is None
    np.testing.assert_array_equal(get_keras_mask(outputs), KEPT)


def test_a_layer_that_would_lose_a_mask_warns():
    class Deaf(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    masked = layers.Masking()(X)
    with pytest.warns(UserWarning, match="'deaf.*does not support masking"):
        assert get_keras_mask(Deaf()(masked)) is None
    for layer in (layers.Flatten(), layers.Permute((2, 1)), layers.GlobalMaxPooling1D()):
        with pytest.warns(UserWarning, match="does not support masking"):
            layer(masked)


PASSING = [
    layers.Dense(4),
    layers.Activation("relu"),
    layers.Dropout(0.5),
    layers.Identity(),
    layers.LayerNormalization(),
    layers.BatchNormalization(),
    layers.GroupNormalization(2),
    layers.UnitNormalization(),
    layers.GaussianNoise(0.1),
    layers.GaussianDropout(0.1),
    layers.AlphaDropout(0.1),
    layers.ActivityRegularization(),
    layers.LeakyReLU(),
    layers.ELU(),
    layers.PReLU(),
    layers.ReLU(),
    layers.Softmax(),
    layers.SpatialDropout1D(0.5),
    layers.TimeDistributed(layers.Dense(3)),
]


@pytest.mark.parametrize("layer", PASSING, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("training", [False, True])
def test_layers_that_pass_masks_on(layer, training):
    with warnings.catch_warnings():
        warnings.filterwarnings("error")
        if isinstance(layer, layers.Softmax):
            outputs = layers.Softmax(axis=1)(ops.zeros((4, 3)), mask=KEPT)
            expected = KEPT / np.maximum(KEPT.sum(1, keepdims=True), 1)
            np.testing.assert_allclose(outputs, expected, rtol=1e-6)
            return
        outputs = layer(layers.Masking()(X), training=training)
    np.testing.assert_array_equal(get_keras_mask(outputs), KEPT)


def test_masks_of_symbolic_tensors():
    symbol = layers.Masking()(layers.Input((3, 2)))
    mask = get_keras_mask(symbol)
    assert mask.shape == (None, 3)
    assert mask.dtype == "bool"
    assert get_keras_mask(layers.Dense(4)(symbol)).shape == (None, 3)
    assert get_keras_mask(layers.Input((3, 2))) is None
    assert get_keras_mask(layers.GlobalAveragePooling1D()(symbol)) is None


def model_with(*inner, compile_args=None):
    model = hotloop.Sequential([hotloop.Input((3, 2)), layers.Masking(), *inner])
    model.compile(**(compile_args or {"loss": "mse"}))
    return model


def test_models_return_masks():
    model = model_with(layers.Dense(2))
    outputs = model(X)
    np.testing.assert_array_equal(get_keras_mask(outputs), KEPT)
    np.testing.assert_array_equal(get_keras_mask(model(X)), KEPT)  # the plan, again
    assert isinstance(model.predict(X, verbose=0), np.ndarray)
    several = hotloop.Model(
        model.inputs, {"a": model.outputs[0], "b": layers.Flatten()(model.inputs[0])}
    )
    result = several(X)
    np.testing.assert_array_equal(get_keras_mask(result["a"]), KEPT)
    assert get_keras_mask(result["b"]) is None


def test_models_take_masks():
    layer = Sees()
    inputs = hotloop.Input((3, 2))
    model = hotloop.Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model(X + 1, mask=KEPT), (X + 1) * KEPT[..., None])
    tensor = ops.convert_to_tensor(X + 1)
    masked = model(tensor, mask=KEPT)
    np.testing.assert_array_equal(get_keras_mask(masked), KEPT)
    assert get_keras_mask(tensor) is None, "what the caller passed stays as it is"
    np.testing.assert_array_equal(model(tensor), X + 1)
    set_keras_mask(tensor, ops.convert_to_tensor(KEPT))
    np.testing.assert_array_equal(model(tensor), (X + 1) * KEPT[..., None])
    unbuilt = hotloop.Sequential([Sees(), Sees()])
    np.testing.assert_array_equal(unbuilt(X + 1, mask=KEPT), (X + 1) * KEPT[..., None])
    with pytest.raises(ValueError, match="1 input"):
        model(X, mask=[KEPT, KEPT])


def test_nested_models_pass_masks_without_warning():
    inner = hotloop.Sequential([layers.Dense(2), layers.Dense(2)])
    with warnings.catch_warnings():
        warnings.filterwarnings("error")
        model = model_with(inner, layers.GlobalAveragePooling1D())
        deep = inner(layers.Masking()(X)).numpy()
        found = model(X)
    # Of the samples with a step that counts.
    some = KEPT.any(1)
    expected = (deep * KEPT[..., None]).sum(1)[some] / KEPT.sum(1, keepdims=True)[some]
    np.testing.assert_allclose(np.asarray(found)[some], expected, rtol=1e-5, atol=1e-6)


def test_subclassed_models_see_masks():
    class Net(hotloop.Model):
        def __init__(self):
            super().__init__()
            self.masking = layers.Masking()
            self.sees = Sees()
            self.pool = layers.GlobalAveragePooling1D()

        def call(self, inputs):
            return self.pool(self.sees(self.masking(inputs)))

    some = X[KEPT.any(1)]
    net = Net()
    np.testing.assert_allclose(
        net(some), some.sum(1) / (some != 0).any(-1).sum(1, keepdims=True), rtol=1e-5
    )
    assert set(net.sees.seen) == {(len(some), 3)}


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_masked_entries_do_not_train(run_eagerly):
    y = rng.normal(size=(4, 3, 2)).astype("float32")
    other = np.where(KEPT[..., None], y, 1e3).astype("float32")
    histories, kernels = [], []
    for target in (y, other):
        model = model_with(
            layers.Dense(2, kernel_initializer="ones"),
            compile_args={
                "loss": "mse",
                "optimizer": "sgd",
                "metrics": ["mae"],
                "run_eagerly": run_eagerly,
            },
        )
        history = model.fit(X, target, epochs=3, batch_size=2, shuffle=False, verbose=0)
        histories.append(history.history)
        kernels.append(model.get_weights()[0])
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(kernels[0], kernels[1])


def test_losses_and_metrics_read_masks():
    y_true = rng.normal(size=(4, 3, 2)).astype("float32")
    y_pred = layers.Masking()(X)
    squares = ((y_true - X) ** 2).mean(-1)
    expected = squares[KEPT].mean()
    assert float(hotloop.losses.MeanSquaredError()(y_true, y_pred)) == pytest.approx(
        expected, rel=1e-5
    )
    weights = np.array([1, 2, 3, 4], "float32")
    found = hotloop.losses.MeanSquaredError(reduction="sum")(y_true, y_pred, weights[:, None])
    assert float(found) == pytest.approx((squares * KEPT * weights[:, None]).sum(), rel=1e-5)
    metric = hotloop.metrics.MeanSquaredError()
    metric.update_state(y_true, y_pred)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_masks_in_a_trace():
    layer = layers.Dense(2)
    layer.build((None, 3, 2))
    masking = layers.Masking()
    trace = graph.trace(lambda x: [get_keras_mask(layer(masking(x)))], [(X.shape, "float32")])
    assert trace.outputs[0].dtype == "bool"


def test_a_mask_does_not_stick_to_what_the_caller_passed():
    class Marks(layers.Layer):
        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, mask=None):
            return ops.any(ops.not_equal(inputs, 0), -1)

    x = ops.convert_to_tensor(X)
    marked = Marks()(x)
    np.testing.assert_array_equal(get_keras_mask(marked), KEPT)
    assert get_keras_mask(x) is None
    np.testing.assert_array_equal(marked, X)
    symbol = layers.Input((3, 2))
    assert get_keras_mask(Marks()(symbol)).shape == (None, 3)
    assert get_keras_mask(symbol) is None


def test_outputs_that_are_no_tensors_have_no_masks():
    class Pair(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            return {"a": None, "b": inputs * 2}

    found = Pair()(layers.Masking()(X))
    assert found["a"] is None
    assert get_keras_mask(found["b"]) is None, "the only mask would be the first output's"


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_masks_of_several_outputs(run_eagerly):
    inputs = layers.Input((3, 2))
    masked = layers.Masking()(inputs)
    outputs = {"kept": layers.Dense(1, name="kept")(masked), "all": layers.Dense(1)(inputs)}
    model = hotloop.Model(inputs, outputs)
    model.compile("sgd", {"kept": "mse", "all": "mae"}, run_eagerly=run_eagerly)
    y = rng.normal(size=(4, 3, 1)).astype("float32")
    kept, plain = (model.predict(X, verbose=0)[name] for name in ("kept", "all"))
    loss = model.evaluate(X, {"kept": y, "all": y}, verbose=0, batch_size=4, return_dict=True)
    expected = ((kept - y) ** 2)[KEPT].mean() + abs(plain - y).mean()
    assert loss["loss"] == pytest.approx(expected, rel=1e-5)


def test_masks_of_inputs_by_name():
    first, second = Sees(), Sees()
    b, a = layers.Input((3, 2), name="b"), layers.Input((3, 2), name="a")
    model = hotloop.Model([b, a], [first(b), second(a)])
    masked = layers.Masking()(X)
    for inputs in ({"a": X, "b": masked}, {"b": masked, "a": X, "unused": X}, [masked, X]):
        found = model(inputs)
        np.testing.assert_array_equal(get_keras_mask(found[0]), KEPT)
        assert get_keras_mask(found[1]) is None
    found = model({"a": X, "b": X}, mask={"b": KEPT})
    np.testing.assert_array_equal(get_keras_mask(found[0]), KEPT)
    assert get_keras_mask(found[1]) is None
    nested = hotloop.Model({"p": b, "q": a}, model({"b": layers.Masking()(b), "a": a})[0])
    np.testing.assert_array_equal(get_keras_mask(nested({"q": X, "p": X})), KEPT)


def test_a_mask_outlives_a_change_of_dtype():
    layer = Sees()
    inputs = layers.Input((3, 2))
    model = hotloop.Model(inputs, layer(inputs))
    whole = ops.convert_to_tensor(np.ones((4, 3, 2), "int32"))
    set_keras_mask(whole, ops.convert_to_tensor(KEPT))
    np.testing.assert_array_equal(get_keras_mask(model(whole)), KEPT)
