"""Shapes, functions, wrappers, pooling and penalties as layers."""

import json

import numpy as np
import pytest

import hotloop
from hotloop import constraints, layers, ops, regularizers

rng = np.random.default_rng(4)
X = rng.normal(size=(5, 3)).astype("float32")
CUBE = rng.normal(size=(5, 2, 3)).astype("float32")


def test_permute():
    np.testing.assert_array_equal(layers.Permute((2, 1))(CUBE), CUBE.transpose(0, 2, 1))
    four = rng.normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(
        layers.Permute((3, 1, 2))(four), four.transpose(0, 3, 1, 2), rtol=1e-6
    )
    assert layers.Permute((2, 1))(layers.Input((None, 3), dtype="int32")).dtype == "int32"
    assert layers.Permute((2, 1))(layers.Input((None, 3))).shape == (None, 3, None)
    for dims in ((0, 1), (1, 3), (1, 1)):
        with pytest.raises(ValueError, match="each once"):
            layers.Permute(dims)
    with pytest.raises(ValueError, match="ndim=3"):
        layers.Permute((2, 1))(X)


def test_repeat_vector():
    np.testing.assert_array_equal(layers.RepeatVector(4)(X), np.repeat(X[:, None], 4, 1))
    assert layers.RepeatVector(4)(layers.Input((3,))).shape == (None, 4, 3)
    for n, error in ((0, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="`n`"):
            layers.RepeatVector(n)


def test_identity():
    layer = layers.Identity()
    x = ops.convert_to_tensor(X)
    assert layer(x) is x
    symbols = {"a": layers.Input((3,)), "b": layers.Input((2,), dtype="int32")}
    found = layer(symbols)
    assert found["b"].dtype == "int32"
    assert found["a"].shape == (None, 3)


def test_activations():
    np.testing.assert_allclose(
        layers.LeakyReLU()(X), np.where(X > 0, X, np.float32(0.3) * X), rtol=1e-6
    )
    with pytest.warns(UserWarning, match="alpha"):
        assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1
    for slope in (None, -0.1):
        with pytest.raises(ValueError, match="negative_slope"):
            layers.LeakyReLU(slope)
    np.testing.assert_allclose(
        layers.ELU(0.5)(X), np.where(X > 0, X, 0.5 * np.expm1(X)), rtol=1e-5, atol=1e-7
    )


def test_prelu():
    layer = layers.PReLU("ones", alpha_regularizer="l2", alpha_constraint="non_neg")
    np.testing.assert_allclose(layer(X), X, rtol=1e-6)
    assert isinstance(layer.alpha.regularizer, regularizers.L2)
    assert isinstance(layer.alpha.constraint, constraints.NonNeg)
    layer.alpha.assign([0.1, 0.2, 0.3])
    np.testing.assert_allclose(
        layer(X), np.where(X > 0, X, X * np.array([0.1, 0.2, 0.3], "f")), rtol=1e-6
    )
    shared = layers.PReLU(shared_axes=1)
    shared(CUBE)
    assert shared.alpha.shape == (1, 3)
    with pytest.raises(ValueError, match="axis 2"):
        shared(CUBE[..., :2])
    assert shared(CUBE[:, :1]).shape == (5, 1, 3)
    with pytest.raises(ValueError, match="shared_axes"):
        layers.PReLU(shared_axes=[2])(X)
    with pytest.raises(ValueError, match="whole numbers"):
        layers.PReLU()(layers.Input((None, 3)))


def test_global_pooling():
    last, first = CUBE, CUBE.transpose(0, 2, 1)
    for cls, function in (
        (layers.GlobalAveragePooling1D, np.mean),
        (layers.GlobalMaxPooling1D, np.max),
    ):
        expected = function(CUBE, 1)
        np.testing.assert_allclose(cls()(last), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(cls("channels_first")(first), expected, rtol=1e-5, atol=1e-6)
        kept = cls(keepdims=True)
        np.testing.assert_allclose(kept(last), expected[:, None], rtol=1e-5, atol=1e-6)
        assert kept(layers.Input((None, 3))).shape == (None, 1, 3)
        assert cls("channels_first")(layers.Input((3, None))).shape == (None, 3)
        with pytest.raises(ValueError, match="ndim=3"):
            cls()(X)
        with pytest.raises(ValueError, match="3 axes"):
            cls().compute_output_shape((None, 3))
        with pytest.raises(ValueError, match="data_format"):
            cls("sideways")
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
    assert layers.GlobalMaxPool1D is layers.GlobalMaxPooling1D


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_average_of_what_the_mask_lets_through(data_format):
    mask = np.array([[1, 0], [1, 1], [0, 1], [1, 1], [1, 0]], bool)
    x = CUBE if data_format == "channels_last" else CUBE.transpose(0, 2, 1)
    expected = (CUBE * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    found = layers.GlobalAveragePooling1D(data_format)(x, mask=mask)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_activity_regularization():
    layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
    x = ops.convert_to_tensor(X)
    assert layer(x) is x
    (loss,) = layer.losses
    expected = (0.1 * np.abs(X).sum() + 0.2 * (X**2).sum()) / len(X)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert layer.get_config().keys() == {"name", "trainable", "dtype", "l1", "l2"}


class TestLambda:
    def test_calls(self):
        layer = layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3})
        np.testing.assert_allclose(layer(X), X * 3, rtol=1e-6)
        assert layer(layers.Input((3,))).shape == (None, 3)
        assert layers.Lambda(lambda x: ops.argmax(x, -1))(layers.Input((3,))).dtype == "int32"
        assert layers.Lambda(abs, (2,)).compute_output_shape((None, 3)) == (None, 2)
        made = layers.Lambda(lambda x: x[:, :2], output_shape=lambda shape: (shape[0], 2))
        assert made(layers.Input((3,))).shape == (None, 2)
        pair = layers.Lambda(lambda x: [x, x], output_shape=[(3,), (3,)])
        assert [s.shape for s in pair(layers.Input((3,)))] == [(None, 3), (None, 3)]

    def test_context(self):
        def function(x, training=None, mask=None):
            return x * (2.0 if training else 1.0) * ops.cast(mask, "float32")[..., None]

        layer = layers.Lambda(function, mask=lambda x, mask: ops.logical_not(mask))
        assert layer.supports_masking
        mask = np.array([[True, False]] * 5)
        np.testing.assert_allclose(
            layer(CUBE, mask=mask, training=True), CUBE * 2 * mask[..., None], rtol=1e-6
        )
        np.testing.assert_array_equal(layer(CUBE, mask=mask)._keras_mask, ~mask)

    def test_in_a_model(self):
        model = hotloop.Sequential(
            [hotloop.Input((3,)), layers.Lambda(ops.square), layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        model.fit(X, X[:, :1], verbose=0)
        assert not model.run_eagerly

    def test_named_functions_are_found_by_name(self):
        def double(x):
            return 2 * x

        layer = layers.Lambda(double, output_shape=(3,))
        assert layers.Lambda.from_config(layer.get_config()).function is double
        whole = json.loads(json.dumps(layers.serialize(layer)))
        twin = layers.deserialize(whole, {"double": double})
        assert twin.function is double
        assert twin.compute_output_shape((None, 5)) == (None, 3)
        with pytest.raises(TypeError, match="custom_objects"):
            layers.deserialize(whole)

    def test_lambdas_come_from_no_file(self):
        layer = layers.Lambda(lambda x: x + 1, output_shape=lambda shape: shape)
        with pytest.raises(ValueError, match="lambda cannot be written"):
            layers.serialize(layer)
        twin = layers.Lambda.from_config(layer.get_config())  # in the same program
        np.testing.assert_allclose(twin(X), X + 1)
        code = {"class_name": "__lambda__", "config": {"code": "4wAAAA", "defaults": None}}
        for safe in (None, True):
            with pytest.raises(ValueError, match="run code, which is refused"):
                layers.Lambda.from_config({"function": code}, safe_mode=safe)
        with pytest.raises(ValueError, match="no code from files"):
            layers.Lambda.from_config({"function": code}, safe_mode=False)
        whole = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}}
        with pytest.raises(ValueError, match="refused"):
            layers.deserialize(whole)

    def test_clones(self):
        model = hotloop.Sequential([hotloop.Input((3,)), layers.Lambda(lambda x: x + 1)])
        np.testing.assert_allclose(hotloop.models.clone_model(model)(X), X + 1)

    def test_not_a_function(self):
        with pytest.raises(TypeError, match="needs a function"):
            layers.Lambda("relu")


class TestWrapper:
    def test_wrapper(self):
        class Twice(layers.Wrapper):
            def call(self, inputs):
                return self.layer(self.layer(inputs))

        inner = layers.Dense(3)
        layer = Twice(inner)
        found = layer(X)
        np.testing.assert_allclose(found, inner(inner(X)), rtol=1e-6)
        assert inner.built
        assert layer.weights == inner.weights
        assert inner.kernel.path == f"{layer.name}/{inner.name}/kernel"
        twin = Twice.from_config(layer.get_config())
        assert twin.layer.get_config() == inner.get_config()
        for other in ("dense", None, layers.Dense):
            with pytest.raises(ValueError, match="needs a layer"):
                layers.Wrapper(other)

    def test_custom_objects_reach_the_inner_layer(self):
        class Mine(layers.Layer):
            def call(self, inputs):
                return inputs

        config = layers.serialize(layers.TimeDistributed(Mine()))
        assert isinstance(layers.deserialize(config, {"Mine": Mine}).layer, Mine)
        with pytest.raises(TypeError, match="Mine"):
            layers.deserialize(config)
        with pytest.raises(ValueError, match="of a layer"):
            layers.deserialize(hotloop.optimizers.serialize(hotloop.optimizers.SGD()))

    def test_time_distributed(self):
        inner = layers.Dense(4, activation="tanh")
        layer = layers.TimeDistributed(inner)
        found = layer(CUBE)
        expected = np.tanh(CUBE @ inner.kernel.numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        assert layer(layers.Input((None, 3))).shape == (None, None, 4)
        assert layer.compute_output_shape((7, 2, 3)) == (7, 2, 4)
        with pytest.raises(ValueError, match="at least 3 dimensions"):
            layers.TimeDistributed(layers.Dense(4))(X)

    def test_mode_and_mask_reach_the_inner_layer(self):
        class Inner(layers.Layer):
            seen = ()

            def call(self, inputs, training=None, mask=None):
                self.seen = (*self.seen, (training, None if mask is None else mask.tolist()))
                return inputs

        layer = layers.TimeDistributed(Inner())
        mask = np.array([[True, False]] * 5)
        layer(CUBE, training=True, mask=mask)
        assert layer.layer.seen == ((True, [True] * 5), (True, [False] * 5))
        for shape in ((5, 3), (4, 2)):
            with pytest.raises(ValueError, match="begin with the batch"):
                layer(CUBE, mask=np.ones(shape, bool))

    def test_moving_averages_move_in_every_step(self):
        norm = layers.BatchNormalization(momentum=0.5)
        layers.TimeDistributed(norm)(CUBE, training=True)
        expected = 0.25 * CUBE[:, 0].mean(0) + 0.5 * CUBE[:, 1].mean(0)
        np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-4, atol=1e-6)

    def test_models_inside(self):
        inner = hotloop.Sequential([hotloop.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])
        model = hotloop.Sequential([hotloop.Input((2, 3)), layers.TimeDistributed(inner)])
        np.testing.assert_allclose(model(CUBE), CUBE @ inner.get_weights()[0], rtol=1e-5, atol=1e-6)
        assert (model(CUBE, training=True).numpy() == 0).any()


@pytest.mark.parametrize(
    "layer",
    [
        layers.Embedding(5, 2, mask_zero=True, name="e"),
        layers.TimeDistributed(layers.Dense(2, name="d"), name="t"),
        layers.BatchNormalization(axis=1, name="b"),
        layers.Add(name="a"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_serialization_goes_through_json(layer):
    config = json.loads(json.dumps(layers.serialize(layer)))
    twin = layers.deserialize(config)
    assert type(twin) is type(layer)
    assert layers.serialize(twin) == layers.serialize(layer)


class TestEmbedding:
    WORDS = np.array([[1, 2, 0], [3, 0, 0]])

    def test_rows(self):
        layer = layers.Embedding(4, 2)
        found = layer(self.WORDS)
        table = layer.embeddings.numpy()
        np.testing.assert_array_equal(found, table[self.WORDS])
        np.testing.assert_array_equal(layer(self.WORDS.astype("float32")), found)
        assert abs(table).max() <= 0.05
        assert [w.path for w in layer.weights] == [f"{layer.name}/embeddings"]
        assert layer(layers.Input((None,), dtype="int32")).shape == (None, None, 2)
        assert layer(layers.Input((None,))).dtype == "float32"
        assert getattr(found, "_keras_mask", None) is None

    def test_mask(self):
        layer = layers.Embedding(4, 2, mask_zero=True)
        np.testing.assert_array_equal(layer(self.WORDS)._keras_mask, self.WORDS != 0)

    def test_given_weights(self):
        table = rng.normal(size=(4, 2)).astype("float32")
        for weights in (table, [table]):
            layer = layers.Embedding(4, 2, weights=weights)
            np.testing.assert_array_equal(layer(self.WORDS), table[self.WORDS])
        with pytest.raises(ValueError, match="shape"):
            layers.Embedding(4, 3, weights=table)

    def test_training(self):
        layer = layers.Embedding(5, 2, embeddings_initializer="ones")
        model = hotloop.Sequential([hotloop.Input((3,), dtype="int32"), layer, layers.Flatten()])
        model.compile(hotloop.optimizers.SGD(1.0), "mse")
        model.fit(self.WORDS, np.zeros((2, 6)), batch_size=2, verbose=0)
        # Each use of a row moves it by 2 * 1 / 12 in each of its parts.
        uses = np.bincount(self.WORDS.ravel(), minlength=5)
        expected = np.repeat(1 - uses[:, None] / 6, 2, 1)
        np.testing.assert_allclose(layer.embeddings, expected, rtol=1e-5)

    def test_arguments(self):
        for arguments in ((0, 2), (2, 0), (True, 2), (2.0, 2), (2, "3")):
            with pytest.raises(ValueError, match="must be a positive integer"):
                layers.Embedding(*arguments)
        for argument in ("lora_rank", "lora_alpha", "quantization_config"):
            with pytest.raises(NotImplementedError, match=argument):
                layers.Embedding(4, 2, **{argument: 4})
        with pytest.warns(UserWarning, match="input_length"):
            layers.Embedding(4, 2, input_length=3)
        with pytest.raises(AttributeError, match="build the layer"):
            _ = layers.Embedding(4, 2).embeddings
