"""Preprocessing layers; their values are held to Keras's in tests/parity."""

import copy

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers

RNG = np.random.default_rng(8)
X = RNG.normal(3, 2, size=(40, 3)).astype("float32")
NUMBERS = np.array([[3, 7, 7], [9, 1, 3]], np.int32)
STRINGS = np.array([["a", "b", "zz"], ["q", "a", "a"]])


class Rows(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[10 * index : 10 * index + 10], None


SOURCES = {
    "array": lambda: X,
    "tensor": lambda: keras.ops.convert_to_tensor(X),
    "list of batches": lambda: [X[:7], X[7:]],
    "generator": lambda: (X[i : i + 8] for i in range(0, 40, 8)),
    "PyDataset": Rows,
}


@pytest.mark.parametrize("source", SOURCES)
def test_normalization_learns_from_anything(source):
    layer = layers.Normalization()
    layer.adapt(SOURCES[source]())
    np.testing.assert_allclose(layer.adapt_mean.numpy(), X.mean(0, dtype="f8"), rtol=1e-6)
    np.testing.assert_allclose(layer.adapt_variance.numpy(), X.var(0, dtype="f8"), rtol=1e-5)
    outputs = layer(X).numpy()
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1, atol=1e-5)


def test_normalization_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    layer = layers.Normalization()
    layer.adapt(pd.DataFrame(X))
    np.testing.assert_allclose(layer.adapt_mean.numpy(), X.mean(0, dtype="f8"), rtol=1e-6)


def test_models_see_what_is_adapted_later():
    layer, bins = layers.Normalization(), layers.Discretization(num_bins=4)
    lookup = layers.IntegerLookup()
    x = keras.Input((3,))
    whole = keras.ops.cast(x, "int32")
    model = keras.Model(x, [layer(x), bins(x), lookup(whole)])
    bins.adapt(X)
    plain = model.predict(X, verbose=0)
    np.testing.assert_array_equal(plain[0], X)
    layer.adapt(X)
    bins.adapt(X * 2)
    lookup.adapt(X.astype("int32"))
    found = model.predict(X, verbose=0)
    np.testing.assert_array_equal(found[0], layer(X).numpy())
    np.testing.assert_array_equal(found[1], np.digitize(X, bins.bin_boundaries))
    tokens = lookup.get_vocabulary()
    np.testing.assert_array_equal(np.array(tokens)[found[2]], X.astype("int32"))
    np.testing.assert_array_equal(model(X)[1].numpy(), found[1])


IN_MODELS = {
    "normalization": (layers.Normalization(mean=2.0, variance=3.0), X),
    "rescaling": (layers.Rescaling([1.0, 2.0, 3.0], 0.5), X),
    "discretization": (layers.Discretization([0.0, 1.0, 5.0]), X),
    "discretization of nothing": (layers.Discretization([]), X),
    "counts of bins": (layers.Discretization([0.0, 1.0], output_mode="count"), X),
    "categories": (layers.CategoryEncoding(10), NUMBERS),
    "one-hot": (layers.CategoryEncoding(10, "one_hot"), NUMBERS),
    "integers": (layers.IntegerLookup(vocabulary=[3, 7], num_oov_indices=2), NUMBERS),
    "masked": (layers.IntegerLookup(vocabulary=[3, 7], mask_token=9), NUMBERS),
    "tf-idf": (
        layers.IntegerLookup(vocabulary=[3, 7], idf_weights=[0.5, 2.0], output_mode="tf_idf"),
        NUMBERS,
    ),
    "inverted": (layers.IntegerLookup(vocabulary=[3, 7], invert=True), NUMBERS),
    "no vocabulary": (layers.IntegerLookup(), NUMBERS),
}


@pytest.mark.filterwarnings("error:.*runs eagerly")
@pytest.mark.parametrize("name", IN_MODELS)
def test_in_a_model_they_are_compiled(name):
    layer, x = IN_MODELS[name]
    eager = layer(x).numpy()
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    outputs = layer(inputs)
    assert outputs.shape == (None, *eager.shape[1:])
    assert outputs.dtype == eager.dtype.name
    found = keras.Model(inputs, outputs).predict(x, verbose=0)
    np.testing.assert_allclose(found, eager, rtol=1e-6, atol=1e-6)
    assert found.dtype == eager.dtype


EAGER = {
    "hashing": layers.Hashing(5),
    "hashed unknowns": layers.IntegerLookup(
        vocabulary=[3], num_oov_indices=3, oov_method="farmhash"
    ),
    "no unknowns": layers.IntegerLookup(vocabulary=[1, 3, 7, 9], num_oov_indices=0),
}


@pytest.mark.parametrize("name", EAGER)
def test_what_has_no_form_in_a_graph_runs_eagerly(name):
    layer = EAGER[name]
    inputs = keras.Input((3,), dtype="int32")
    model = keras.Model(inputs, layer(inputs))
    with pytest.warns(UserWarning, match="runs eagerly"):
        found = model.predict(NUMBERS, verbose=0)
    np.testing.assert_array_equal(found, layer(NUMBERS).numpy())


CONFIGS = [
    layers.Normalization(axis=(1,), mean=[1.0, 2.0, 3.0], variance=[1.0, 1.0, 4.0]),
    layers.Normalization(invert=True),
    layers.Rescaling(1 / 255, offset=-1.0),
    layers.Rescaling(np.array([1.0, 2.0, 3.0])),
    layers.Discretization([0.0, 2.0], output_mode="count"),
    layers.CategoryEncoding(12, "count"),
    layers.Hashing(6, mask_value=3, salt=[1, 2], output_mode="multi_hot"),
    layers.IntegerLookup(vocabulary=[3, 7], num_oov_indices=2, oov_method="farmhash", salt=4),
    layers.IntegerLookup(
        vocabulary=[3, 7], idf_weights=[0.5, 2.0], output_mode="tf_idf", max_tokens=5
    ),
]


@pytest.mark.parametrize("layer", CONFIGS, ids=lambda layer: type(layer).__name__)
def test_configurations(layer):
    x = X if isinstance(layer, (layers.Normalization, layers.Rescaling)) else NUMBERS
    config = layers.serialize(layer)
    other = layers.deserialize(config)
    assert other.get_config() == layer.get_config()
    np.testing.assert_array_equal(other(x).numpy(), layer(x).numpy())
    np.testing.assert_array_equal(copy.deepcopy(layer)(x).numpy(), layer(x).numpy())


def test_configurations_keep_what_was_adapted():
    strings = layers.StringLookup(output_mode="tf_idf", max_tokens=5, pad_to_max_tokens=True)
    strings.adapt(STRINGS)
    bins = layers.Discretization(num_bins=3)
    bins.adapt(X)
    for layer, x, data in ((strings, STRINGS, np.array([["new"]])), (bins, X, X * 3)):
        other = layers.deserialize(layers.serialize(layer))
        np.testing.assert_array_equal(other(x).numpy(), layer(x).numpy())
        other.adapt(data)  # learned things may be learned anew
    given = layers.deserialize(layers.serialize(layers.StringLookup(vocabulary=["a"])))
    with pytest.raises(ValueError, match="was given a vocabulary"):
        given.adapt(STRINGS)
    with pytest.raises(ValueError, match="vocabulary file, which is not read"):
        layers.StringLookup.from_config({"vocabulary": "/some/file"})


def test_vocabularies_from_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("é\nb\n", encoding="utf-8")
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "é", "b"]
    assert layer(["b", "é", "?"]).numpy().tolist() == [2, 1, 0]
    path.write_text("7\n-3\n", encoding="utf-8")
    assert layers.IntegerLookup(vocabulary=path).get_vocabulary(False) == [7, -3]
    with pytest.raises(ValueError, match="does not exist"):
        layers.StringLookup(vocabulary=str(tmp_path / "none"))


@pytest.mark.parametrize(
    "inputs",
    [
        [["a", "b"], ["c", "a"]],
        np.array([["a", "b"], ["c", "a"]], object),
        np.array([[b"a", b"b"], [b"c", b"a"]]),
        np.array([[b"a", "b"], ["c", b"a"]], object),
    ],
    ids=["list", "objects", "bytes", "mixed"],
)
def test_strings_of_every_kind(inputs):
    layer = layers.StringLookup(vocabulary=["a", "b"])
    assert layer(inputs).numpy().tolist() == [[1, 2], [0, 1]]
    expected = layers.Hashing(9)(np.array([["a", "b"], ["c", "a"]])).numpy()
    np.testing.assert_array_equal(layers.Hashing(9)(inputs).numpy(), expected)
    learned = layers.StringLookup()
    learned.adapt(inputs)
    assert learned.get_vocabulary() == ["[UNK]", "a", "c", "b"]


def test_strings_of_a_series():
    pd = pytest.importorskip("pandas")
    column = pd.Series(["a", "b", "a"])
    layer = layers.StringLookup()
    layer.adapt(column)
    assert layer(column).numpy().tolist() == [1, 2, 1]


def test_there_and_back():
    layer = layers.StringLookup(mask_token="", vocabulary=["a", "b"])
    back = layers.StringLookup(mask_token="", vocabulary=layer.get_vocabulary(), invert=True)
    found = back(layer(np.array(["b", "", "zz", "a"])))
    assert found.tolist() == ["b", "", "[UNK]", "a"]


def test_learning_in_steps_equals_learning_at_once():
    data = RNG.integers(0, 9, size=(30, 4))
    for mode in ("int", "tf_idf"):
        first, second = (layers.IntegerLookup(output_mode=mode) for _ in range(2))
        first.adapt(data)
        for rows in np.split(data, 3):
            second.update_state(rows)
        second.finalize_state()
        assert first.get_config() | {"name": ""} == second.get_config() | {"name": ""}
        second.adapt((rows for rows in np.split(data, 3)), steps=1)
        third = layers.IntegerLookup(output_mode=mode)
        third.adapt(data[:10])
        assert second.get_vocabulary() == third.get_vocabulary()


BAD = [
    (lambda: layers.Normalization(mean=1.0), ValueError, "`mean` and `variance` must be given"),
    (lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), ValueError, "same shape"),
    (lambda: layers.Normalization(axis=3)(X), ValueError, "`axis` must lie in"),
    (lambda: layers.Normalization(axis=0)(keras.Input((3,))), ValueError, "known size"),
    (lambda: layers.Normalization(mean=[1.0, 2], variance=[1.0, 2])(X), ValueError, "broadcast"),
    (lambda: layers.Normalization(mean=1, variance=1).adapt(X), ValueError, "cannot change"),
    (lambda: layers.Normalization().adapt([]), ValueError, "no data"),
    (lambda: layers.Normalization().adapt(3.0), TypeError, "adapt"),
    (lambda: layers.Normalization().adapt(STRINGS), TypeError, "arrays of numbers"),
    (lambda: layers.Normalization().adapt([X, X[:, :2]]), ValueError, "built for"),
    (lambda: layers.Discretization(), ValueError, "Exactly one"),
    (lambda: layers.Discretization([1.0], num_bins=3), ValueError, "Exactly one"),
    (lambda: layers.Discretization([2.0, 1.0]), ValueError, "rising"),
    (lambda: layers.Discretization(num_bins=0), ValueError, "`num_bins`"),
    (lambda: layers.Discretization(num_bins=3, epsilon=0), ValueError, "`epsilon`"),
    (lambda: layers.Discretization(num_bins=3)(X), ValueError, "no boundaries yet"),
    (lambda: layers.Discretization([1.0]).adapt(X), ValueError, "`num_bins` instead"),
    (lambda: layers.Discretization([1.0], output_mode="binary"), ValueError, "`output_mode`"),
    (
        lambda: layers.Discretization([1.0], output_mode="count", sparse=True),
        ValueError,
        "no sparse tensors",
    ),
    (lambda: layers.CategoryEncoding(), ValueError, "`num_tokens`"),
    (lambda: layers.CategoryEncoding(3, "int"), ValueError, "`output_mode`"),
    (
        lambda: layers.CategoryEncoding(9)(NUMBERS, count_weights=NUMBERS),
        ValueError,
        "output_mode='count'",
    ),
    (lambda: layers.Hashing(0), ValueError, "`num_bins`"),
    (lambda: layers.Hashing(3, salt="x"), ValueError, "`salt`"),
    (lambda: layers.Hashing(3, dtype="float32"), ValueError, "`dtype`"),
    (lambda: layers.Hashing(3)(np.array([object()])), TypeError, "strings only"),
    (lambda: layers.StringLookup()(keras.Input((3,))), ValueError, "a model cannot hold"),
    (lambda: layers.StringLookup(vocabulary=["a", "a"]), ValueError, "repeated tokens"),
    (lambda: layers.StringLookup(vocabulary=[]), ValueError, "empty"),
    (lambda: layers.StringLookup(vocabulary=[1]), TypeError, "works on strings"),
    (lambda: layers.StringLookup(vocabulary=["a"])(NUMBERS), TypeError, "works on strings"),
    (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), ValueError, "mask token"),
    (lambda: layers.StringLookup(max_tokens=1), ValueError, "`max_tokens`"),
    (lambda: layers.StringLookup(max_tokens=2, vocabulary=["a", "b"]), ValueError, "max_tokens=2"),
    (lambda: layers.StringLookup(pad_to_max_tokens=True), ValueError, "needs `max_tokens`"),
    (lambda: layers.StringLookup(num_oov_indices=-1), ValueError, "`num_oov_indices`"),
    (lambda: layers.StringLookup(output_mode="count", invert=True), ValueError, "invert=True"),
    (lambda: layers.StringLookup(output_mode="count")(STRINGS), RuntimeError, "no vocabulary yet"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(STRINGS),
        ValueError,
        r"not in its vocabulary: \['b', 'q', 'zz'\]",
    ),
    (
        lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        ValueError,
        "idf_weights",
    ),
    (lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]), ValueError, "idf_weights"),
    (
        lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0, 2], output_mode="tf_idf"),
        ValueError,
        "one number for each",
    ),
    (lambda: layers.StringLookup(wrong=1), ValueError, "Unrecognized keyword"),
    (lambda: layers.IntegerLookup(vocabulary=["a"]), TypeError, "whole numbers"),
    (lambda: layers.IntegerLookup(vocabulary=[2**40]), ValueError, "fit int32"),
    (lambda: layers.IntegerLookup(salt=3), ValueError, "farmhash"),
    (lambda: layers.IntegerLookup(oov_method="x"), ValueError, "`oov_method`"),
    (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), ValueError, "`vocabulary_dtype`"),
    (
        lambda: layers.IntegerLookup(vocabulary=[3], num_oov_indices=0)(NUMBERS),
        ValueError,
        r"not in its vocabulary: \[1, 7, 9\]",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_rescaling_as_keras_writes_it():
    """Keras keeps arrays as objects in a configuration."""
    scale = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0], "dtype": "float64"}}
    config = {
        "module": "keras.layers", "class_name": "Rescaling", "registered_name": None,
        "config": {"name": "rescaling", "scale": scale, "offset": 3.0},
    }  # fmt: skip
    layer = layers.deserialize(config)
    np.testing.assert_array_equal(layer(np.ones((1, 2), "float32")), [[4.0, 5.0]])
    assert layers.Rescaling.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: layers.CategoryEncoding(3), [[0, 1, 1], [1, 1, 0]]),
        (lambda: layers.Discretization(bin_boundaries=[0.5, 1.5]), [[1, 2], [0, 1]]),
        (lambda: layers.IntegerLookup(vocabulary=[1, 2]), [[1, 2], [0, 1]]),
        (lambda: layers.Normalization(mean=1.0, variance=4.0), [[0, 0.5], [-0.5, 0]]),
        (lambda: layers.Rescaling(2.0, 1.0), [[3, 5], [1, 3]]),
        (lambda: layers.Hashing(1), [[0, 0], [0, 0]]),
    ],
)
def test_lists_of_numbers(make, expected):
    for values in ([[1, 2], [0, 1]], [(1, 2), (0, 1)], [np.array([1, 2]), np.array([0, 1])]):
        np.testing.assert_array_equal(make()(values), expected)


def test_single_numbers_and_ragged_lists():
    assert layers.Rescaling(2.0)(3).item() == 6.0
    np.testing.assert_array_equal(layers.CategoryEncoding(3)(2), [0, 0, 1])
    with pytest.raises(ValueError, match="inhomogeneous"):
        layers.Rescaling(2.0)([[1, 2], [3]])
