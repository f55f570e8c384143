"""The layers themselves."""

import numpy as np
import pytest

from hotloop import activations, constraints, initializers, layers, regularizers

X = np.random.default_rng(3).normal(size=(4, 3)).astype("float32")


def test_dense():
    layer = layers.Dense(2, activation="relu", bias_initializer="ones")
    kernel = np.arange(6.0).reshape(3, 2) - 2
    layer.build((None, 3))
    assert layer.kernel.shape == (3, 2)
    layer.kernel.assign(kernel)
    np.testing.assert_allclose(layer(X), np.maximum(X @ kernel + 1, 0), rtol=1e-5, atol=1e-6)
    cube = np.stack([X, 2 * X])
    np.testing.assert_allclose(layer(cube), np.maximum(cube @ kernel + 1, 0), rtol=1e-5, atol=1e-6)
    assert layer(layers.Input((7, 3))).shape == (None, 7, 2)


def test_dense_without_bias_on_integers():
    layer = layers.Dense(2, use_bias=False, kernel_initializer="ones")
    result = layer(np.array([[1, 2, 3]], "uint8"))
    np.testing.assert_array_equal(result, [[6, 6]])
    assert result.dtype == "float32"
    assert len(layer.weights) == 1


def test_dense_arguments_reach_the_weights():
    layer = layers.Dense(
        2,
        kernel_regularizer="l2",
        bias_regularizer=regularizers.L1(0.5),
        kernel_constraint="unit_norm",
        bias_constraint=constraints.NonNeg(),
    )
    layer.build((None, 3))
    assert isinstance(layer.kernel.regularizer, regularizers.L2)
    assert isinstance(layer.bias.regularizer, regularizers.L1)
    assert isinstance(layer.kernel.constraint, constraints.UnitNorm)
    assert isinstance(layer.bias.constraint, constraints.NonNeg)


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", None, True])
def test_dense_units(units):
    with pytest.raises(ValueError, match="units"):
        layers.Dense(units)


@pytest.mark.parametrize("argument", ["lora_rank", "lora_alpha", "quantization_config"])
def test_dense_refuses(argument):
    with pytest.raises(NotImplementedError, match=argument):
        layers.Dense(2, **{argument: 4})


def test_dense_kernel_needs_build():
    with pytest.raises(AttributeError, match="build the layer"):
        _ = layers.Dense(2).kernel
    with pytest.raises(ValueError, match="must be known"):
        layers.Dense(2).build((None, None))


def test_flatten():
    values = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(layers.Flatten()(values), values.reshape(2, 12))
    first = layers.Flatten(data_format="channels_first")
    np.testing.assert_array_equal(first(values), values.transpose(0, 2, 1).reshape(2, 12))
    np.testing.assert_array_equal(layers.Flatten()(np.arange(3)), [[0], [1], [2]])
    assert layers.Flatten()(layers.Input((3, 4), dtype="uint8")).shape == (None, 12)
    assert layers.Flatten()(layers.Input((3, 4), dtype="uint8")).dtype == "int32"
    assert layers.Flatten()(layers.Input((None, 4))).shape == (None, None)
    with pytest.raises(ValueError, match="data_format"):
        layers.Flatten(data_format="sideways")


def test_reshape():
    values = np.arange(24).reshape(2, 12)
    np.testing.assert_array_equal(layers.Reshape((3, 4))(values), values.reshape(2, 3, 4))
    np.testing.assert_array_equal(layers.Reshape((-1, 2))(values), values.reshape(2, 6, 2))
    assert layers.Reshape((3, -1))(layers.Input((12,))).shape == (None, 3, 4)
    assert layers.Reshape((3, -1))(layers.Input((None,))).shape == (None, 3, None)
    with pytest.raises(ValueError, match=r"total size .*\(12,\).*\(5,\)"):
        layers.Reshape((5,))(values)
    with pytest.raises(ValueError, match="at most one"):
        layers.Reshape((-1, -1))
    with pytest.raises(ValueError, match="whole numbers"):
        layers.Reshape((1.5,))


def test_activation_layers():
    np.testing.assert_array_equal(layers.ReLU()(X), np.maximum(X, 0))
    np.testing.assert_allclose(
        layers.ReLU(max_value=1.0, negative_slope=0.5)(X),
        np.where(X > 0, np.minimum(X, 1), X / 2),
        rtol=1e-6,
    )
    np.testing.assert_allclose(layers.Activation("tanh")(X), np.tanh(X), rtol=1e-5, atol=1e-6)
    assert layers.Activation(None).activation is activations.linear
    for arguments in ({"max_value": -1.0}, {"negative_slope": None}, {"threshold": -1.0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            layers.ReLU(**arguments)


def test_softmax():
    expected = np.exp(X) / np.exp(X).sum(-1, keepdims=True)
    np.testing.assert_allclose(layers.Softmax()(X), expected, rtol=1e-5)
    np.testing.assert_allclose(
        layers.Softmax(axis=(0, 1))(X), np.exp(X) / np.exp(X).sum(), rtol=1e-5
    )
    mask = np.array([True, False, True])
    kept = np.exp(X) * mask
    np.testing.assert_allclose(
        layers.Softmax()(X, mask=mask), kept / kept.sum(-1, keepdims=True), rtol=1e-5
    )
    with pytest.raises(ValueError, match="broadcastable"):
        layers.Softmax()(X, mask=np.ones(5, bool))


def test_dropout():
    ones = np.ones((200, 100), "float32")
    layer = layers.Dropout(0.25, seed=4)
    np.testing.assert_array_equal(layer(ones), ones)
    first, second = layer(ones, training=True).numpy(), layer(ones, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.015)
    assert np.any(first != second)
    again = layers.Dropout(0.25, seed=4)
    np.testing.assert_array_equal(again(ones, training=True), first)
    np.testing.assert_array_equal(again(ones, training=True), second)
    assert layer.weights == []
    assert len(layer.variables) == 1


def test_dropout_noise_shape():
    result = layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(np.ones((50, 8)), training=True)
    rows = result.numpy()
    assert np.all(rows == rows[:, :1])
    assert 0 < (rows[:, 0] == 0).sum() < 50
    with pytest.raises(ValueError, match="rank"):
        layers.Dropout(0.5, noise_shape=(1,))(np.ones((2, 2)), training=True)


def test_dropout_limits():
    ones = np.ones((2, 3))
    assert layers.Dropout(0)(ones, training=True).numpy().all()
    assert not layers.Dropout(1)(ones, training=True).numpy().any()
    for rate in (-0.1, 1.5):
        with pytest.raises(ValueError, match="rate"):
            layers.Dropout(rate)
    for noise_shape in ("ab", (0, 1), (1.5,), 3):
        with pytest.raises(ValueError, match="noise_shape"):
            layers.Dropout(0.5, noise_shape=noise_shape)


def test_input():
    x = layers.Input(shape=(3, None), batch_size=4, dtype="int64", name="x")
    assert (x.shape, x.dtype, x.name) == ((4, 3, None), "int32", "x")
    layer = x.node.operation
    assert isinstance(layer, layers.InputLayer)
    assert layer.batch_shape == (4, 3, None)
    assert layers.Input(batch_shape=(None, 2)).shape == (None, 2)
    assert layers.Input(tensor=x) is x
    assert layers.Input(()).shape == (None,)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "must pass a `shape`"),
        ({"shape": 3}, ValueError, r"Cannot convert '3' to a shape. Did you mean \(3,\)"),
        ({"shape": (-1,)}, ValueError, "Negative"),
        ({"shape": (1.5,)}, ValueError, "1.5"),
        ({"shape": (1,), "batch_shape": (1, 1)}, ValueError, "both"),
        ({"shape": (1,), "sparse": True}, NotImplementedError, "sparse"),
        ({"shape": (1,), "ragged": True}, NotImplementedError, "ragged"),
        ({"tensor": 3}, ValueError, "KerasTensor"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        layers.Input(**arguments)


LAYERS = [
    layers.Dense(
        3,
        activation="gelu",
        use_bias=False,
        kernel_initializer=initializers.HeNormal(seed=1),
        kernel_regularizer=regularizers.L1L2(0.1, 0.2),
        kernel_constraint=constraints.MaxNorm(3),
        activity_regularizer="l2",
        name="d",
    ),
    layers.Dense(2, activation=layers.ReLU(max_value=3.0)),
    layers.Flatten(data_format="channels_first"),
    layers.Reshape((3, -1)),
    layers.Activation("swish"),
    layers.ReLU(6, 0.1, 0.2),
    layers.Softmax(axis=1),
    layers.Dropout(0.3, noise_shape=(None, 1), seed=7),
    layers.InputLayer((3,), dtype="int32", name="i"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_configurations_round_trip(layer):
    config = layers.serialize(layer)
    assert config["module"] == "keras.layers"
    again = layers.deserialize(config)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_config_as_keras_writes_it():
    policy = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": None,
    }
    assert layers.Dropout(0.5, name="d").get_config() == {
        "name": "d",
        "trainable": True,
        "dtype": policy,
        "rate": 0.5,
        "seed": None,
        "noise_shape": None,
    }
    assert list(layers.Dense(2).get_config()) == [
        "name",
        "trainable",
        "dtype",
        "units",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
        "quantization_config",
    ]


def test_bad_configurations():
    with pytest.raises(TypeError, match="Error when deserializing class 'Dense'"):
        layers.Dense.from_config({"units": -1})


def test_layers_out_of_scope():
    with pytest.raises(NotImplementedError, match="no 'Conv2D': convolution is out of its"):
        _ = layers.Conv2D
    with pytest.raises(AttributeError, match=r"Unknown layer 'Dens'.*Valid names.*Dense"):
        _ = layers.Dens


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ({"ndim": 2}, (3,), "expected ndim=2, found ndim=1"),
        ({"max_ndim": 1}, (3, 4), "expected max_ndim=1"),
        ({"shape": (None, 5)}, (3, 4), r"expected shape=\(None, 5\), found shape=\(3, 4\)"),
        ({"axes": {0: 2}}, (3, 4), "expected axis 0 .* value 2"),
        ({"dtype": "int32"}, (3,), "expected dtype=int32, found dtype=float32"),
    ],
)
def test_input_specs(spec, shape, message):
    layer = layers.Activation("linear", name="spec")
    layer.input_spec = layers.InputSpec(**spec)
    with pytest.raises(ValueError, match=f'Input 0 of layer "spec".*{message}'):
        layer(np.ones(shape, "float32"))


def test_named_input_specs():
    class Two(layers.Layer):
        def call(self, inputs):
            return inputs["a"]

    layer = Two()
    layer.input_spec = [layers.InputSpec(name="a", ndim=1), layers.InputSpec(name="b")]
    with pytest.raises(ValueError, match='Missing data for input "b"'):
        layer({"a": np.ones(2)})
    with pytest.raises(ValueError, match="with name 'a'"):
        layer({"a": np.ones((2, 2)), "b": np.ones(2)})
    np.testing.assert_array_equal(layer({"a": np.ones(2), "b": np.ones(2)}), [1, 1])
