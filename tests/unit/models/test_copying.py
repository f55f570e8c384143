"""copy.deepcopy, copy.copy and pickle of models and of what they are made of."""

import copy
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import hotloop
from hotloop import layers, losses, metrics, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype("float32")
Y = RNG.normal(size=(24, 2)).astype("float32")

COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


def scaled_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * 0.5


class Block(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = [layers.Dense(units), {"last": layers.Dense(units, use_bias=False)}]
        self.pair = (layers.Dropout(0.1), [1, 2])

    def call(self, x):
        return x + self.inner[1]["last"](self.pair[0](self.inner[0](x)))


class Net(hotloop.Model):
    def __init__(self):
        super().__init__()
        self.block = Block(6)
        self.out = layers.Dense(2)

    def call(self, x, training=None):
        return self.out(self.block(x, training=training))


class Halved(hotloop.Model):
    """A functional model whose class overrides something."""

    def compute_loss(self, *args, **kwargs):
        return super().compute_loss(*args, **kwargs) * 0.5


def sequential():
    return hotloop.Sequential(
        [
            hotloop.Input((6,)),
            layers.Dense(5, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.Dropout(0.2),
            layers.Dense(2),
        ]
    )


def unbuilt():
    return hotloop.Sequential([layers.Dense(3), layers.Dense(2)])


def functional():
    x = hotloop.Input((6,))
    shared = layers.Dense(6, "tanh")
    y = shared(shared(x)) + ops.relu(x) * 2.0
    y = ops.concatenate([y, layers.BatchNormalization()(x)], axis=1)
    y = sequential_of_twelve()(y)
    return hotloop.Model(x, y)


def sequential_of_twelve():
    return hotloop.Sequential([hotloop.Input((12,)), Block(12), layers.Dense(2)])


def halved():
    x = hotloop.Input((6,))
    return Halved(x, layers.Dense(2)(x))


MODELS = {f.__name__: f for f in (sequential, unbuilt, functional, halved, Net)}
OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(0.01),
    "sgd": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.01),
}


def train(model, epochs=1):
    hotloop.utils.set_random_seed(11)
    return model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0).history


def same(a, b):
    for v, w in zip(a, b, strict=True):
        np.testing.assert_array_equal(v, w)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("model", MODELS)
def test_a_copy_trains_on_like_its_original(model, how):
    hotloop.utils.set_random_seed(3)
    model = MODELS[model]()
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae", scaled_error])
    train(model)
    before = model.get_weights()
    twin = COPIES[how](model)
    assert type(twin) is type(model)
    assert (twin.name, twin.built, twin.compiled) == (model.name, True, True)
    assert [v.path for v in twin.weights] == [v.path for v in model.weights]
    assert not {id(v) for v in twin.variables} & {id(v) for v in model.variables}
    same(twin.get_weights(), before)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    assert twin.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)

    history = train(twin, epochs=2)
    same(model.get_weights(), before)  # the original has not moved
    assert history == train(model, epochs=2)
    same(twin.get_weights(), model.get_weights())
    same(
        [v.numpy() for v in twin.optimizer.variables],
        [v.numpy() for v in model.optimizer.variables],
    )


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("model", MODELS)
def test_a_model_that_was_never_used(model, how):
    hotloop.utils.set_random_seed(3)
    model = MODELS[model]()
    twin = COPIES[how](model)
    assert not twin.compiled
    assert twin.built == model.built
    twin.compile("adam", "mse")
    model.compile("adam", "mse")
    if model.built:
        assert train(twin) == train(model)
    else:
        train(twin)
        assert not model.built


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_copies_know_the_copied_weights(name, how):
    hotloop.utils.set_random_seed(3)
    model = sequential()
    optimizer = OPTIMIZERS[name]()
    optimizer.exclude_from_weight_decay(var_list=[model.weights[0]], var_names=["bias"])
    model.compile(optimizer, "mse")
    twin = COPIES[how](model)  # before it is built
    assert train(twin) == train(model)
    twin = COPIES[how](model)
    assert train(twin) == train(model)
    same(twin.get_weights(), model.get_weights())


def test_functional_copies_are_graphs_of_their_own():
    model = functional()
    twin = copy.deepcopy(model)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert twin.input_names == model.input_names
    mine = {id(layer) for layer in model._flatten_layers()}
    assert not mine & {id(layer) for layer in twin._flatten_layers()}
    # The graph can be built upon.
    top = hotloop.Model(twin.input, layers.Dense(1)(twin.output))
    assert top(X).shape == (24, 1)
    norm = next(x for x in twin.layers if isinstance(x, layers.BatchNormalization))
    part = hotloop.Model(twin.input, norm.output)
    assert part(X).shape == (24, 6)
    for old, new in zip(model.layers, twin.layers, strict=True):
        assert len(new.nodes) >= 1
        assert {node.operation for node in new.nodes} == {new}
        assert old is not new
    assert twin.get_config() == model.get_config()


def test_models_that_share_layers_share_them_after_copying_together():
    x = hotloop.Input((6,))
    code = layers.Dense(3, name="code")(x)
    encoder = hotloop.Model(x, code)
    whole = hotloop.Model(x, layers.Dense(6)(code))
    for how in (copy.deepcopy, COPIES["pickle"]):
        first, second = how((encoder, whole))
        assert first.get_layer("code") is second.get_layer("code")
        assert len(first.get_layer("code").nodes) == 1
        second.get_layer("code").kernel.assign(np.ones((6, 3), "float32"))
        np.testing.assert_array_equal(first.get_weights()[0], np.ones((6, 3)))


def test_a_sequential_copy_takes_more_layers():
    for how in COPIES.values():
        twin = how(sequential())
        twin.add(layers.Dense(4))
        assert twin(X).shape == (24, 4)
        twin.pop()
        assert twin(X).shape == (24, 2)


def test_tracking_goes_on_in_copies():
    block = Block(6)
    block(X)
    twin = copy.deepcopy(block)
    assert len(twin.weights) == len(block.weights) == 3
    assert twin._layers[0] is twin.inner[0]
    twin._unlock_state()
    twin.inner.append(layers.Dense(2))
    assert len(twin._layers) == len(block._layers) + 1
    assert twin.pair[1] == [1, 2]


def test_very_deep_models():
    x = y = hotloop.Input((2,))
    for _ in range(600):
        y = layers.Dense(2)(y)
    model = hotloop.Model(x, y)
    for twin in (COPIES["pickle"](model), copy.deepcopy(model)):
        same(twin.get_weights(), model.get_weights())
        assert len(twin.layers) == 601


@pytest.mark.parametrize("how", COPIES)
def test_layers_alone(how):
    for layer in (layers.Dense(3, "relu"), layers.Dropout(0.5, seed=1), Block(6)):
        layer(X)
        twin = COPIES[how](layer)
        np.testing.assert_array_equal(twin(X), layer(X))
        assert twin.get_config() == layer.get_config()
        if layer.weights:
            twin.weights[0].assign(twin.weights[0].numpy() + 1)
            assert not np.array_equal(twin.weights[0].numpy(), layer.weights[0].numpy())
    # A layer of a model leaves the model behind.
    model = functional()
    twin = COPIES[how](model.layers[1])
    assert twin.nodes == []
    assert len(pickle.dumps(model.layers[1])) < 3000


@pytest.mark.parametrize("how", COPIES)
def test_metrics_losses_schedules_and_generators(how):
    metric = metrics.MeanMetricWrapper(scaled_error, name="m")
    one, three = np.ones((1, 1), "float32"), np.full((1, 1), 3.0, "float32")
    metric.update_state(one, three)
    twin = COPIES[how](metric)
    assert float(twin.result()) == float(metric.result()) == 2.0
    twin.update_state(one, one)
    assert (float(twin.result()), float(metric.result())) == (1.0, 2.0)
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    assert COPIES[how](loss).get_config() == loss.get_config()
    generator = hotloop.random.SeedGenerator(5)
    generator.next()
    np.testing.assert_array_equal(COPIES[how](generator).next(), generator.next())


@pytest.mark.parametrize("how", COPIES)
def test_variables(how):
    variable = layers.Dense(3, kernel_regularizer="l1", kernel_constraint="non_neg")
    variable.build((None, 40))
    variable = variable.kernel
    variable.storage("panel")
    twin = COPIES[how](variable)
    np.testing.assert_array_equal(twin.numpy(), variable.numpy())
    assert (twin.name, twin.path, twin.dtype, twin.trainable) == (
        variable.name,
        variable.path,
        "float32",
        True,
    )
    assert type(twin.regularizer) is type(variable.regularizer)
    assert type(twin.constraint) is type(variable.constraint)
    twin.assign(np.zeros(twin.shape, "float32"))
    assert variable.numpy().any()


def test_other_protocols_and_copies_of_copies():
    model = functional()
    model.compile("adam", "mse")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = model
        for _ in range(3):
            twin = copy.deepcopy(pickle.loads(pickle.dumps(twin, protocol=protocol)))
        same(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_one_variable_in_two_places_stays_one():
    variable = hotloop.Variable(1.0)
    for how in (copy.deepcopy, COPIES["pickle"]):
        a, b = how([variable, variable])
        assert a is b


def test_copying_inside_a_callback():
    kept = []
    keep = hotloop.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append((copy.deepcopy(model), pickle.dumps(model)))
    )
    model = sequential()
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[keep])
    same(kept[1][0].get_weights(), model.get_weights())
    same(pickle.loads(kept[1][1]).get_weights(), model.get_weights())
    assert not np.array_equal(kept[0][0].get_weights()[0], model.get_weights()[0])
    for twin in (kept[0][0], pickle.loads(kept[0][1])):
        train(twin)


def test_another_process_goes_on(tmp_path):
    """Classes are found by their names; what they were changed into is done there again."""
    module = tmp_path / "of_the_user.py"
    module.write_text(
        textwrap.dedent(
            """
            import hotloop

            class Halved(hotloop.Model):
                def compute_loss(self, *args, **kwargs):
                    return super().compute_loss(*args, **kwargs) * 0.5
            """
        )
    )
    make = """
import pickle, sys, numpy as np
sys.path.insert(0, {folder!r})
import hotloop, of_the_user
x = hotloop.Input((6,))
model = of_the_user.Halved(x, hotloop.layers.Dense(2)(hotloop.ops.relu(x)))
model.compile("adam", "mse", metrics=["mae"])
X = np.linspace(-1, 1, 48, dtype="float32").reshape(8, 6)
model.fit(X, X[:, :2], verbose=0)
"""
    go_on = """
model.fit(X, X[:, :2], epochs=3, shuffle=False, verbose=0)
print(b"".join(w.tobytes() for w in model.get_weights()).hex())
"""
    write = "pickle.dump((model, X), open({folder!r} + '/m.pkl', 'wb'))\n"
    read = """
import pickle, sys
sys.path.insert(0, {folder!r})
model, X = pickle.load(open({folder!r} + "/m.pkl", "rb"))
"""

    def run(code):
        code = code.replace("{folder!r}", repr(str(tmp_path)))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
        )
        return done.stdout

    assert run(make + write + go_on) == run(read + go_on)
