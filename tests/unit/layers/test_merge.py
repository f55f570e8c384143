"""Layers on several inputs."""

import numpy as np
import pytest

import hotloop
from hotloop import layers

rng = np.random.default_rng(21)
A, B, C = (rng.normal(size=(5, 3)).astype("float32") for _ in range(3))
CUBE = rng.normal(size=(5, 2, 3)).astype("float32")

MERGES = {
    "add": lambda *x: sum(x),
    "multiply": lambda *x: np.prod(x, axis=0),
    "average": lambda *x: sum(x) / len(x),
    "maximum": lambda *x: np.max(x, axis=0),
    "minimum": lambda *x: np.min(x, axis=0),
}


@pytest.mark.parametrize("name", MERGES)
def test_merges(name):
    cls, function = getattr(layers, name.capitalize()), getattr(layers, name)
    for inputs in ([A], [A, B], (A, B, C)):
        np.testing.assert_allclose(cls()(inputs), MERGES[name](*inputs), rtol=1e-6)
        np.testing.assert_allclose(function(inputs), MERGES[name](*inputs), rtol=1e-6)
    wide = MERGES[name](CUBE, np.broadcast_to(A[:, None], CUBE.shape))
    np.testing.assert_allclose(cls()([CUBE, A]), wide, rtol=1e-6)
    np.testing.assert_allclose(cls()([A, CUBE]), wide, rtol=1e-6)
    symbols = [layers.Input((2, 3)), layers.Input((None, 3)), layers.Input((3,))]
    assert function(symbols, name="it").shape == (None, None, 3)
    assert cls().compute_output_shape([(None, 3), (4, 1)]) == (4, 3)
    model = hotloop.Model(symbols, function(symbols))
    xs = [CUBE, CUBE[:, :1], A]
    expected = MERGES[name](CUBE, *(np.broadcast_to(x, CUBE.shape) for x in (xs[1], A[:, None])))
    np.testing.assert_allclose(model(xs), expected, rtol=1e-5, atol=1e-6)
    assert type(cls.from_config(cls(name="n").get_config())) is cls


def test_subtract():
    np.testing.assert_allclose(layers.Subtract()([A, B]), A - B)
    np.testing.assert_allclose(layers.subtract([CUBE, A]), CUBE - A[:, None])
    for inputs in ([A], [A, B, C]):
        with pytest.raises(ValueError, match="exactly 2"):
            layers.Subtract()(inputs)


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Maximum", "Concatenate", "Dot"])
def test_not_a_list(name):
    layer = layers.Dot(1) if name == "Dot" else getattr(layers, name)()
    with pytest.raises(ValueError, match="list of"):
        layer(A)
    with pytest.raises(ValueError, match="list of"):
        layer(layers.Input((3,)))


def test_shapes_that_do_not_fit():
    for cls in (layers.Add, layers.Maximum):
        with pytest.raises(ValueError, match="incompatible shapes"):
            cls()([A, A[:, :2]])
        with pytest.raises(ValueError, match="different batch sizes"):
            cls()([A, A[:2]])
    for other in (A[:, :2][None], CUBE):
        with pytest.raises(ValueError, match="matching shapes"):
            layers.Concatenate()([A, other])
    with pytest.raises(ValueError, match="matching shapes"):
        layers.Concatenate(axis=1)([CUBE, CUBE[:, :, :2]])
    with pytest.raises(ValueError, match="out of bounds"):
        layers.Concatenate(axis=2)([A, B])


def test_concatenate():
    np.testing.assert_array_equal(layers.concatenate([A, B, C]), np.concatenate([A, B, C], -1))
    long = layers.Concatenate(axis=1)([CUBE, CUBE[:, :1]])
    np.testing.assert_array_equal(long, np.concatenate([CUBE, CUBE[:, :1]], 1))
    symbols = [layers.Input((None, 3)), layers.Input((2, 3))]
    assert layers.Concatenate(axis=1)(symbols).shape == (None, None, 3)
    assert layers.Concatenate()(symbols).shape == (None, None, 6)


DOTS = [
    ((4,), (4,), 1, "bk,bk->b"),
    ((4,), (4,), -1, "bk,bk->b"),
    ((3, 4), (5, 4), 2, "bik,bjk->bij"),
    ((3, 4), (4, 5), (2, 1), "bik,bkj->bij"),
    ((3, 4), (3, 5), 1, "bki,bkj->bij"),
    ((4,), (4, 5), 1, "bk,bkj->bj"),
    ((3, 4), (4,), (2, 1), "bik,bk->bi"),
    ((2, 3, 4), (5, 4, 6), (3, 2), "bijk,blkm->bijlm"),
]


@pytest.mark.parametrize(("first", "second", "axes", "equation"), DOTS)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot(first, second, axes, equation, normalize):
    x, y = (rng.normal(size=(5, *shape)).astype("float32") for shape in (first, second))
    layer = layers.Dot(axes, normalize=normalize)
    found = layer([x, y])
    a, b = (axes, axes) if isinstance(axes, int) else axes
    if normalize:
        x = x / np.linalg.norm(x, axis=a, keepdims=True)
        y = y / np.linalg.norm(y, axis=b, keepdims=True)
    expected = np.einsum(equation, x, y)
    expected = expected[:, None] if expected.ndim == 1 else expected
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    symbol = layers.dot([layers.Input(first), layers.Input(second)], axes, normalize=normalize)
    assert symbol.shape == (None, *expected.shape[1:])
    twin = layers.Dot.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("axes", "error", "message"),
    [
        ("1", TypeError, "list or an int"),
        ((1, 2, 3), ValueError, "two elements"),
        ((1, 1.0), ValueError, "integers"),
    ],
)
def test_dot_arguments(axes, error, message):
    with pytest.raises(error, match=message):
        layers.Dot(axes)


def test_dot_shapes():
    with pytest.raises(ValueError, match="axis values 3"):
        layers.Dot(1)([A, A[:, :2]])
    with pytest.raises(ValueError, match="no axis behind the batch"):
        layers.Dot(0)([A, B])
    with pytest.raises(ValueError, match="no axis behind the batch"):
        layers.Dot(2)([A, B])
    with pytest.raises(ValueError, match="2 inputs"):
        layers.Dot(1)([A, B, C])
    with pytest.raises(ValueError, match="different batch sizes"):
        layers.Dot(1)([A, B[:2]])


def test_masks_of_merges():
    x = CUBE.copy()
    x[0, 0] = 0
    masked = layers.Masking()(x)
    other = layers.Masking()(np.where(np.arange(5)[:, None, None] == 1, 0, CUBE))
    either = np.ones((5, 2), bool)
    for layer in (layers.Add(), layers.Multiply(), layers.Maximum(), layers.Minimum()):
        np.testing.assert_array_equal(layer([masked, other])._keras_mask, either)
        if not isinstance(layer, layers.Add):
            # Where one is masked, the other one's value.
            np.testing.assert_array_equal(layer([masked, other])[0, 0], CUBE[0, 0])
        assert getattr(layer([masked, CUBE]), "_keras_mask", None) is None
    both = layers.Multiply()([masked, masked])
    np.testing.assert_array_equal(both._keras_mask, (x != 0).any(-1))
    joined = layers.Concatenate(axis=1)([masked, CUBE])
    expected = np.concatenate([(x != 0).any(-1), np.ones((5, 2), bool)], 1)
    np.testing.assert_array_equal(joined._keras_mask, expected)
    assert getattr(layers.Dot(2)([masked, other]), "_keras_mask", None) is None
    add = layers.Add()
    for inputs, mask, message in (
        ([A, B], A, "`mask` should be a list"),
        (A, [A], "`inputs` should be a list"),
        ([A, B], [A], "same length"),
    ):
        with pytest.raises(ValueError, match=message):
            add.compute_mask(inputs, mask)
