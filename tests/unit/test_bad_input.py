"""Bad input: one clear exception that names the argument, and a model that is as it was."""

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(0)
X = RNG.random((40, 6), dtype=np.float32)
Y = RNG.integers(0, 3, 40)


def make_model(loss="sparse_categorical_crossentropy", units=3):
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(5, activation="relu"), keras.layers.Dense(units)]
    )
    if loss == "sparse_categorical_crossentropy":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss, metrics=["accuracy"] if units == 3 else None)
    return model


@pytest.fixture
def model():
    return make_model()


def bad_labels(value, dtype=np.float32):
    labels = Y.astype(dtype)
    labels[7] = value
    return labels


FIT_CASES = {
    "features": (dict(x=X[:, :4]), ValueError, "`x`.*expects samples of shape \\(6,\\)"),
    "rank": (dict(x=X.reshape(40, 2, 3)), ValueError, "`x`.*expects samples of shape \\(6,\\)"),
    "lengths": (dict(y=Y[:30]), ValueError, "`x` has 40, `y` has 30"),
    "weight length": (dict(sample_weight=np.ones(5)), ValueError, "`sample_weight` has 5"),
    "label too large": (dict(y=bad_labels(3, int)), ValueError, "`y`.*outside \\[0, 3\\)"),
    "label negative": (dict(y=bad_labels(-1, int)), ValueError, "`y`.*outside \\[0, 3\\)"),
    "label fraction": (dict(y=bad_labels(0.5)), ValueError, "`y`.*whole"),
    "label nan": (dict(y=bad_labels(np.nan)), ValueError, "`y`.*NaN"),
    "labels one-hot": (dict(y=np.eye(3)[Y]), ValueError, "`y` has shape.*categorical_crossentropy"),
    "label beyond int32": (dict(y=bad_labels(2**40, np.int64)), ValueError, "`y`.*int32"),
    "no x": (dict(x=None), ValueError, "`x` is missing"),
    "no y": (dict(y=None), ValueError, "`y` is missing"),
    "object x": (dict(x=np.array([[None] * 6] * 40)), TypeError, "`x`.*Python objects"),
    "string x": (dict(x=np.full((40, 6), "a")), TypeError, "`x`.*strings"),
    "complex x": (dict(x=X + 1j), TypeError, "`x`.*complex"),
    "dates": (dict(x=np.zeros((40, 6), "M8[s]")), TypeError, "`x`.*dates"),
    "string y": (dict(y=Y.astype(str)), TypeError, "`y`.*strings"),
    "object y": (dict(y=np.array([*Y[:-1], None], object)), TypeError, "`y`.*Python objects"),
    "string weight": (dict(sample_weight=["1"] * 40), TypeError, "`sample_weight`.*strings"),
    "ragged x": (dict(x=[[1.0] * 6, [2.0]] * 20), ValueError, "`x`.*same length"),
    "empty": (dict(x=X[:0], y=Y[:0]), ValueError, "`x` is empty"),
    "scalar x": (dict(x=1.0), ValueError, "`x`.*one axis"),
    "masked": (dict(x=np.ma.masked_greater(X, 0.5)), ValueError, "`x` is a masked array"),
    "several y": (dict(y=[Y, Y]), ValueError, "`y` must have the structure of the model's outputs"),
    "generator": (dict(x=(X for _ in range(1))), ValueError, "`x` is a generator, `y` should"),
    "several x": (dict(x=[X, X]), Exception, "`x`"),
    "batch_size 0": (dict(batch_size=0), ValueError, "`batch_size`.*at least 1"),
    "batch_size negative": (dict(batch_size=-3), ValueError, "`batch_size`.*at least 1"),
    "batch_size float": (dict(batch_size=2.5), TypeError, "`batch_size`.*integer"),
    "batch_size bool": (dict(batch_size=True), TypeError, "`batch_size`.*integer"),
    "epochs negative": (dict(epochs=-1), ValueError, "`epochs`.*at least 0"),
    "epochs float": (dict(epochs=1.5), TypeError, "`epochs`.*integer"),
    "initial_epoch": (dict(initial_epoch=-1), ValueError, "`initial_epoch`"),
    "steps_per_epoch": (dict(steps_per_epoch=0), ValueError, "`steps_per_epoch`"),
    "verbose": (dict(verbose=7), ValueError, "`verbose`.*7"),
    "verbose word": (dict(verbose="loud"), ValueError, "`verbose`.*loud"),
    "shuffle": (dict(shuffle="yes"), ValueError, "`shuffle`.*yes"),
    "split 1": (dict(validation_split=1.0), ValueError, "`validation_split`"),
    "split negative": (dict(validation_split=-0.1), ValueError, "`validation_split`"),
    "split word": (dict(validation_split="half"), TypeError, "`validation_split`"),
    "split too large": (dict(validation_split=0.999), ValueError, "validation_split=0.999"),
    "validation_data": (dict(validation_data=X), ValueError, "`validation_data` must be a tuple"),
    "validation features": (
        dict(validation_data=(X[:, :2], Y)),
        ValueError,
        "`validation_data\\[0\\]`",
    ),
    "validation labels": (
        dict(validation_data=(X, Y + 9)),
        ValueError,
        "`validation_data\\[1\\]`.*outside",
    ),
    "validation_freq": (
        dict(validation_data=(X, Y), validation_freq=0),
        ValueError,
        "`validation_freq`",
    ),
    "class_weight": (dict(class_weight=[1, 2, 3]), TypeError, "`class_weight`.*dictionary"),
    "class_weight key": (dict(class_weight={"a": 1.0}), TypeError, "`class_weight`.*'a'"),
    "callback": (dict(callbacks=[3]), TypeError, "`callbacks`"),
}


@pytest.mark.parametrize("case", FIT_CASES)
def test_fit_names_the_argument_and_changes_nothing(model, case):
    change, error, message = FIT_CASES[case]
    model.train_on_batch(X, Y)
    weights, state = model.get_weights(), [v.numpy() for v in model.optimizer.variables]
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, "epochs": 2} | change)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, variable in zip(state, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(before, variable.numpy())
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1


def test_a_first_fit_that_fails_leaves_the_optimizer_unbuilt(model):
    with pytest.raises(ValueError, match="outside"):
        model.fit(X, Y + 5, verbose=0)
    assert not model.optimizer.built


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(method):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"You must call `compile\(\)`"):
        getattr(model, method)(X, Y)


def test_predict_of_nothing():
    with pytest.raises(ValueError, match="has no layers"):
        keras.Sequential().predict(X, verbose=0)


def test_asking_an_unbuilt_model():
    model = keras.Sequential([keras.layers.Dense(3)])
    for attribute in ("input_shape", "output_shape", "inputs", "outputs"):
        with pytest.raises(AttributeError, match=r"no defined .* yet"):
            getattr(model, attribute)
    with pytest.raises(ValueError, match="built"):
        model.count_params()


@pytest.mark.parametrize("method", ["evaluate", "test_on_batch", "train_on_batch"])
def test_labels_are_checked_everywhere(model, method):
    kwargs = {"verbose": 0} if method == "evaluate" else {}
    with pytest.raises(ValueError, match=r"`y`.*outside \[0, 3\)"):
        getattr(model, method)(X, Y + 1, **kwargs)


@pytest.mark.parametrize("kwargs", [{"batch_size": 0}, {"steps": 0}, {"verbose": 3}])
def test_predict_arguments(model, kwargs):
    with pytest.raises(ValueError, match=f"`{next(iter(kwargs))}`"):
        model.predict(X, **{"verbose": 0} | kwargs)


def test_categorical_crossentropy_with_class_numbers():
    model = make_model("categorical_crossentropy")
    with pytest.raises(ValueError, match=r"`y`.*sparse_categorical_crossentropy"):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("loss", "units", "y"),
    [
        ("categorical_crossentropy", 3, np.eye(3)[Y]),
        ("binary_crossentropy", 1, (Y == 1).astype(float)),
    ],
)
def test_nan_labels_of_other_crossentropies(loss, units, y):
    model = make_model(loss, units)
    y.flat[5] = np.nan
    with pytest.raises(ValueError, match="`y` has NaN"):
        model.fit(X, y, verbose=0)


def test_ignored_classes_are_not_out_of_range():
    model = make_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    model.compile("sgd", loss)
    model.fit(X, np.where(Y == 2, -1, Y), verbose=0)
    with pytest.raises(ValueError, match="outside"):
        model.fit(X, np.where(Y == 2, -2, Y), verbose=0)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"optimizer": "adamm"}, "adam"),
        ({"loss": "sparse_categorical_crosentropy"}, "sparse_categorical_crossentropy"),
        ({"metrics": ["acuracy"]}, "accuracy"),
        ({"weighted_metrics": ["acuracy"]}, "accuracy"),
    ],
)
def test_unknown_strings_get_the_closest_valid_ones(model, kwargs, match):
    with pytest.raises(ValueError, match=match):
        model.compile(**{"optimizer": "sgd", "loss": "mse"} | kwargs)
    # The model keeps its configuration.
    assert model.optimizer.name.startswith("adam")
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"metrics": "accuracy"}, ValueError, "`metrics`.*list"),
        ({"optimizer": None}, ValueError, "`optimizer`"),
        ({"optimizer": 3}, ValueError, "optimizer"),
        ({"loss": 3}, ValueError, "loss"),
        ({"loss": [None]}, ValueError, "`loss`"),
        ({"loss_weights": [1, 2]}, ValueError, "`loss_weights`"),
        ({"loss_weights": "heavy"}, TypeError, "`loss_weights`"),
        ({"steps_per_execution": 0}, ValueError, "`steps_per_execution`"),
        ({"jit_compile": "maybe"}, ValueError, "`jit_compile`"),
    ],
)
def test_compile_arguments(model, kwargs, error, match):
    with pytest.raises(error, match=match):
        model.compile(**{"optimizer": "sgd", "loss": "mse"} | kwargs)


def test_no_loss():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="No loss to compute"):
        model.fit(X, Y, verbose=0)


def test_a_callback_that_raises_leaves_the_model_usable(model):
    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[Fails()])
    assert int(model.optimizer.iterations) == 2
    model.fit(X, Y, batch_size=8, verbose=0)
    assert int(model.optimizer.iterations) == 7


DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g"]


@pytest.mark.parametrize("dtype", [*DTYPES, ">f4", ">f8", ">i4", ">i8", ">u2"])
def test_every_real_dtype(model, dtype):
    x = RNG.integers(0, 2, (40, 6)).astype(dtype)
    expected = model.predict(x.astype("<f4"), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


@pytest.mark.parametrize("dtype", [*DTYPES[1:], ">f4", ">i8"])
def test_every_real_dtype_of_labels(model, dtype):
    expected = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y.astype(dtype), verbose=0) == expected


def test_every_layout(model, tmp_path):
    expected = model.predict(X, verbose=0)
    wide = np.zeros((40, 12), np.float32)
    wide[:, ::2] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    np.save(tmp_path / "x.npy", X)
    shifted = np.zeros(X.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(X.shape)
    shifted[:] = X
    layouts = {
        "strided": wide[:, ::2],
        "reversed": X[::-1][::-1],
        "fortran": np.asfortranarray(X),
        "read-only": frozen,
        "memory-mapped": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "unaligned": shifted,
        "list": X.tolist(),
        "broadcast": np.broadcast_to(X[None], (1, 40, 6))[0],
        "tensor": keras.ops.convert_to_tensor(X),
    }
    for name, x in layouts.items():
        np.testing.assert_array_equal(model.predict(x, verbose=0), expected, err_msg=name)
        model.fit(x, Y.tolist(), verbose=0, epochs=0)
    model.fit(layouts["read-only"], Y, verbose=0)
    model.fit(layouts["memory-mapped"], Y, verbose=0)
    np.testing.assert_array_equal(frozen, X)


def test_nan_and_infinity_in_x_are_let_through(model):
    x = X.copy()
    x[3, 2], x[5, 1] = np.nan, np.inf
    predicted = model.predict(x, verbose=0)
    assert np.isnan(predicted[3]).all()
    assert np.isfinite(predicted[4]).all()
