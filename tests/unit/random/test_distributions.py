"""Shapes of distributions, reproducibility and refusals. Seeds are fixed: nothing here is luck."""

import numpy as np
import pytest

from hotloop import graph, ops, random
from hotloop.ops import KerasTensor
from hotloop.random import SeedGenerator

stats = pytest.importorskip("scipy.stats")
COUNT = 4000


def drawn(function):
    """The result of `function()`, compiled."""
    return graph.compile(graph.trace(lambda: [function()], []), batched=False)([])[0]


CONTINUOUS = {
    "uniform": (lambda s: random.uniform((COUNT,), -1.0, 3.0, seed=s), stats.uniform(-1, 4)),
    "normal": (lambda s: random.normal((COUNT,), 2.0, 0.5, seed=s), stats.norm(2, 0.5)),
    "truncated_normal": (
        lambda s: random.truncated_normal((COUNT,), 1.0, 3.0, seed=s),
        stats.truncnorm(-2, 2, loc=1, scale=3),
    ),
    "gamma:0.4": (lambda s: random.gamma((COUNT,), 0.4, seed=s), stats.gamma(0.4)),
    "gamma:1": (lambda s: random.gamma((COUNT,), 1.0, seed=s), stats.gamma(1)),
    "gamma:30": (lambda s: random.gamma((COUNT,), 30.0, seed=s), stats.gamma(30)),
    "beta:0.5,2": (lambda s: random.beta((COUNT,), 0.5, 2.0, seed=s), stats.beta(0.5, 2)),
    "beta:50,7": (lambda s: random.beta((COUNT,), 50.0, 7.0, seed=s), stats.beta(50, 7)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("seed", [1, 2])
def test_distribution_functions_agree(name, seed):
    draw, distribution = CONTINUOUS[name]
    x = drawn(lambda: draw(seed))
    assert x.dtype == np.float32
    assert stats.kstest(x.astype(np.float64), distribution.cdf).pvalue > 1e-3


def chi_square(x, distribution):
    """The p-value of counts in about 20 equally likely intervals of integers."""
    edges = np.unique(distribution.ppf(np.linspace(0, 1, 21)[1:-1]))
    expected = np.diff(np.concatenate([[0.0], distribution.cdf(edges), [1.0]])) * x.size
    found = np.histogram(x, np.concatenate([[-np.inf], edges + 0.5, [np.inf]]))[0]
    kept = expected > 5
    return stats.chi2(max(kept.sum() - 1, 1)).sf((((found - expected) ** 2) / expected)[kept].sum())


@pytest.mark.parametrize(
    ("n", "p"), [(5, 0.3), (30, 0.9), (100, 0.02), (100, 0.5), (1000, 0.7), (25, 0.5), (50000, 0.3)]
)
def test_binomial(n, p):
    x = drawn(lambda: random.binomial((COUNT,), n, p, seed=6))
    assert x.min() >= 0
    assert x.max() <= n
    assert (x == np.floor(x)).all()
    assert chi_square(x, stats.binom(n, p)) > 1e-3


def test_binomial_at_its_ends():
    counts, chances = [7, 7, 0, -1, 7, 3], [0.0, 1.0, 0.5, 0.5, 1.5, np.nan]
    x = random.binomial((6,), counts, chances, seed=1).numpy()
    np.testing.assert_array_equal(x, [0, 7, 0, np.nan, np.nan, np.nan])


def test_parameters_broadcast():
    alpha = np.array([[0.5], [8.0]], np.float32)
    x = drawn(lambda: random.gamma((2, COUNT), alpha, seed=3))
    np.testing.assert_allclose(x.mean(1), [0.5, 8.0], rtol=0.1)
    x = drawn(lambda: random.normal((2, COUNT), alpha, 0.1 * alpha, seed=3))
    np.testing.assert_allclose(x.mean(1), [0.5, 8.0], rtol=0.01)
    with pytest.raises(ValueError, match=r"alpha of shape \(3,\) does not broadcast"):
        random.gamma((2,), np.ones(3))
    with pytest.raises(ValueError, match="does not broadcast"):
        random.normal((2,), np.ones(3))


def test_parameters_that_have_no_distribution():
    assert np.isnan(random.gamma((2,), [0.0, -1.0], seed=1).numpy()).all()
    assert np.isnan(random.beta((2,), [1.0, -1.0], [0.0, 1.0], seed=1).numpy()).all()


def test_categorical():
    shares = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        logits = np.log(shares).astype(np.float32)
    x = drawn(lambda: random.categorical(logits, COUNT, seed=1))
    assert (x.shape, x.dtype) == ((2, COUNT), np.int32)
    for row, expected in zip(x, shares, strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / COUNT, expected, atol=0.03)
    with pytest.raises(ValueError, match=r"\(batch, classes\)"):
        random.categorical(np.zeros(3), 2)
    with pytest.raises(TypeError, match="int32"):
        random.categorical(logits, 2, dtype="float32")


def test_randint_is_even():
    x = drawn(lambda: random.randint((COUNT,), -3, 7, seed=5))
    counts = np.bincount(x + 3, minlength=10)
    assert counts.size == 10
    assert stats.chisquare(counts).pvalue > 1e-3
    wide = drawn(lambda: random.randint((COUNT,), -(2**30), 2**30 - 1, seed=5))
    assert wide.min() < -(2**30) * 0.99
    assert wide.max() > 2**30 * 0.99
    for low, high in ((3, 3), (4, 3), (0, 2**31)):
        with pytest.raises(ValueError, match="maxval - minval"):
            random.randint((2,), low, high)
    with pytest.raises(TypeError):
        random.randint((2,), 0.5, 3)


def test_shuffle():
    x = np.arange(100)
    y = random.shuffle(x, seed=1).numpy()
    assert sorted(y) == x.tolist()
    assert y.tolist() != x.tolist()
    grid = np.arange(60).reshape(3, 20)
    lines = random.shuffle(grid, axis=1, seed=1).numpy()
    assert (np.sort(lines, axis=1) == grid).all()
    first = drawn(lambda: random.shuffle(np.tile(np.arange(4), (COUNT, 1)), axis=1, seed=4))[:, 0]
    assert stats.chisquare(np.bincount(first, minlength=4)).pvalue > 1e-3


FUNCTIONS = [
    lambda s: random.gamma((5,), 0.7, seed=s),
    lambda s: random.beta((5,), 0.7, 2.0, seed=s),
    lambda s: random.binomial((5,), 50, 0.4, seed=s),
    lambda s: random.truncated_normal((5,), seed=s),
    lambda s: random.categorical(np.zeros((5, 9), np.float32), 1, seed=s),
    lambda s: random.shuffle(np.arange(9), seed=s),
    lambda s: random.randint((5,), 0, 10**6, seed=s),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_compiled_is_eager_and_seeds_decide(function):
    eager = function(9).numpy()
    np.testing.assert_array_equal(drawn(lambda: function(9)), eager)
    assert function(10).tolist() != eager.tolist()
    generator = SeedGenerator(9)
    assert function(generator).tolist() == eager.tolist()
    assert function(generator).tolist() != eager.tolist()


def test_keys_in_no_order():
    generator = SeedGenerator(5)
    assert generator.next(ordered=False).tolist() == [5, 0]
    assert generator.next(ordered=False).tolist() == [6 * 5387 % 933199, 5387]
    with pytest.raises(TypeError, match="backend"):
        SeedGenerator(5, backend="jax")


def test_in_models():
    x = KerasTensor((None, 4))
    assert random.dropout(x, 0.5).shape == (None, 4)
    assert random.shuffle(x).shape == (None, 4)
    assert random.categorical(x, 3).shape == (None, 3)


def test_no_gradient_through_parameters():
    with graph.Scope(symbolic=False):
        alpha = graph.constant([2.0, 3.0])
        (g,) = graph.gradients(ops.sum(random.gamma((2,), alpha, seed=1)), [alpha])
        assert g.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal"])
def test_other_dtypes_are_refused(name):
    with pytest.raises(TypeError, match="float32"):
        getattr(random, name)((2,), dtype="int32")
