"""What optimizers trace is what the native core has compiled: a change of either shows here."""

import numpy as np
import pytest

from hotloop import graph, ops, optimizers
from hotloop._native import Plan


def build(optimizer, n=40, penalty=0.0):
    """A layer of ReLUs below one of `n` columns, trained on 16 rows; its variables."""
    rng = np.random.default_rng(0)
    hidden = graph.Variable(rng.normal(0, 0.1, (20, 33)).astype(np.float32), name="hidden")
    kernel = graph.Variable(rng.normal(0, 0.1, (33, n)).astype(np.float32), name="kernel")
    bias = graph.Variable(np.zeros(33, np.float32), name="bias")
    variables = [hidden, kernel, bias]
    optimizer.build(variables)

    def step(x):
        y = ops.matmul(ops.relu(ops.matmul(x, hidden) + bias), kernel)
        loss = ops.sum(ops.square(y)) * 1e-3
        if penalty:
            loss = loss + penalty * ops.sum(ops.square(hidden))
        optimizer.apply(graph.gradients(loss, [v.value for v in variables]), variables)
        return []

    executable = graph.compile(graph.trace(step, [((16, 20), "float32")]), batched=True)
    return executable, [*variables, *optimizer.variables]


def train(make, chains, **options):
    """Names of the chains of all steps of the plan, and all variables after training."""
    executable, variables = build(make(), **options)

    plans = []

    def new_plan(batch):
        plans.append(Plan(batch))
        plans[-1].chains(chains)
        return plans[-1]

    executable.use(new_plan)
    x = np.random.default_rng(1).random((96, 20), np.float32)
    x[:, :3] = 0  # pixels that are never lit
    executable.run([x], steps=6)
    return [row["chain"] for row in plans[0].profile_table()], [v.numpy() for v in variables]


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop_momentum": lambda: optimizers.RMSprop(0.01, momentum=0.9),
    "rmsprop_centered": lambda: optimizers.RMSprop(0.01, centered=True),
    "adam": lambda: optimizers.Adam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "lion_decay": lambda: optimizers.Lion(0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("chain", OPTIMIZERS)
@pytest.mark.parametrize("n", [10, 40])
def test_an_update_is_one_chain_and_gives_the_same_bits(chain, n):
    names, trained = train(OPTIMIZERS[chain], True, n=n)
    assert names.count(chain) == 3  # two kernels and a bias
    assert "bias_relu" in names
    assert "relu_mask" in names
    without, interpreted = train(OPTIMIZERS[chain], False, n=n)
    assert not any(without)
    for a, b in zip(trained, interpreted, strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


@pytest.mark.parametrize("options", [{"clipvalue": 0.001}, {"clipnorm": 1.0}])
@pytest.mark.parametrize(
    ("chain", "optimizer"), [("adam", optimizers.Adam), ("adamw", optimizers.AdamW)]
)
def test_clipping_leaves_the_chain_whole(options, chain, optimizer):
    def make():
        return optimizer(0.01, **options)

    names, trained = train(make, True)
    assert names.count(chain) == 3
    for a, b in zip(trained, train(make, False)[1], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
        lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=2),
        lambda: optimizers.Adam(0.01, loss_scale_factor=2.0),
        lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 10)),
        lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)),
    ],
    ids=["accumulation", "averages", "loss scale", "schedule", "dynamic loss scale"],
)
def test_what_all_optimizers_share_leaves_the_chain_whole(make):
    names, trained = train(make, True)
    assert names.count("adam") == 3
    for a, b in zip(trained, train(make, False)[1], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


def test_decay_leaves_the_chain_whole():
    def make():
        return optimizers.RMSprop(0.01, weight_decay=0.01)

    names, trained = train(make, True)
    assert names.count("rmsprop") == 3
    for a, b in zip(trained, train(make, False)[1], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


def test_variables_that_do_not_decay_have_the_chain_without_decay():
    def make():
        optimizer = optimizers.AdamW(0.01)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        return optimizer

    names, trained = train(make, True)
    assert (names.count("adamw"), names.count("adam")) == (2, 1)
    for a, b in zip(trained, train(make, False)[1], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))


def test_a_penalty_leaves_the_chain_whole():
    names, trained = train(OPTIMIZERS["rmsprop"], True, penalty=0.01)
    assert names.count("rmsprop") == 3
    for a, b in zip(trained, train(OPTIMIZERS["rmsprop"], False, penalty=0.01)[1], strict=True):
        np.testing.assert_array_equal(a.view(np.int32), b.view(np.int32))
