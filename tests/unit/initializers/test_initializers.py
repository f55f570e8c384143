"""Distributions, seeds and configurations of initializers."""

import math

import numpy as np
import pytest

import hotloop
from hotloop import initializers
from hotloop.random import SeedGenerator

SHAPE = (200, 300)
DRAWING = [
    ("RandomNormal", 0.05, None),
    ("TruncatedNormal", 0.05 * 0.8796256610342398, 0.1),
    ("RandomUniform", 0.05 / math.sqrt(3), 0.05),
    ("GlorotUniform", math.sqrt(2 / 500), math.sqrt(6 / 500)),
    ("GlorotNormal", math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.8796256610342398),
    ("HeUniform", math.sqrt(2 / 200), math.sqrt(6 / 200)),
    ("HeNormal", math.sqrt(2 / 200), 2 * math.sqrt(2 / 200) / 0.8796256610342398),
    ("LecunUniform", math.sqrt(1 / 200), math.sqrt(3 / 200)),
    ("LecunNormal", math.sqrt(1 / 200), 2 * math.sqrt(1 / 200) / 0.8796256610342398),
]


@pytest.mark.parametrize(("name", "stddev", "limit"), DRAWING)
def test_spread(name, stddev, limit):
    values = getattr(initializers, name)(seed=1)(SHAPE).numpy()
    assert values.dtype == np.float32
    assert values.shape == SHAPE
    assert abs(values.mean()) < 0.02 * stddev
    assert values.std() == pytest.approx(stddev, rel=0.01)
    if limit is not None:
        assert np.abs(values).max() <= limit * (1 + 1e-6)
        assert np.abs(values).max() > 0.97 * limit


@pytest.mark.parametrize("name", [name for name, _, _ in DRAWING] + ["Orthogonal"])
def test_seeds(name):
    make = getattr(initializers, name)
    one, two = make(seed=5), make(seed=6)
    np.testing.assert_array_equal(one((4, 3)), one((4, 3)))
    assert np.any(one((4, 3)).numpy() != two((4, 3)).numpy())
    assert np.any(make()((4, 3)).numpy() != make()((4, 3)).numpy())
    np.testing.assert_array_equal(make.from_config(one.get_config())((4, 3)), one((4, 3)))


def test_the_global_seed_fixes_the_defaults():
    hotloop.utils.set_random_seed(3)
    first = initializers.GlorotUniform()((4, 3)).numpy()
    second = initializers.GlorotUniform()((4, 3)).numpy()
    hotloop.utils.set_random_seed(3)
    np.testing.assert_array_equal(initializers.GlorotUniform()((4, 3)), first)
    assert np.any(first != second)


def test_a_generator_goes_on():
    initializer = initializers.RandomNormal(seed=SeedGenerator(9))
    first = initializer((5,)).numpy()
    assert np.any(first != initializer((5,)).numpy())
    again = initializers.RandomNormal.from_config(initializer.get_config())
    np.testing.assert_array_equal(again((5,)), first)


@pytest.mark.parametrize("seed", ["one", 1.5, True])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed"):
        initializers.RandomNormal(seed=seed)


def test_orthogonal():
    wide = initializers.Orthogonal(gain=2.0)((3, 7)).numpy()
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(3), atol=1e-5)
    tall = initializers.Orthogonal()((7, 3)).numpy()
    np.testing.assert_allclose(tall.T @ tall, np.eye(3), atol=1e-5)
    with pytest.raises(ValueError, match="at least two-dimensional"):
        initializers.Orthogonal()((3,))


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2, 2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(initializers.Ones()((2,), dtype="int32"), [1, 1])
    np.testing.assert_array_equal(initializers.Constant(2.5)((2,)), [2.5, 2.5])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((2, 2)), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    with pytest.raises(ValueError, match="2D"):
        initializers.Identity()((2,))


@pytest.mark.parametrize(
    ("shape", "axes", "fans"),
    [
        ((), {}, (1, 1)),
        ((5,), {}, (5, 5)),
        ((2, 3), {}, (2, 3)),
        ((4, 2, 3), {}, (8, 12)),
        ((4, 2, 3), {"input_axes": [0], "output_axes": [1, 2]}, (4, 6)),
    ],
)
def test_fans(shape, axes, fans):
    from hotloop.initializers.random_initializers import compute_fans

    assert compute_fans(shape, **axes) == fans


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "scale"),
        ({"mode": "fan_up"}, "fan_in"),
        ({"distribution": "cauchy"}, "truncated_normal"),
    ],
)
def test_bad_variance_scaling(arguments, message):
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("glorot_uniform", "GlorotUniform"),
        ("GlorotUniform", "GlorotUniform"),
        ("normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("zero", "Zeros"),
        ("one", "Ones"),
        ("IdentityInitializer", "Identity"),
        ("he_normal", "HeNormal"),
    ],
)
def test_get(name, cls):
    assert type(initializers.get(name)) is getattr(initializers, cls)


def test_get_takes_arrays_and_functions():
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.get(array)((2, 3)), array)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        initializers.get(array)((3, 2))

    def fours(shape, dtype=None):
        return np.full(shape, 4.0)

    assert initializers.get(fours) is fours


def test_unknown_name():
    with pytest.raises(ValueError, match="Did you mean 'glorot_normal' or"):
        initializers.get("glorot_norml")


def test_serialized_as_keras_does():
    assert initializers.serialize(initializers.get("glorot_uniform")) == {
        "module": "keras.initializers",
        "class_name": "GlorotUniform",
        "config": {"seed": None, "input_axes": None, "output_axes": None},
        "registered_name": None,
    }
