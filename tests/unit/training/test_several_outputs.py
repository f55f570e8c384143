"""compile, fit and evaluate with several outputs; values against float64 NumPy."""

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 4)).astype("float32")
YA = RNG.normal(size=(20, 2)).astype("float32")
YB = RNG.integers(0, 3, 20)
W = RNG.uniform(0.5, 2, 20).astype("float32")
V = RNG.uniform(0.5, 2, 20).astype("float32")
SPARSE = "sparse_categorical_crossentropy"


def make(kind="list"):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    a = keras.layers.Dense(2, name="la")(inputs)
    b = keras.layers.Dense(3, activation="softmax", name="lb")(inputs)
    outputs = {"list": [b, a], "dict": {"zz": b, "a": a}, "nest": {"q": [b, a]}}[kind]
    return keras.Model(inputs, outputs)


def truth(model, weight_b=None, weight_a=None):
    """The two losses in double precision."""
    predicted = [np.asarray(p, "float64") for p in model(X)]
    cross = -np.log(predicted[0][np.arange(20), YB])
    square = ((predicted[1] - YA) ** 2).mean(axis=-1)
    ones = np.ones(20)
    return (
        (cross * (ones if weight_b is None else weight_b)).mean(),
        (square * (ones if weight_a is None else weight_a)).mean(),
    )


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        ([SPARSE, "mse"], [0.5, 2.0]),
        ((SPARSE, "mse"), (0.5, 2.0)),
        ({"la": "mse", "lb": SPARSE}, {"la": 2.0, "lb": 0.5}),
        ([keras.losses.SparseCategoricalCrossentropy(), "mse"], {"la": 2.0, "lb": 0.5}),
    ],
)
def test_losses_and_their_weights(eager, loss, weights):
    model = make()
    model.compile("sgd", loss, loss_weights=weights, run_eagerly=eager)
    logs = model.evaluate(X, [YB, YA], batch_size=8, verbose=0, return_dict=True)
    cross, square = truth(model)
    np.testing.assert_allclose(logs["lb_loss"], cross, rtol=1e-5)
    np.testing.assert_allclose(logs["la_loss"], square, rtol=1e-5)
    np.testing.assert_allclose(logs["loss"], 0.5 * cross + 2 * square, rtol=1e-5)


@pytest.mark.parametrize(
    ("weights", "pair"),
    [
        (W, (W, W)),
        ([W, V], (W, V)),
        ((W, V), (W, V)),
        ([W, None], (W, None)),
        ({"lb": W, "la": V}, (W, V)),
        ({"la": V}, (None, V)),
    ],
)
def test_sample_weights_by_output(weights, pair):
    model = make()
    model.compile("sgd", [SPARSE, "mse"], weighted_metrics=[[], ["mae"]])
    y = {"lb": YB, "la": YA} if isinstance(weights, dict) else [YB, YA]
    logs = model.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True)
    cross, square = truth(model, *pair)
    np.testing.assert_allclose(logs["lb_loss"], cross, rtol=1e-5)
    np.testing.assert_allclose(logs["la_loss"], square, rtol=1e-5)
    error = np.abs(np.asarray(model(X)[1], "float64") - YA).mean(axis=-1)
    w = np.ones(20) if pair[1] is None else pair[1]
    np.testing.assert_allclose(logs["la_mae"], (error * w).sum() / w.sum(), rtol=1e-5)


@pytest.mark.parametrize(
    "class_weight", [[{0: 3.0, 2: 0.5}, None], {"lb": {0: 3.0, 2: 0.5}}, ({0: 3.0, 2: 0.5}, None)]
)
def test_class_weights_by_output(class_weight):
    model = make()
    model.compile(keras.optimizers.SGD(0.0), [SPARSE, "mse"])
    table = np.array([3.0, 1.0, 0.5])[YB]
    cross, square = truth(model, table * W, W)
    logs = model.train_on_batch(
        X, [YB, YA], sample_weight=W, class_weight=class_weight, return_dict=True
    )
    np.testing.assert_allclose(logs["lb_loss"], cross, rtol=1e-5)
    np.testing.assert_allclose(logs["la_loss"], square, rtol=1e-5)


def test_class_weights_that_fit_no_output():
    model = make()
    model.compile("sgd", [SPARSE, "mse"])
    for wrong in ({0: 1.0}, {"lc": {0: 1.0}}, [{0: 1.0}]):
        with pytest.raises(ValueError, match="`class_weight`"):
            model.fit(X, [YB, YA], class_weight=wrong, verbose=0)


def test_an_output_without_a_loss_needs_no_target():
    model = make()
    model.compile("sgd", [SPARSE, None], metrics=[["accuracy"], None])
    logs = model.evaluate(X, YB, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "lb_accuracy"}
    np.testing.assert_allclose(logs["loss"], truth(model)[0], rtol=1e-5)
    assert model.evaluate(X, [YB], verbose=0, return_dict=True) == logs
    assert model.evaluate(X, {"lb": YB}, verbose=0, return_dict=True) == logs


@pytest.mark.parametrize(
    ("kind", "y", "loss", "metrics", "names"),
    [
        ("list", [YB, YA], [SPARSE, "mse"], ["acc", ["mae", "mse"]],
         ["la_loss", "la_mae", "la_mse", "lb_acc", "lb_loss", "loss"]),
        ("dict", {"zz": YB, "a": YA}, {"zz": SPARSE, "a": "mse"}, {"zz": "acc"},
         ["a_loss", "loss", "zz_acc", "zz_loss"]),
        ("nest", {"q": [YB, YA]}, {"q": [SPARSE, "mse"]}, {"q": [["acc"], ["mae"]]},
         ["la_mae", "lb_acc", "loss", "q/la_loss", "q/lb_loss"]),
    ],
)  # fmt: skip
def test_history_keys(kind, y, loss, metrics, names):
    model = make(kind)
    model.compile("sgd", loss, metrics=metrics)
    history = model.fit(X, y, epochs=2, verbose=0, validation_data=(X, y), batch_size=6)
    assert sorted(history.history) == sorted([*names, *(f"val_{n}" for n in names)])
    assert all(len(values) == 2 for values in history.history.values())


def test_compiled_and_eager_training_agree():
    results = []
    for eager in (False, True):
        model = make("dict")
        model.compile("adam", {"zz": SPARSE, "a": "mse"}, metrics={"a": ["mae"]}, run_eagerly=eager)
        y = {"a": YA, "zz": YB}
        history = model.fit(X, y, epochs=3, batch_size=8, shuffle=False, verbose=0, sample_weight=W)
        results.append((history.history, model.get_weights()))
    (one, first), (other, second) = results
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-6)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "y", "match"),
    [
        ({"loss": {"la": "mse"}}, [YB, YA], "keys"),
        ({"loss": ["mse"] * 3}, [YB, YA], "`loss`"),
        ({"loss": [SPARSE, "mse"], "metrics": ["mae"]}, [YB, YA], "`metrics`"),
        ({"loss": [SPARSE, "mse"], "metrics": {"lc": "mae"}}, [YB, YA], "`metrics`"),
        ({"loss": [SPARSE, "mse"]}, {"lb": YB}, "no targets for the output 'la'"),
        ({"loss": [SPARSE, "mse"]}, {"lb": YB, "lc": YA}, "`y` must have the structure"),
        ({"loss": [SPARSE, "mse"]}, [YB + 5, YA], r"`y\[0\]`"),
        ({"loss": [SPARSE, "mse"]}, {"lb": YB + 5, "la": YA}, r"`y\['lb'\]`"),
        ({"loss": [SPARSE, "mse"]}, [YB, YA[:5]], "cardinality"),
    ],
)
def test_what_does_not_fit_changes_nothing(arguments, y, match):
    model = make()
    before = model.get_weights()
    model.compile("sgd", **arguments)
    with pytest.raises(ValueError, match=match):
        model.fit(X, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_fit_no_output():
    model = make()
    model.compile("sgd", [SPARSE, "mse"])
    with pytest.raises(ValueError, match=r"`sample_weight`.*structure"):
        model.fit(X, [YB, YA], sample_weight=[W, W, W], verbose=0)
    with pytest.raises(ValueError, match="one number per sample"):
        model.fit(X, [YB, YA], sample_weight=np.ones((20, 2)), verbose=0)


def test_temporal_weights():
    """Weights per step of a sequence: `(samples, steps)` for losses of that shape."""
    model = keras.Sequential([keras.Input((3, 4)), keras.layers.Dense(2)])
    x, y = RNG.normal(size=(6, 3, 4)), RNG.normal(size=(6, 3, 2))
    weight = RNG.uniform(size=(6, 3))
    model.compile("sgd", "mse", weighted_metrics=["mse"])
    logs = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    values = ((np.asarray(model(x), "float64") - y) ** 2).mean(axis=-1)
    np.testing.assert_allclose(logs["loss"], (values * weight).mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["mse"], (values * weight).sum() / weight.sum(), rtol=1e-5)
