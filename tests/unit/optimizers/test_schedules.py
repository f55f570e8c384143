"""Learning-rate schedules: values in double precision, training with them, configurations."""

import math

import numpy as np
import pytest

import hotloop
from hotloop import graph, ops, optimizers
from hotloop.optimizers import schedules

STEPS = [*range(45), 70, 71, 150, 1000, 123_457]


def piecewise(step):
    return 1.0 if step <= 10 else 0.5 if step <= 20 else 0.25


def cosine(step, rate=0.2, steps=30, alpha=0.0):
    return rate * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps)) + alpha)


def warm(step):
    return 0.05 + 0.15 * step / 10 if step < 10 else cosine(step - 10)


def restarts(step, first=10, longer=2.0, higher=1.0, alpha=0.0):
    start, length, height = 0, first, 1.0
    while step >= start + length:
        start, length, height = start + length, length * longer, height * higher
    share = height * 0.5 * (1 + math.cos(math.pi * (step - start) / length))
    return 0.2 * ((1 - alpha) * share + alpha)


CASES = {
    "exponential": (schedules.ExponentialDecay(0.2, 10, 0.9), lambda s: 0.2 * 0.9 ** (s / 10)),
    "exponential_stairs": (
        schedules.ExponentialDecay(0.2, 10, 0.9, staircase=True),
        lambda s: 0.2 * 0.9 ** (s // 10),
    ),
    "inverse_time": (schedules.InverseTimeDecay(0.2, 10, 3), lambda s: 0.2 / (1 + 3 * s / 10)),
    "inverse_time_stairs": (
        schedules.InverseTimeDecay(0.2, 10, 3, staircase=True),
        lambda s: 0.2 / (1 + 3 * (s // 10)),
    ),
    "piecewise": (schedules.PiecewiseConstantDecay([10, 20], [1, 0.5, 0.25]), piecewise),
    "piecewise_between": (
        schedules.PiecewiseConstantDecay([10.5, 20.0], [1, 0.5, 0.25]),
        piecewise,
    ),
    "constant": (schedules.PiecewiseConstantDecay([], [0.5]), lambda s: 0.5),
    "polynomial": (
        schedules.PolynomialDecay(0.2, 30, 0.1, power=2),
        lambda s: 0.1 * (1 - min(s, 30) / 30) ** 2 + 0.1,
    ),
    "polynomial_cycle": (
        schedules.PolynomialDecay(0.2, 30, cycle=True),
        lambda s: (0.2 - 1e-4) * (1 - s / (30 * max(1, math.ceil(s / 30)))) + 1e-4,
    ),
    "cosine": (schedules.CosineDecay(0.2, 30), cosine),
    "cosine_alpha": (schedules.CosineDecay(0.2, 30, 0.2), lambda s: cosine(s, alpha=0.2)),
    "warmup": (schedules.CosineDecay(0.05, 30, warmup_target=0.2, warmup_steps=10), warm),
    "warmup_none": (schedules.CosineDecay(0.05, 30, warmup_target=0.2), cosine),
    "warmup_from_zero": (
        schedules.CosineDecay(0, 30, warmup_target=1, warmup_steps=10),
        lambda s: s / 10 if s < 10 else cosine(s - 10, rate=1.0),
    ),
    "restarts": (schedules.CosineDecayRestarts(0.2, 10), restarts),
    "restarts_even": (
        schedules.CosineDecayRestarts(0.2, 10, t_mul=1, m_mul=0.9, alpha=0.1),
        lambda s: restarts(s, longer=1, higher=0.9, alpha=0.1),
    ),
    "restarts_slow": (
        schedules.CosineDecayRestarts(0.2, 8, t_mul=1.5),
        lambda s: restarts(s, first=8, longer=1.5),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    schedule, expected = CASES[name]
    found = [float(schedule(step)) for step in STEPS]
    np.testing.assert_allclose(found, [expected(step) for step in STEPS], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_one_plan_for_all_steps(name):
    """A plan that counts its steps, and computes the rate from the count."""
    schedule, _ = CASES[name]
    iterations = graph.Variable(0, dtype="int32")

    def step(x):
        rate = ops.convert_to_tensor(schedule(iterations))
        iterations.assign_add(1)
        return [x * rate]

    program = graph.compile(graph.trace(step, [((1,), "float32")]), batched=False)
    one, rate = np.ones(1, np.float32), np.zeros(1, np.float32)
    for number in range(45):
        program.run([one], outputs=[rate])
        np.testing.assert_allclose(rate, float(schedule(number)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_configurations_round_trip(name):
    schedule, _ = CASES[name]
    config = schedules.serialize(schedule)
    assert config["module"] == "keras.optimizers.schedules"
    assert config["registered_name"] is None
    again = schedules.deserialize(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.5), "decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.CosineDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "1 less than the length of values"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 2, 3]), "ascending"),
        (lambda: schedules.deserialize({"class_name": "CosinDecay", "config": {}}), "CosineDecay"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_base_class_wants_to_be_overridden():
    schedule = schedules.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match="__call__"):
        schedule(0)
    with pytest.raises(NotImplementedError, match="get_config"):
        schedule.get_config()


class Halving(schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate / 2 ** ops.cast(step, "float32")

    def get_config(self):
        return {"rate": self.rate}


def model_of(optimizer):
    model = hotloop.Sequential([hotloop.Input((1,)), hotloop.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, lambda y_true, y_pred: y_pred)  # gradient 1 where x is 1
    return model


def test_own_schedule_in_a_compiled_fit(recwarn):
    optimizer = optimizers.SGD(Halving(1.0))
    model = model_of(optimizer)
    before = model.get_weights()[0].item()
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=1, verbose=0)
    assert not recwarn.list
    assert model.get_weights()[0].item() == pytest.approx(before - (2 - 2**-5), rel=1e-5)
    assert float(optimizer.learning_rate) == 2**-6
    assert len(optimizer.variables) == 1  # a schedule is no variable

    again = optimizers.deserialize(optimizers.serialize(optimizer), {"Halving": Halving})
    assert float(again.learning_rate) == 1.0
    with pytest.raises(ValueError, match="Halving"):
        optimizers.deserialize(optimizers.serialize(optimizer))


def test_a_number_cannot_take_a_schedules_place():
    optimizer = optimizers.SGD(Halving(1.0))
    with pytest.raises(TypeError, match="cannot be set to a number"):
        optimizer.learning_rate = 0.1


def test_a_schedule_takes_a_numbers_place_in_a_compiled_model():
    optimizer = optimizers.SGD(0.5)
    model = model_of(optimizer)
    x = np.ones((2, 1))
    model.fit(x, x, batch_size=1, verbose=0)
    before = model.get_weights()[0].item()
    optimizer.learning_rate = Halving(8.0)
    model.fit(x, x, batch_size=1, verbose=0)
    assert model.get_weights()[0].item() == pytest.approx(before - 3.0, rel=1e-5)
    assert [variable.path.split("/")[-1] for variable in optimizer.variables] == ["iteration"]


def test_callables():
    rate = graph.Variable(0.5)
    model = model_of(optimizers.SGD(lambda: rate * 2))
    x = np.ones((1, 1))
    before = model.get_weights()[0].item()
    model.fit(x, x, verbose=0)
    rate.assign(0.25)
    model.fit(x, x, verbose=0)
    assert model.get_weights()[0].item() == pytest.approx(before - 1.5, rel=1e-5)


def test_callables_that_return_plain_numbers_run_eagerly():
    rates = iter([1.0, 0.5, 0.25])
    model = model_of(optimizers.SGD(lambda: next(rates)))
    x = np.ones((2, 1))
    before = model.get_weights()[0].item()
    with pytest.warns(UserWarning, match="callable `learning_rate`"):
        model.fit(x, x, batch_size=1, verbose=0)
    # The first one was asked for by the attempt to compile.
    assert model.get_weights()[0].item() == pytest.approx(before - 0.75, rel=1e-5)


def test_functions_are_named_in_configurations():
    def rate():
        return 0.125

    config = optimizers.serialize(optimizers.SGD(rate))
    again = optimizers.deserialize(config, {"rate": rate})
    assert float(again.learning_rate) == 0.125


def test_a_schedule_must_return_one_number():
    optimizer = optimizers.SGD(lambda: np.ones(2))
    with pytest.raises(ValueError, match="one number"):
        _ = optimizer.learning_rate
