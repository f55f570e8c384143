"""Update rules, against the same rules in NumPy in double precision."""

import numpy as np
import pytest

from hotloop import constraints, graph, ops, optimizers
from hotloop.graph import Variable

SHAPES = [(4, 3), (3,)]
STEPS = 12


def gradients():
    rng = np.random.default_rng(5)
    return [[rng.normal(size=s).astype("float32") for s in SHAPES] for _ in range(STEPS)]


def variables():
    rng = np.random.default_rng(6)
    values = [rng.normal(size=s).astype("float32") for s in SHAPES]
    return [Variable(value, name=name) for value, name in zip(values, "wb", strict=True)]


# The rules: generators that take a gradient and yield what is subtracted from the variable.
def sgd(rate=0.01, momentum=0.0, nesterov=False):
    velocity, step = 0.0, None
    while True:
        g = yield step
        velocity = momentum * velocity - rate * g
        step = -(momentum * velocity - rate * g) if nesterov else -velocity


def rmsprop(rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    square = mean = pace = 0.0
    step = None
    while True:
        g = yield step
        square = rho * square + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        spread = square - mean * mean if centered else square
        pace = momentum * pace + rate * g / np.sqrt(spread + epsilon)
        step = pace


def adam(rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    m = v = top = 0.0
    step, t = None, 0
    while True:
        g = yield step
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        top = np.maximum(top, v)
        used = top if amsgrad else v
        alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        step = alpha * m / (np.sqrt(used) + epsilon)


CASES = {
    "sgd": (lambda: optimizers.SGD(0.05), lambda: sgd(0.05)),
    "momentum": (lambda: optimizers.SGD(momentum=0.9), lambda: sgd(momentum=0.9)),
    "nesterov": (
        lambda: optimizers.SGD(momentum=0.9, nesterov=True),
        lambda: sgd(momentum=0.9, nesterov=True),
    ),
    "rmsprop": (lambda: optimizers.RMSprop(), lambda: rmsprop()),
    "rmsprop_all": (
        lambda: optimizers.RMSprop(0.01, rho=0.8, momentum=0.7, epsilon=1e-3, centered=True),
        lambda: rmsprop(0.01, 0.8, 0.7, 1e-3, True),
    ),
    "adam": (lambda: optimizers.Adam(), lambda: adam()),
    "amsgrad": (
        lambda: optimizers.Adam(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, amsgrad=True),
        lambda: adam(0.01, 0.8, 0.9, 1e-3, True),
    ),
}


def expected(rule, weights):
    values = []
    for i, weight in enumerate(weights):
        steps, value = rule(), weight.numpy().astype(np.float64)
        next(steps)
        for grads in gradients():
            value = value - steps.send(grads[i].astype(np.float64))
        values.append(value)
    return values


@pytest.mark.parametrize("name", CASES)
def test_rule(name):
    make, rule = CASES[name]
    weights = variables()
    wanted = expected(rule, weights)
    optimizer = make()
    for grads in gradients():
        optimizer.apply(grads, weights)
    for weight, value in zip(weights, wanted, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, rtol=2e-5, atol=2e-6)
    assert int(optimizer.iterations) == STEPS
    assert optimizer.iterations.dtype == "int32"


@pytest.mark.parametrize("name", CASES)
def test_traced_like_eager(name):
    """One compiled step, run many times: the state is in the variables alone."""
    make, _ = CASES[name]
    eager_weights, weights = variables(), variables()
    eager, optimizer = make(), make()
    optimizer.build(weights)

    def step(*grads):
        optimizer.apply(list(grads), weights)
        return []

    program = graph.compile(graph.trace(step, [(s, "float32") for s in SHAPES]), batched=False)
    for grads in gradients():
        program.run(grads)
        eager.apply(grads, eager_weights)
    for weight, other in zip(weights, eager_weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), rtol=1e-6, atol=1e-7)
    for slot, other in zip(optimizer.variables, eager.variables, strict=True):
        np.testing.assert_allclose(slot.numpy(), other.numpy(), rtol=1e-6, atol=1e-7)


def one_step(optimizer, value, gradient, constraint=None):
    weight = Variable(np.array(value, "float32"), name="w")
    weight.constraint = constraint
    optimizer.apply([np.array(gradient, "float32")], [weight])
    return weight.numpy()


def test_clipping():
    step = one_step(optimizers.SGD(1.0, clipvalue=0.5), [0, 0], [3.0, -0.25])
    np.testing.assert_allclose(step, [-0.5, 0.25])
    step = one_step(optimizers.SGD(1.0, clipnorm=1.0), [0, 0], [3.0, -4.0])
    np.testing.assert_allclose(step, [-0.6, 0.8], rtol=1e-6)
    step = one_step(optimizers.SGD(1.0, clipnorm=10.0), [0, 0], [3.0, -4.0])
    np.testing.assert_allclose(step, [-3.0, 4.0], rtol=1e-6)
    a, b = Variable(np.zeros(1)), Variable(np.zeros(1))
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([np.array([3.0]), np.array([4.0])], [a, b])
    np.testing.assert_allclose([float(a), float(b)], [-0.6, -0.8], rtol=1e-6)


def test_weight_decay_comes_first():
    step = one_step(optimizers.SGD(0.5, weight_decay=0.1), [2.0], [1.0])
    np.testing.assert_allclose(step, [2.0 - 2.0 * 0.05 - 0.5], rtol=1e-6)


def test_adamw_decays_by_default():
    assert optimizers.AdamW().weight_decay == 0.004
    weights, others = variables(), variables()
    decayed, adam = optimizers.AdamW(0.01), optimizers.Adam(0.01, weight_decay=0.004)
    for grads in gradients():
        decayed.apply(grads, weights)
        adam.apply(grads, others)
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(weight.numpy(), other.numpy())
    with pytest.raises(ValueError, match="weight_decay"):
        optimizers.AdamW(weight_decay=None)


def test_excluded_from_weight_decay():
    kernel, bias = Variable(np.ones(1), name="kernel"), Variable(np.ones(1), name="bias")
    optimizer = optimizers.SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([np.zeros(1), np.zeros(1)], [kernel, bias])
    assert float(kernel) == pytest.approx(0.95)
    assert float(bias) == 1.0
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_constraints_come_last():
    step = one_step(optimizers.SGD(1.0), [1.0, 1.0], [3.0, -1.0], constraints.NonNeg())
    np.testing.assert_allclose(step, [0.0, 2.0])


def test_learning_rate_can_be_set():
    optimizer = optimizers.SGD(0.5)
    weight = Variable(np.zeros(1))
    optimizer.apply([np.ones(1)], [weight])
    optimizer.learning_rate = 0.25
    optimizer.apply([np.ones(1)], [weight])
    assert float(weight) == -0.75
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.learning_rate.dtype == "float32"


def test_variables_and_their_names():
    optimizer = optimizers.Adam(amsgrad=True, name="adam")
    weights = variables()
    weights[0].path = "model/dense/w"
    optimizer.build(weights)
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration",
        "adam/learning_rate",
        "adam/model_dense_w_momentum",
        "adam/model_dense_w_velocity",
        "adam/b_momentum",
        "adam/b_velocity",
        "adam/model_dense_w_velocity_hat",
        "adam/b_velocity_hat",
    ]


def test_weights_can_be_taken_over():
    first, second = optimizers.RMSprop(momentum=0.5), optimizers.RMSprop(momentum=0.5)
    with pytest.raises(ValueError, match="not yet been built"):
        second.set_weights([])
    a, b = variables(), variables()
    for grads in gradients():
        first.apply(grads, a)
    second.build(b)
    second.set_weights([v.numpy() for v in first.variables])
    for weight, other in zip(b, a, strict=True):
        weight.assign(other.numpy())
    first.apply(gradients()[0], a)
    second.apply(gradients()[0], b)
    np.testing.assert_array_equal(a[0].numpy(), b[0].numpy())
    with pytest.raises(ValueError, match="list of 1 weights"):
        second.set_weights([np.zeros(())])


def test_missing_gradients():
    weights = variables()
    with pytest.warns(UserWarning, match="Gradients do not exist for variables \\['b'\\]"):
        optimizers.SGD().apply([np.ones((4, 3)), None], weights)
    with pytest.raises(ValueError, match="No gradients"):
        optimizers.SGD().apply([None, None], weights)


def test_unknown_variables():
    optimizer = optimizers.SGD()
    with pytest.raises(ValueError, match="must already be built"):
        optimizer.apply([np.ones(1)])
    optimizer.build(variables())
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([np.ones(1)], [Variable(np.ones(1))])
    with pytest.raises(ValueError, match="1 gradients for 2 variables"):
        optimizer.apply([np.ones(1)])


def test_own_optimizer():
    class Signs(optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)

        def build(self, variables):
            super().build(variables)
            self.counts = [
                self.add_variable_from_reference(v, name="count", initializer="ones")
                for v in variables
            ]

        def update_step(self, gradient, variable, learning_rate):
            count = self.counts[self._get_variable_index(variable)]
            self.assign_add(count, ops.ones_like(gradient))
            self.assign_sub(variable, learning_rate * ops.sign(gradient))

    optimizer = Signs()
    assert optimizer.name.startswith("signs")
    weight = Variable(np.zeros(2), name="w")
    optimizer.apply_gradients([(np.array([3.0, -2.0]), weight)])
    np.testing.assert_allclose(weight.numpy(), [-0.1, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(optimizer.variables[2].numpy(), [2, 2])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, ValueError, "Only one of"),
        ({"learning_rate": "fast"}, ValueError, "learning_rate"),
        ({"learning_rate": None}, ValueError, "learning_rate"),
        ({"use_ema": True, "ema_momentum": 1.5}, ValueError, "ema_momentum"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, ValueError, "ema_overwrite_frequency"),
        ({"use_ema": True, "ema_overwrite_frequency": 2.5}, ValueError, "integer >= 1"),
        ({"gradient_accumulation_steps": 1}, ValueError, "gradient_accumulation_steps"),
        ({"gradient_accumulation_steps": 2.5}, ValueError, "integer >= 2"),
        ({"lr": 0.1}, ValueError, "lr"),
        ({"momentum": 1.5}, ValueError, "momentum"),
        ({"momentum": "much"}, ValueError, "momentum"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        optimizers.SGD(**arguments)


def test_get():
    for name in ("adam", "Adam", "ADAM"):
        assert isinstance(optimizers.get(name), optimizers.Adam)
    assert isinstance(optimizers.get("rmsprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get(optimizers.SGD), optimizers.SGD)
    optimizer = optimizers.SGD()
    assert optimizers.get(optimizer) is optimizer
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adm'\. Did you mean 'adam'"):
        optimizers.get("adm")
    with pytest.raises(ValueError, match="Could not interpret"):
        optimizers.get(abs)


@pytest.mark.parametrize("name", CASES)
def test_configurations_round_trip(name):
    optimizer = CASES[name][0]()
    optimizer.learning_rate = 0.125
    config = optimizers.serialize(optimizer)
    again = optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.125
