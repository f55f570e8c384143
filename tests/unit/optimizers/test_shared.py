"""What all optimizers share: averages, accumulation, scaling, state, subclasses."""

import numpy as np
import pytest

import hotloop
from hotloop import constraints, graph, ops, optimizers
from hotloop.graph import Variable


def ones(*gradients):
    return [np.full(1, gradient, np.float32) for gradient in gradients]


def follow(optimizer, gradients, value=0.0):
    """The values of a variable over single steps."""
    weight = Variable(np.full(1, value, np.float32), name="w")
    optimizer.build([weight])
    values = []
    for gradient in gradients:
        optimizer.apply(ones(gradient), [weight])
        values.append(float(weight.numpy()[0]))
    return values


def test_accumulation():
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=3)
    values = follow(optimizer, [3.0, 6.0, 9.0, 1.0, 1.0, 4.0])
    np.testing.assert_allclose(values, [0, 0, -6, -6, -6, -8], rtol=1e-6)
    assert int(optimizer.iterations) == 2
    assert int(optimizer.variables[0]) == 6


def test_accumulation_leaves_all_state_alone_in_between():
    weights = [Variable(np.ones((2, 2)), name="w")]
    optimizer = optimizers.Nadam(0.1, gradient_accumulation_steps=2, weight_decay=0.1)
    optimizer.build(weights)
    before = [variable.numpy() for variable in optimizer.variables]
    optimizer.apply([np.ones((2, 2))])
    changed = [
        variable.path
        for variable, value in zip(optimizer.variables, before, strict=True)
        if not np.array_equal(variable.numpy(), value)
    ]
    assert changed == [f"{optimizer.name}/iteration", f"{optimizer.name}/w_gradient_accumulator"]
    np.testing.assert_array_equal(weights[0].numpy(), np.ones((2, 2)))


def test_clipping_comes_after_accumulation():
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2, clipvalue=1.0)
    np.testing.assert_allclose(follow(optimizer, [4.0, -2.0]), [0, -1])


def test_a_broken_step_in_between_counts():
    """NaN in one of the gradients is NaN in their mean, as it should be."""
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    values = follow(optimizer, [np.nan, 1.0, 1.0, 1.0])
    assert values[0] == 0
    assert np.isnan(values[1:]).all()


def test_averages():
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    assert follow(optimizer, [-1, -1, -2]) == [1, 2, 4]
    average = optimizer.variables[2]
    assert average.path.endswith("w_average")
    np.testing.assert_allclose(average.numpy(), [0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 4])
    weight = optimizer._trainable_variables[0]
    optimizer.finalize_variable_values([weight])
    np.testing.assert_array_equal(weight.numpy(), average.numpy())
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.finalize_variable_values([Variable(np.ones(1))])


def test_averages_overwrite():
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    # averages: 1, then (1 + 2) / 2, which the weight becomes; (1.5 + 2.5) / 2, (2 + 3.5) / 2
    assert follow(optimizer, [-1, -1, -1, -1]) == [1, 1.5, 2.5, 2.75]


def test_no_averages_without_use_ema():
    optimizer = optimizers.SGD(1.0)
    follow(optimizer, [1])
    optimizer.finalize_variable_values([Variable(np.ones(1))])


def test_fit_ends_with_the_averages():
    model = hotloop.Sequential([hotloop.Input((1,)), hotloop.layers.Dense(1)])
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, "mse")
    x = np.arange(8, dtype="float32").reshape(-1, 1)
    model.fit(x, x, batch_size=2, epochs=2, verbose=0)
    for weight, average in zip(model.weights, optimizer.variables[2:4], strict=True):
        np.testing.assert_array_equal(weight.numpy(), average.numpy())


def test_constraints_come_after_averages():
    weight = Variable(np.ones(1, np.float32), name="w")
    weight.constraint = constraints.NonNeg()
    optimizer = optimizers.SGD(1.0, use_ema=True)
    optimizer.apply(ones(3.0), [weight])
    assert float(weight.numpy()[0]) == 0
    assert float(optimizer.variables[2].numpy()[0]) == -2


def test_loss_scale():
    optimizer = optimizers.SGD(1.0, loss_scale_factor=4.0, clipvalue=1.0)
    assert optimizer.scale_loss(2.0) == 8.0
    assert follow(optimizer, [2.0]) == [-0.5]
    assert optimizers.SGD().scale_loss(2.0) == 2.0


def test_fit_scales_the_loss_but_does_not_report_it_scaled():
    results = []
    for factor in (None, 1024.0):
        hotloop.utils.set_random_seed(1)
        model = hotloop.Sequential([hotloop.Input((3,)), hotloop.layers.Dense(2)])
        model.compile(optimizers.SGD(0.1, loss_scale_factor=factor), "mse")
        x = np.random.default_rng(0).normal(size=(16, 3))
        history = model.fit(x, x[:, :2], batch_size=4, verbose=0)
        results.append((history.history["loss"], model.get_weights()[0]))
    np.testing.assert_array_equal(results[0][0], results[1][0])  # a power of two changes no bits
    np.testing.assert_array_equal(results[0][1], results[1][1])


# LossScaleOptimizer


def loss_scaler(**options):
    return optimizers.LossScaleOptimizer(optimizers.SGD(1.0), initial_scale=8.0, **options)


def test_the_loss_scale_adapts():
    optimizer = loss_scaler(dynamic_growth_steps=2)
    assert optimizer.scale_loss(2.0) == 16.0
    # 8, grown to 16, halved to 8, again to 4; each step is -gradient / scale
    values = follow(optimizer, [8, 8, np.inf, np.nan, 4])
    assert values == [-1, -2, -2, -2, -3]
    assert int(optimizer.iterations) == 3
    assert float(optimizer.dynamic_scale) == 4
    assert int(optimizer.step_counter) == 1
    assert float(optimizer.scale_loss(2.0)) == 8.0


def test_the_loss_scale_compiles():
    eager, optimizer = loss_scaler(dynamic_growth_steps=2), loss_scaler(dynamic_growth_steps=2)
    gradients = [8, 8, np.inf, np.nan, 4, 4, 2]
    expected = follow(eager, gradients)
    weight = Variable(np.zeros(1, np.float32), name="w")
    optimizer.build([weight])

    def step(gradient):
        optimizer.apply([gradient], [weight])
        return []

    program = graph.compile(graph.trace(step, [((1,), "float32")]), batched=False)
    for gradient, value in zip(gradients, expected, strict=True):
        program.run(ones(gradient))
        assert float(weight.numpy()[0]) == value
    for one, other in zip(optimizer.variables, eager.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_the_loss_scale_hands_on():
    inner = optimizers.SGD(0.5, weight_decay=0.1, loss_scale_factor=3.0)
    optimizer = optimizers.LossScaleOptimizer(inner)
    assert inner.loss_scale_factor is None
    optimizer.exclude_from_weight_decay(var_names=["w"])
    optimizer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25
    with pytest.raises(ValueError, match="must already be built"):
        optimizer.apply(ones(1))
    follow(optimizer, [0.0], value=1.0)
    assert float(inner._trainable_variables[0].numpy()[0]) == 1
    names = [variable.path.split("/")[-1] for variable in optimizer.variables]
    assert names == [
        *("iteration", "learning_rate", "step_counter", "dynamic_scale"),
        *("iteration", "learning_rate"),
    ]
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert again.inner_optimizer.get_config()["weight_decay"] == 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dynamic": False}, ValueError, "dynamic=False"),
        ({"weight_decay": 0.1}, ValueError, "set `weight_decay` on the `inner_optimizer`"),
        ({"speed": 0.1}, ValueError, "speed"),
        ({"inner_optimizer": "sgd"}, TypeError, "inner_optimizer"),
    ],
)
def test_bad_arguments_of_the_loss_scale(arguments, error, message):
    with pytest.raises(error, match=message):
        optimizers.LossScaleOptimizer(**{"inner_optimizer": optimizers.SGD(), **arguments})


# State


def test_stateless_apply_changes_nothing():
    weight = Variable(np.ones(2, np.float32), name="w")
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match="must be built"):
        optimizer.stateless_apply([], [], [])
    optimizer.build([weight])
    own = [variable.numpy() for variable in optimizer.variables]
    gradient = np.array([1.0, 2.0], np.float32)
    trained, state = optimizer.stateless_apply(own, [gradient], [np.zeros(2, np.float32)])
    np.testing.assert_allclose(trained[0].numpy(), [-0.5, -1.0])
    np.testing.assert_allclose(state[2].numpy(), [-0.5, -1.0])
    assert int(state[0]) == 1
    np.testing.assert_array_equal(weight.numpy(), [1, 1])
    for variable, value in zip(optimizer.variables, own, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    with pytest.raises(ValueError, match="optimizer_variables"):
        optimizer.stateless_apply(own[1:], [gradient], [gradient])
    with pytest.raises(ValueError, match="trainable_variables"):
        optimizer.stateless_apply(own, [gradient], [])


def test_stateless_apply_compiles():
    weight = Variable(np.ones(2, np.float32), name="w")
    optimizer = optimizers.Adam(0.5)
    optimizer.build([weight])
    own = [variable.numpy() for variable in optimizer.variables]

    def step(gradient, value):
        trained, state = optimizer.stateless_apply(own, [gradient], [value])
        return [*trained, *state]

    trace = graph.trace(step, [((2,), "float32")] * 2)
    assert not trace.updates
    arrays = [np.array([1.0, -2.0], np.float32), np.zeros(2, np.float32)]
    outputs = [np.empty(t.shape, t.dtype) for t in trace.outputs]
    graph.compile(trace, batched=False).run(arrays, outputs=outputs)
    trained, _ = optimizer.stateless_apply(own, arrays[:1], arrays[1:])
    np.testing.assert_allclose(outputs[0], trained[0].numpy(), rtol=1e-6)


def test_variables_are_saved_and_loaded():
    first, second, store = optimizers.Adam(), optimizers.Adam(), {}
    follow(first, [1.0, 2.0])
    first.save_own_variables(store)
    assert sorted(store) == [str(i) for i in range(4)]
    with pytest.warns(UserWarning, match="not been built"):
        second.load_own_variables(store)
    follow(second, [])
    second.load_own_variables(store)
    for variable, other in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy())
    with pytest.raises(ValueError, match="w_velocity"):
        second.load_own_variables({**store, "3": np.zeros(5)})


def test_an_error_in_a_step_changes_nothing():
    class Breaks(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)
            if variable.name == "second":
                raise RuntimeError("out of luck")

    variables = [Variable(np.zeros(1), name="first"), Variable(np.zeros(1), name="second")]
    optimizer = Breaks(1.0, momentum=0.9)
    with pytest.raises(RuntimeError, match="out of luck"):
        optimizer.apply(ones(1, 1), variables)
    assert [float(variable.numpy()[0]) for variable in variables] == [0, 0]
    assert int(optimizer.iterations) == 0


def test_gradients_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        optimizers.SGD().apply([np.ones(3)], [Variable(np.ones((2, 3)))])


def test_no_gradients_at_all():
    optimizer = optimizers.SGD()
    optimizer.apply([], [])
    assert int(optimizer.iterations) == 0


def test_numbers_set_after_compiling_count():
    model = hotloop.Sequential([hotloop.Input((1,)), hotloop.layers.Dense(1, use_bias=False)])
    optimizer = optimizers.SGD(1.0)
    model.compile(optimizer, lambda y_true, y_pred: y_pred)
    x = np.ones((1, 1))
    model.fit(x, x, verbose=0)
    before = model.get_weights()[0].item()
    optimizer.clipvalue = 0.25
    model.fit(x, x, verbose=0)
    assert model.get_weights()[0].item() == pytest.approx(before - 0.25, rel=1e-5)


def test_a_new_rate_needs_no_new_plan():
    model = hotloop.Sequential([hotloop.Input((1,)), hotloop.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.ones((1, 1))
    model.fit(x, x, verbose=0)
    plans = dict(model._trainer.plans._plans)
    model.optimizer.learning_rate = 0.5
    model.fit(x, x, verbose=0)
    assert dict(model._trainer.plans._plans) == plans


@pytest.mark.parametrize("name", ["SGD", "Nadam", "Muon", "Adafactor"])
def test_optimizers_of_a_models_own_step(name, recwarn):
    """Built by the first compiled step; changes of their numbers and rates count as well."""

    class Two(hotloop.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = hotloop.layers.Dense(4), hotloop.layers.Dense(2)

        def call(self, x):
            return self.last(self.first(x))

        def compile(self, one, other, **kwargs):
            super().compile(loss="mse", **kwargs)
            self.both = {"one": one, "other": other}

        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            first, last = self.first.trainable_variables, self.last.trainable_variables
            grads = hotloop.gradients(loss, [*first, *last])
            self.both["one"].apply(grads[:2], first)
            self.both["other"].apply_gradients(zip(grads[2:], last, strict=True))
            return {"it": loss}

    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    results = []
    for eager in (False, True):
        hotloop.utils.set_random_seed(0)
        model = Two()
        one, other = (getattr(optimizers, name)(rate) for rate in (0.01, 0.02))
        model.compile(one, other, run_eagerly=eager)
        model.fit(x, x[:, :2], batch_size=4, verbose=0)
        before = model.last.get_weights()[0]
        one.weight_decay = 0.5
        other.learning_rate = optimizers.schedules.PiecewiseConstantDecay([8], [0.0, 0.0])
        model.fit(x, x[:, :2], batch_size=4, verbose=0)
        np.testing.assert_array_equal(model.last.get_weights()[0], before)
        results.append(model.first.get_weights()[0])
        assert int(one.iterations) == 16
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-6)
    assert not recwarn.list


# Subclasses


def test_variables_in_attributes_are_found():
    class Counts(optimizers.SGD):
        def build(self, variables):
            super().build(variables)
            self.total = Variable(0.0, trainable=False, name="total")
            self.parts = [Variable(np.zeros(2), trainable=False, name="part")]
            self.known = {"weights": list(variables)}

        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)
            self.assign_add(self.total, ops.sum(ops.abs(gradient)))

    optimizer = Counts(1.0)
    follow(optimizer, [1.0, -3.0])
    names = [variable.path.split("/")[-1] for variable in optimizer.variables]
    assert names == ["iteration", "learning_rate", "total", "part"]
    assert float(optimizer.total) == 4


def test_super_init_comes_first():
    class Forgets(optimizers.Optimizer):
        def __init__(self):
            self.momentum = 0.9

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgets()


def test_update_step_must_be_there():
    class Nothing(optimizers.Optimizer):
        pass

    with pytest.raises(NotImplementedError, match="update_step"):
        follow(Nothing(0.1), [1.0])


def test_a_subclass_of_keras_guide_is_compiled(recwarn):
    class Momentum(optimizers.Optimizer):
        def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            super().build(variables)
            self.momentums = []
            for variable in variables:
                self.momentums.append(
                    self.add_variable_from_reference(reference_variable=variable, name="momentum")
                )

        def update_step(self, gradient, variable, learning_rate):
            learning_rate = ops.cast(learning_rate, variable.dtype)
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m * self.momentum - ops.multiply(gradient, learning_rate))
            self.assign_add(variable, m)

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    results = []
    for make in (Momentum, lambda rate: optimizers.SGD(rate, momentum=0.9)):
        hotloop.utils.set_random_seed(0)
        model = hotloop.Sequential([hotloop.Input((4,)), hotloop.layers.Dense(3)])
        model.compile(make(0.05), "mse")
        x = np.random.default_rng(2).normal(size=(20, 4))
        model.fit(x, x[:, :3], batch_size=4, epochs=3, verbose=0)
        results.append(model.get_weights()[0])
    np.testing.assert_allclose(*results, rtol=1e-6)
    assert not recwarn.list
    config = optimizers.serialize(Momentum(0.25, use_ema=True))
    again = optimizers.deserialize(config, {"Momentum": Momentum})
    assert again.get_config() == config["config"]
