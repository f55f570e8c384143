"""Several optimizers for one model."""

import numpy as np
import pytest

import hotloop
from hotloop import optimizers
from hotloop.graph import Variable


def variables():
    weights = [Variable(np.ones(2, np.float32), name=name) for name in ("w", "b")]
    weights[0].path, weights[1].path = "encoder/dense/w", "decoder/b"
    return weights


def make(**options):
    default, encoder = optimizers.SGD(1.0), optimizers.SGD(0.5, momentum=0.5, weight_decay=0.1)
    rule = optimizers.OptimizerMap(default, {"encoder/.*": encoder})
    return optimizers.MultiOptimizer(rule, **options), encoder, default


def test_each_variable_has_its_optimizer():
    weights = variables()
    optimizer, encoder, default = make(name="both")
    optimizer.apply([np.ones(2), np.ones(2)], weights)
    np.testing.assert_allclose(weights[0].numpy(), 0.95 - 0.5, rtol=1e-6)
    np.testing.assert_allclose(weights[1].numpy(), 0.0)
    assert optimizer.optimizers == [encoder, default]
    assert int(optimizer.iterations) == int(encoder.iterations) == int(default.iterations) == 1
    assert [variable.path.split("/")[-1] for variable in optimizer.variables] == [
        *("iteration", "learning_rate"),
        *("iteration", "learning_rate", "encoder_dense_w_momentum"),
        *("iteration", "learning_rate"),
    ]
    optimizer.set_weights([variable.numpy() for variable in optimizer.variables])


def test_compiled_in_a_fit(recwarn):
    default, output = optimizers.Adam(0.01), optimizers.SGD(0.1, use_ema=True)
    rule = optimizers.OptimizerMap(default)
    rule[".*output/kernel"] = output
    model = hotloop.Sequential(
        [
            hotloop.Input((3,)),
            hotloop.layers.Dense(4),
            hotloop.layers.Dense(2, name="output"),
        ]
    )
    model.compile(optimizers.MultiOptimizer(rule), "mse")
    x = np.random.default_rng(0).normal(size=(32, 3))
    losses = model.fit(x, x[:, :2], batch_size=4, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert not recwarn.list
    assert [variable.path for variable in output._trainable_variables] == [
        model.layers[-1].kernel.path
    ]
    np.testing.assert_array_equal(output.variables[2].numpy(), model.layers[-1].kernel.numpy())


def test_a_function_chooses():
    first, second = optimizers.SGD(1.0), optimizers.SGD(2.0)
    optimizer = optimizers.MultiOptimizer(lambda v: first if "encoder" in v.path else second)
    weights = variables()
    optimizer.apply([np.ones(2), np.ones(2)], weights)
    assert [float(weight.numpy()[0]) for weight in weights] == [0, -1]
    assert optimizer.optimizers == [first, second]


def test_the_loss_scale_is_everybodys():
    optimizer, encoder, default = make(loss_scale_factor=4.0)
    assert (encoder.loss_scale_factor, default.loss_scale_factor) == (4.0, 4.0)
    assert optimizer.scale_loss(1.0) == 4.0


def test_no_learning_rate():
    optimizer, *_ = make()
    with pytest.raises(AttributeError, match="has no learning rate"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="has no learning rate"):
        optimizer.learning_rate = 0.5


def test_configurations_round_trip():
    optimizer, *_ = make(name="both")
    config = optimizers.serialize(optimizer)
    again = optimizers.deserialize(config)
    assert again.get_config() == optimizer.get_config()
    weights, others = variables(), variables()
    optimizer.apply([np.ones(2), np.ones(2)], weights)
    again.apply([np.ones(2), np.ones(2)], others)
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(weight.numpy(), other.numpy())


def test_the_map_is_a_mapping():
    sgd, adam = optimizers.SGD(), optimizers.Adam()
    rule = optimizers.OptimizerMap(sgd, {"a/.*": adam})
    assert rule["a/b"] is adam
    assert rule["a"] is rule.default_optimizer is sgd
    assert (len(rule), list(rule)) == (1, ["a/.*"])
    rule[".*/b"] = sgd
    with pytest.raises(ValueError, match="Several optimizers"):
        _ = rule["a/b"]
    with pytest.raises(ValueError, match="already"):
        rule["a/.*"] = sgd
    del rule["a/.*"]
    assert rule["a/b"] is sgd


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: optimizers.OptimizerMap("sgd"), TypeError, "default_optimizer"),
        (lambda: optimizers.OptimizerMap(optimizers.SGD(), []), TypeError, "optimizer_map"),
        (lambda: optimizers.MultiOptimizer("sgd"), TypeError, "optimizer_map"),
        (lambda: make()[0].apply([np.ones(2)]), ValueError, "must already be built"),
        (lambda: make()[0].apply([np.ones(2)], variables()), ValueError, "one to one"),
        (
            lambda: optimizers.MultiOptimizer(lambda v: "sgd").build(variables()),
            ValueError,
            "Expected an Optimizer",
        ),
        (
            lambda: optimizers.MultiOptimizer(lambda v: make()[0]).build(variables()),
            ValueError,
            "cannot be one of several",
        ),
    ],
)
def test_bad_arguments(act, error, message):
    with pytest.raises(error, match=message):
        act()
