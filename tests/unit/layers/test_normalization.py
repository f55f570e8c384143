"""Normalizations against double precision, their averages, masks and bad input."""

import numpy as np
import pytest

import hotloop
from hotloop import layers, ops
from hotloop.ops.masks import set_keras_mask

rng = np.random.default_rng(8)
X = rng.normal(1.0, 2.0, size=(6, 4)).astype("float32")
CUBE = rng.normal(1.0, 2.0, size=(5, 3, 4)).astype("float32")


def standard(x, axes, epsilon=1e-3):
    x = x.astype(float)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + epsilon)


def test_batch_normalization_in_both_modes():
    layer = layers.BatchNormalization(momentum=0.9)
    np.testing.assert_allclose(layer(X), X / np.sqrt(1 + 1e-3), rtol=1e-5)
    np.testing.assert_allclose(layer(X, training=True), standard(X, 0), rtol=1e-4, atol=1e-5)
    names = [w.path.split("/")[-1] for w in layer.weights]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.trainable for w in layer.weights] == [True, True, False, False]
    mean, var = 0.1 * X.mean(0), 0.9 + 0.1 * X.var(0)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, var, rtol=1e-5)
    layer.set_weights([np.full(4, 2.0), np.full(4, 0.5), mean, var])
    np.testing.assert_allclose(
        layer(X), (X - mean) / np.sqrt(var + 1e-3) * 2 + 0.5, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_batch_normalization_axis(axis):
    layer = layers.BatchNormalization(axis=axis, scale=False, center=False)
    others = tuple(i for i in range(3) if i != axis % 3)
    expected = standard(CUBE, others)
    np.testing.assert_allclose(layer(CUBE, training=True), expected, rtol=1e-4, atol=1e-5)
    assert layer.moving_mean.shape == (CUBE.shape[axis],)
    assert len(layer.weights) == 2


def test_frozen_batch_normalization_keeps_its_averages():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_allclose(layer(X, training=True), X / np.sqrt(1.001), rtol=1e-5)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    layer.trainable = True
    layer(X, training=True)
    assert not np.array_equal(before[2], layer.moving_mean)


def test_freezing_between_fits():
    norm = layers.BatchNormalization(center=False, scale=False)
    model = hotloop.Sequential([hotloop.Input((4,)), norm, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    moved = norm.moving_mean.numpy()
    assert np.abs(moved).sum() > 0
    norm.trainable = False
    model.fit(X, X[:, :1], verbose=0)
    np.testing.assert_array_equal(norm.moving_mean, moved)
    norm.trainable = True
    model.fit(X, X[:, :1], verbose=0)
    assert not np.array_equal(norm.moving_mean, moved)


def test_evaluation_moves_no_average():
    norm = layers.BatchNormalization()
    model = hotloop.Sequential([hotloop.Input((4,)), norm])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.evaluate(X, X, verbose=0)
    model.predict(X, verbose=0)
    model(X)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model(X, training=True)
    assert not np.array_equal(before[2], norm.moving_mean)


def test_batch_normalization_with_mask():
    mask = rng.random((5, 3)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0)
    found = layer(CUBE, training=True, mask=mask)
    kept = CUBE[mask].astype(float)
    expected = (CUBE - kept.mean(0)) / np.sqrt(kept.var(0) + 1e-3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, kept.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, kept.var(0), rtol=1e-5, atol=1e-6)
    carried = ops.convert_to_tensor(CUBE)
    set_keras_mask(carried, ops.convert_to_tensor(mask))
    np.testing.assert_array_equal(layer(carried, training=True), found)
    one = layers.BatchNormalization()
    assert one(CUBE[..., :1], training=True, mask=mask).shape == (5, 3, 1)
    assert np.isfinite(np.asarray(one(CUBE[..., :1], training=True, mask=mask & False))).all()
    with pytest.raises(ValueError, match="one dimension less"):
        layer(CUBE, mask=np.ones(5, bool))


def test_batch_renormalization():
    limits = {"rmin": 0.9, "rmax": 1.1, "dmax": 0.2}
    layer = layers.BatchNormalization(
        renorm=True, renorm_clipping=limits, renorm_momentum=0.8, momentum=0.7
    )
    layer.build((None, 4))
    names = [w.path.split("/")[-1] for w in layer.weights]
    assert names[4:] == ["moving_stddev", "renorm_mean", "renorm_stddev"]
    mean, std = X.mean(0, dtype=float), np.sqrt(X.var(0, dtype=float) + 1e-3)
    r, d = np.clip(std, 0.9, 1.1), np.clip(mean, -0.2, 0.2)
    expected = (X - mean) / std * r + d
    np.testing.assert_allclose(layer(X, training=True), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.renorm_mean, 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.renorm_stddev, 0.8 + 0.2 * std, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.3 * mean, rtol=1e-5)
    moved = 0.7 + 0.3 * std
    np.testing.assert_allclose(layer.moving_stddev, moved, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, moved**2 - 1e-3, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"synchronized": True}, "synchronized"),
        ({"renorm": True, "renorm_clipping": {"max": 1}}, "invalid keys"),
        ({"renorm": True, "renorm_clipping": {"rmin": 2, "rmax": 1}}, "rmax should be greater"),
        ({"renorm": True, "renorm_clipping": {"dmax": -1}}, "dmax should be non-negative"),
    ],
)
def test_batch_normalization_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.BatchNormalization(**arguments)


def test_layer_normalization():
    np.testing.assert_allclose(
        layers.LayerNormalization()(X), standard(X, -1), rtol=1e-4, atol=1e-5
    )
    layer = layers.LayerNormalization(axis=(2, 1), epsilon=0.5)
    gamma, beta = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    layer.build(CUBE.shape)
    assert layer.axis == [1, 2]
    layer.set_weights([gamma, beta])
    expected = standard(CUBE, (1, 2), 0.5) * gamma + beta
    np.testing.assert_allclose(layer(CUBE), expected, rtol=1e-4, atol=1e-5)
    with pytest.warns(UserWarning, match="RMSNormalization"):
        scaled = layers.LayerNormalization(rms_scaling=True)
    expected = X / np.sqrt(X.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(scaled(X), expected, rtol=1e-4)
    assert len(scaled.weights) == 1
    with pytest.raises(TypeError, match="axis"):
        layers.LayerNormalization(axis="last")


def test_group_normalization():
    layer = layers.GroupNormalization(2, epsilon=1e-3)
    parts = CUBE.reshape(5, 3, 2, 2)
    np.testing.assert_allclose(
        layer(CUBE), standard(parts, (1, 3)).reshape(CUBE.shape), rtol=1e-4, atol=1e-5
    )
    first = layers.GroupNormalization(3, axis=1)
    np.testing.assert_allclose(first(CUBE), standard(CUBE, 2), rtol=1e-4, atol=1e-5)
    each = layers.GroupNormalization(groups=-1)
    np.testing.assert_allclose(each(CUBE), standard(CUBE, 1), rtol=1e-4, atol=1e-5)
    assert each.groups == 4
    for groups in (0, -2, 1.5):
        with pytest.raises(ValueError, match="groups"):
            layers.GroupNormalization(groups)
    for groups in (3, 8):
        with pytest.raises(ValueError, match="must divide"):
            layers.GroupNormalization(groups)(X)
    with pytest.raises(ValueError, match="must be known"):
        layers.GroupNormalization(2)(layers.Input((None,)))


def test_rms_and_unit_normalization():
    root = np.sqrt((X.astype(float) ** 2).mean(-1, keepdims=True) + 1e-6)
    layer = layers.RMSNormalization()
    np.testing.assert_allclose(layer(X), X / root, rtol=1e-5)
    layer.scale.assign([1, 2, 3, 4])
    np.testing.assert_allclose(layer(X), X / root * [1, 2, 3, 4], rtol=1e-5)
    length = np.sqrt((CUBE.astype(float) ** 2).sum((1, 2), keepdims=True))
    np.testing.assert_allclose(
        layers.UnitNormalization(axis=(1, 2))(CUBE), CUBE / length, rtol=1e-5
    )
    np.testing.assert_array_equal(layers.UnitNormalization()(np.zeros((2, 3))), np.zeros((2, 3)))
    with pytest.raises(TypeError, match="axis"):
        layers.UnitNormalization(axis=None)


@pytest.mark.parametrize(
    "make",
    [
        lambda axis: layers.BatchNormalization(axis=axis),
        lambda axis: layers.LayerNormalization(axis=axis),
        lambda axis: layers.GroupNormalization(axis=axis),
        lambda axis: layers.RMSNormalization(axis=axis),
        lambda axis: layers.UnitNormalization(axis=axis),
    ],
)
def test_axes_that_do_not_exist(make):
    for axis in (2, -3):
        layer = make(axis)
        with pytest.raises(ValueError, match="out of bounds"):
            layer.compute_output_shape((None, 4))


def test_unknown_sizes():
    symbol = layers.Input((None, 4))
    for layer in (
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.GroupNormalization(2),
        layers.RMSNormalization(),
        layers.UnitNormalization(),
    ):
        assert layer(symbol).shape == (None, None, 4)
    with pytest.raises(ValueError, match="must be made of whole numbers"):
        layers.BatchNormalization()(layers.Input((None,)))


def test_functions_of_ops():
    mean, var = X.mean(0), X.var(0)
    found = ops.batch_normalization(X, mean, var, -1, epsilon=1e-3)
    np.testing.assert_allclose(found, standard(X, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        ops.layer_normalization(X, epsilon=1e-3), standard(X, 1), rtol=1e-4, atol=1e-5
    )
    root = np.sqrt((X.astype(float) ** 2).mean(-1, keepdims=True))
    np.testing.assert_allclose(ops.rms_normalization(X), X / root, rtol=1e-5)
    assert ops.layer_normalization(layers.Input((4,))).shape == (None, 4)
    with pytest.raises(TypeError, match="unexpected"):
        ops.layer_normalization(X, scale=1)
