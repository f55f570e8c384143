"""Every optimizer but the first three, against its rule in double precision; and compiled."""

import numpy as np
import pytest

from hotloop import graph, optimizers
from hotloop.graph import Variable

import rules  # isort: skip

SHAPES = [(6, 4), (4,), (3, 5)]
STEPS = 15


def gradients():
    rng = np.random.default_rng(15)
    return [[rng.normal(size=s).astype("float32") for s in SHAPES] for _ in range(STEPS)]


def variables():
    rng = np.random.default_rng(16)
    values = [rng.normal(size=s).astype("float32") for s in SHAPES]
    return [Variable(value, name=name) for value, name in zip(values, "abc", strict=True)]


CASES = {
    "adamw": (lambda: optimizers.AdamW(), lambda: rules.adam(decay=0.004)),
    "adamax": (lambda: optimizers.Adamax(), rules.adamax),
    "adamax_other": (
        lambda: optimizers.Adamax(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-2),
        lambda: rules.adamax(0.01, 0.8, 0.9, 1e-2),
    ),
    "nadam": (lambda: optimizers.Nadam(), rules.nadam),
    "nadam_other": (
        lambda: optimizers.Nadam(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-2),
        lambda: rules.nadam(0.01, 0.8, 0.9, 1e-2),
    ),
    "adagrad": (lambda: optimizers.Adagrad(), rules.adagrad),
    "adagrad_other": (
        lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-2),
        lambda: rules.adagrad(0.1, 0.5, 1e-2),
    ),
    "adadelta": (lambda: optimizers.Adadelta(), rules.adadelta),
    "adadelta_other": (
        lambda: optimizers.Adadelta(1.0, rho=0.8, epsilon=1e-3),
        lambda: rules.adadelta(1.0, 0.8, 1e-3),
    ),
    "adafactor": (lambda: optimizers.Adafactor(), rules.adafactor),
    "adafactor_other": (
        lambda: optimizers.Adafactor(
            0.5, beta_2_decay=-0.5, epsilon_1=1e-3, epsilon_2=2.0, clip_threshold=0.5
        ),
        lambda: rules.adafactor(0.5, -0.5, 1e-3, 2.0, 0.5),
    ),
    "ftrl": (lambda: optimizers.Ftrl(), rules.ftrl),
    "ftrl_other": (
        lambda: optimizers.Ftrl(
            0.1,
            learning_rate_power=-0.7,
            initial_accumulator_value=0.3,
            l1_regularization_strength=0.05,
            l2_regularization_strength=0.1,
            l2_shrinkage_regularization_strength=0.2,
            beta=0.4,
        ),
        lambda: rules.ftrl(0.1, -0.7, 0.3, 0.05, 0.1, 0.2, 0.4),
    ),
    "lion": (lambda: optimizers.Lion(), rules.lion),
    "lion_other": (
        lambda: optimizers.Lion(0.01, beta_1=0.6, beta_2=0.7),
        lambda: rules.lion(0.01, 0.6, 0.7),
    ),
    "lamb": (lambda: optimizers.Lamb(), rules.lamb),
    "lamb_other": (
        lambda: optimizers.Lamb(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-2),
        lambda: rules.lamb(0.01, 0.8, 0.9, 1e-2),
    ),
    "muon": (lambda: optimizers.Muon(), rules.muon),
    "muon_other": (
        lambda: optimizers.Muon(
            0.02, momentum=0.8, nesterov=False, muon_a=2, muon_b=-1.5, muon_c=0.5
        ),
        lambda: rules.muon(0.02, 0.8, False, factors=(2, -1.5, 0.5)),
    ),
    "schedule_free": (lambda: optimizers.ScheduleFreeAdamW(), rules.schedule_free),
    "schedule_free_other": (
        lambda: optimizers.ScheduleFreeAdamW(
            0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-2, warmup_steps=7
        ),
        lambda: rules.schedule_free(0.01, 0.8, 0.9, 1e-2, 7),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rule(name):
    make, rule = CASES[name]
    weights, optimizer = variables(), make()
    values = [weight.numpy().astype(np.float64) for weight in weights]
    updates = [rule() for _ in weights]
    for update in updates:
        next(update)
    for grads in gradients():
        optimizer.apply(grads, weights)
        values = [
            update.send((grad.astype(np.float64), value))
            for update, grad, value in zip(updates, grads, values, strict=True)
        ]
    for weight, value in zip(weights, values, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, rtol=5e-5, atol=5e-6)
    assert int(optimizer.iterations) == STEPS


SHARED = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "ema": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4},
    "accumulation": {"gradient_accumulation_steps": 3, "loss_scale_factor": 2.0},
    "schedule": {"learning_rate": optimizers.schedules.CosineDecay(0.1, 10)},
}
CLASSES = [
    *("SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Adafactor"),
    *("Ftrl", "Lion", "Lamb", "Muon", "ScheduleFreeAdamW"),
]


@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("name", CLASSES)
def test_traced_like_eager(name, shared):
    """One compiled step, run many times: the state is in the variables alone."""
    eager_weights, weights = variables(), variables()
    cls = getattr(optimizers, name)
    eager, optimizer = cls(**SHARED[shared]), cls(**SHARED[shared])
    optimizer.build(weights)

    def step(*grads):
        optimizer.apply(list(grads), weights)
        return []

    program = graph.compile(graph.trace(step, [(s, "float32") for s in SHAPES]), batched=False)
    for grads in gradients():
        program.run(grads)
        eager.apply(grads, eager_weights)
    for weight, other in zip(weights, eager_weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)
    for slot, other in zip(optimizer.variables, eager.variables, strict=True):
        np.testing.assert_allclose(slot.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("adafactor")])
def test_configurations_round_trip(name):
    optimizer = CASES[name][0]()
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    weights, others = variables(), variables()
    for grads in gradients()[:2]:
        optimizer.apply(grads, weights)
        again.apply(grads, others)
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(weight.numpy(), other.numpy())


@pytest.mark.parametrize("name", CLASSES)
def test_names(name):
    for written in (name, name.lower(), name.upper()):
        assert type(optimizers.get(written)) is getattr(optimizers, name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Lion(beta_1=0), "beta_1"),
        (lambda: optimizers.Lion(beta_1=1.5), "beta_1"),
        (lambda: optimizers.Ftrl(initial_accumulator_value=-1), "initial_accumulator_value"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1), "l1_regularization_strength"),
        (lambda: optimizers.Ftrl(l2_regularization_strength=-1), "l2_regularization_strength"),
        (
            lambda: optimizers.Ftrl(l2_shrinkage_regularization_strength=-1),
            "l2_shrinkage_regularization_strength",
        ),
        (lambda: optimizers.Muon().zeropower_via_newtonschulz5(np.ones(3), 5), "2 axes"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_muon_trains_matrices_only():
    output, embedding = Variable(np.ones((2, 2))), Variable(np.ones((2, 2)))
    output.path, embedding.path = "model/output/kernel", "model/Embedding/embeddings"
    weights = [Variable(np.ones((2, 2))), Variable(np.ones(2)), output, embedding]
    optimizer = optimizers.Muon(exclude_layers=["output"])
    optimizer.build(weights)
    assert [slot is not None for slot in optimizer.adam_velocities] == [False, True, True, True]
    optimizer = optimizers.Muon(exclude_embeddings=False)
    optimizer.build(weights)
    assert [slot is not None for slot in optimizer.adam_velocities] == [False, True, False, False]


def test_adafactor_keeps_rows_and_columns():
    optimizer = optimizers.Adafactor()
    optimizer.build([Variable(np.ones((2, 3, 4)), name="w"), Variable(np.ones(5), name="b")])
    shapes = [slot.shape for slot in optimizer.variables[2:]]
    assert shapes == [(2, 3), (2, 4), (2, 3, 4), (), (), (5,)]
