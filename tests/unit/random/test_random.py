import numpy as np
import pytest

from hotloop import graph, random
from hotloop.graph import reference, trace
from hotloop.random import SeedGenerator


def test_same_seed_same_numbers():
    for function in (random.uniform, random.normal):
        a, b = function((50,), seed=3), function((50,), seed=3)
        assert a.tolist() == b.tolist()
        assert a.tolist() != function((50,), seed=4).tolist()


def test_global_seed():
    random.set_global_seed(11)
    first = [random.next_seed() for _ in range(3)]
    draws = random.uniform((4,)).tolist()
    random.set_global_seed(11)
    assert [random.next_seed() for _ in range(3)] == first
    assert random.uniform((4,)).tolist() == draws
    assert len(set(first)) == 3
    assert random.global_seed() == 11
    random.set_global_seed(12)
    assert random.next_seed() != first[0]


def test_numpy_generator():
    a, b = (random.numpy_generator(5).random(3) for _ in range(2))
    assert a.tolist() == b.tolist()
    random.set_global_seed(1)
    c = random.numpy_generator().random(3)
    random.set_global_seed(1)
    assert c.tolist() == random.numpy_generator().random(3).tolist()


@pytest.mark.parametrize("seed", [-1, 2**32, True])
def test_seeds_out_of_range(seed):
    with pytest.raises(ValueError, match="seed"):
        SeedGenerator(seed)


@pytest.mark.parametrize("seed", ["1", 1.5, None])
def test_seeds_that_are_no_integers(seed):
    with pytest.raises(TypeError, match="seed"):
        random.set_global_seed(seed)


def test_seed_generator_counts():
    generator = SeedGenerator(2**32 - 1)
    assert generator.next().tolist() == [-1, 0]
    assert generator.next().tolist() == [-1, 1]
    assert generator.state.numpy().tolist() == [-1, 2]
    assert not generator.state.trainable
    again = SeedGenerator.from_config(generator.get_config())
    assert again.next().tolist() == [-1, 0]


def test_traced_draws_differ_from_call_to_call():
    generator = SeedGenerator(1)
    result = trace(
        lambda: [random.uniform((8,), seed=generator), random.uniform((8,), seed=generator)], []
    )
    assert generator.state.numpy().tolist() == [1, 0]
    (a, b), updates = reference.run(result, [], np.float32)
    assert updates[generator.state].tolist() == [1, 2]
    assert a.tolist() != b.tolist()
    fresh = SeedGenerator(1)
    assert random.uniform((8,), seed=fresh).tolist() == a.tolist()
    assert random.uniform((8,), seed=fresh).tolist() == b.tolist()


def test_distributions():
    u = random.uniform((20000,), -2.0, 4.0, seed=1).numpy()
    assert u.min() >= -2
    assert u.max() < 4
    assert abs(u.mean() - 1) < 0.05
    z = random.normal((20000,), 1.0, 2.0, seed=1).numpy()
    assert abs(z.mean() - 1) < 0.05
    assert abs(z.std() - 2) < 0.05
    assert np.isfinite(z).all()
    k = random.randint((20000,), -1, 3, seed=1)
    assert k.dtype == "int32"
    assert sorted(set(k.tolist())) == [-1, 0, 1, 2]


def test_dropout():
    x = np.ones((200, 50), np.float32)
    y = random.dropout(x, 0.25, seed=7).numpy()
    np.testing.assert_allclose(np.unique(y), [0.0, 1 / 0.75], rtol=1e-6)
    assert abs((y == 0).mean() - 0.25) < 0.02
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=7).numpy()
    assert (rows == rows[:, :1]).all()
    assert 0 < (rows[:, 0] == 0).sum() < 200
    assert random.dropout(x, 0.0).tolist() == x.tolist()
    assert not random.dropout(x, 1.0, seed=1).numpy().any()
    with pytest.raises(ValueError, match="rate"):
        random.dropout(x, 1.5)


def test_dropout_gradient_is_its_mask():
    with graph.Scope(symbolic=False):
        x = graph.constant(np.full((10, 10), 3.0))
        y = random.dropout(x, 0.5, seed=7)
        (g,) = graph.gradients(y, [x])
        np.testing.assert_array_equal(g.numpy(), y.numpy() / 3)
