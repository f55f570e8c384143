"""Small calls remember what served the last one: that must never show."""

import gc
import os
import threading

import numpy as np
import pytest

import hotloop as keras
from hotloop import layers, ops

RNG = np.random.default_rng(5)
X = RNG.normal(size=(8, 6)).astype("float32")
Y = RNG.integers(0, 3, 8)


def small(*extra):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5, "tanh"), layers.Dense(3), *extra])
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return model


def expected(model, x=X):
    (w1, b1, w2, b2) = model.get_weights()[:4]
    return np.tanh(x @ w1 + b1) @ w2 + b2


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


class Times(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


CALLS = {
    "call": lambda model, x: model(x).numpy(),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
}


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


def wide(rows):
    """A model and rows, mostly zeros, that are multiplied by lists of their nonzeros."""
    rng = np.random.default_rng(3)
    x = rng.random((rows, 96), dtype="float32")
    x[rng.random(x.shape) < 0.9] = 0
    x[:, 11] = 0
    model = keras.Sequential([keras.Input((96,)), layers.Dense(64), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model, x


@pytest.mark.parametrize("rows", [1, 5, 20])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_finite_no_more_are_seen(call, rows, value):
    """Zeros are left out only as long as no weight makes a NaN of them."""
    model, x = wide(rows)
    kernel = model.layers[0].kernel
    for _ in range(3):
        assert np.isfinite(call(model, x)).all()
    weights = kernel.numpy()
    weights[11, 3] = value
    kernel.assign(weights)
    for _ in range(3):
        assert np.isnan(call(model, x)).all()
    weights[11, 3] = 0
    kernel.assign(weights)
    assert np.isfinite(call(model, x)).all()
    # Training changes weights too: with these targets all become infinite or NaN.
    model.train_on_batch(np.ones_like(x), np.full((rows, 2), np.inf, "float32"))
    assert not np.isfinite(kernel.numpy()[11]).any()
    assert np.isnan(call(model, x)).all()


def test_new_weights_are_seen(call):
    model = small()
    close(call(model, X), expected(model))
    model.set_weights([2 * w + 0.5 for w in model.get_weights()])
    close(call(model, X), expected(model))
    model.train_on_batch(X, Y)
    close(call(model, X), expected(model))


def test_other_shapes_dtypes_and_strides(call):
    model = small()
    for x in (X, X[:1], X[::2], X.astype("float64"), np.asfortranarray(X), (9 * X).astype(int), X):
        close(call(model, x), expected(model, x.astype("float32")))


def test_results_are_not_overwritten(call):
    model = small()
    first = call(model, X)
    kept = first.copy()
    call(model, X + 1)
    np.testing.assert_array_equal(first, kept)


def test_layers_added_and_popped(call):
    model = small()
    call(model, X)
    model.add(layers.ReLU())
    close(call(model, X), np.maximum(expected(model), 0))
    model.pop()
    close(call(model, X), expected(model))


def test_a_variable_in_another_layout(call):
    model = small()
    call(model, X)
    (kernel, _) = model.layers[0].weights
    before = kernel.numpy()
    kernel.storage("row")
    np.testing.assert_array_equal(kernel.numpy(), before)
    close(call(model, X), expected(model))
    kernel.assign(before + 1)
    close(call(model, X), expected(model))


def test_training_mode_of_a_call():
    model = small(layers.Dropout(0.5))
    calm = model(X).numpy()
    assert (model(X, training=True).numpy() == 0).any()
    np.testing.assert_array_equal(model(X, training=False).numpy(), calm)
    np.testing.assert_array_equal(model(X).numpy(), calm)
    # Every call draws anew.
    assert (model(X, training=True).numpy() != model(X, training=True).numpy()).any()


def test_a_call_returns_the_same_kind_of_tensor_every_time():
    inputs = keras.Input((6,))
    for outputs in (layers.Dense(3)(inputs), ops.greater(inputs, 0.0)):
        model = keras.Model(inputs, outputs)
        first, *others = [model(X) for _ in range(4)]
        slots = [name for name in type(first).__slots__ if hasattr(first, name)]
        for tensor in others:
            assert type(tensor) is type(first)
            assert [name for name in type(tensor).__slots__ if hasattr(tensor, name)] == slots
            assert tensor.shape == first.shape
            assert tensor.dtype == first.dtype == tensor.numpy().dtype.name
            np.testing.assert_array_equal(tensor.numpy(), first.numpy())
            assert tensor.concrete
        total = others[0] + 1 if first.dtype == "float32" else ops.logical_not(others[0])
        assert total.shape == first.shape


def test_wrong_inputs_are_refused_as_at_first():
    model = small()
    wrong = [
        X[:, :5],
        X[0],
        X[None],
        X.astype(complex),
        np.array([["a"] * 6]),
        [X.tolist(), X.tolist()],
        None,
    ]

    def errors():
        said = []
        for value in wrong:
            with pytest.raises(Exception) as caught:
                model(value)
            said.append((type(caught.value), str(caught.value)))
        return said

    first = errors()
    close(model(X).numpy(), expected(model))
    assert errors() == first
    close(model(X).numpy(), expected(model))


def test_calls_inside_scopes_are_not_repeats():
    model = small()
    for _ in range(3):
        model(X)
        with keras.graph.Scope(symbolic=True):
            assert model(X).inputs  # a graph, to be differentiated
        with keras.graph.Scope(symbolic=False):
            assert model(X).inputs
        assert not model(X).inputs


def test_run_eagerly_after_compiled_calls():
    seen = []

    class Watched(layers.Layer):
        def call(self, inputs):
            seen.append(isinstance(inputs, keras.graph.Tensor) and inputs.concrete)
            return inputs

    model = small(Watched())
    model(X), model(X)
    count = len(seen)
    model(X)
    assert len(seen) == count
    model.run_eagerly = True
    close(model(X).numpy(), expected(model))
    assert len(seen) == count + 1
    assert seen[-1]


def test_calls_inside_another_function_are_traced():
    inner = small()
    inner(X)
    outer = keras.Sequential([keras.Input((6,)), inner, layers.ReLU()])
    close(outer(X).numpy(), np.maximum(expected(inner), 0))
    with keras.graph.Scope(symbolic=False):
        weights = inner.trainable_variables
        loss = ops.sum(inner(X))
        grads = keras.graph.gradients(loss, [v.value for v in weights])
    close(grads[-1].numpy(), [8, 8, 8])


def test_replacing_a_layer_of_a_subclass(call):
    class Replaceable(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = Times(2.0)

        def call(self, inputs):
            return self.inner(inputs)

    model = Replaceable()
    close(call(model, X), 2 * X)
    model._unlock_state()
    del model.inner
    model.inner = Times(3.0)
    close(call(model, X), 3 * X)


def test_freezing_between_two_steps():
    model = small()
    model.train_on_batch(X, Y)
    first = model.layers[0]
    first.trainable = False
    before, others = first.get_weights(), model.layers[1].get_weights()
    model.train_on_batch(X, Y)
    for a, b in zip(first.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(model.layers[1].get_weights(), others, strict=True))
    first.trainable = True
    model.train_on_batch(X, Y)
    assert (first.get_weights()[0] != before[0]).any()
    first.weights[0].trainable = False
    before = first.get_weights()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(first.get_weights()[0], before[0])
    assert (first.get_weights()[1] != before[1]).any()


def test_compiling_again_changes_the_metrics():
    model = small()
    assert len(model.train_on_batch(X, Y)) == 2
    model.compile("sgd", model.loss)
    assert isinstance(model.train_on_batch(X, Y), float)
    model.compile("sgd", model.loss, metrics=["accuracy", "sparse_categorical_crossentropy"])
    assert len(model.test_on_batch(X, Y)) == 3


def test_silent_predictions_equal_those_with_callbacks():
    model = small()
    told = []

    class Watch(keras.callbacks.Callback):
        def on_predict_end(self, logs=None):
            told.append(self.model)

    watched = model.predict(X, batch_size=3, verbose=0, callbacks=[Watch()])
    np.testing.assert_array_equal(watched, model.predict(X, batch_size=3, verbose=0))
    assert told == [model]


def test_outputs_in_a_structure():
    inputs = keras.Input((6,))
    outputs = {"twice": ops.multiply(inputs, 2.0), "signs": [ops.greater(inputs, 0.0)]}
    model = keras.Model(inputs, outputs)
    for predict in (
        lambda: model.predict(X, batch_size=3, verbose=0),
        lambda: model.predict_on_batch(X),
        lambda: model(X),
        lambda: model(X),
    ):
        made = predict()
        np.testing.assert_array_equal(np.asarray(made["twice"]), 2 * X)
        np.testing.assert_array_equal(np.asarray(made["signs"][0]), X > 0)
        assert np.asarray(made["signs"][0]).dtype == bool


def test_threads_on_one_model(call):
    model = small()
    batches = [RNG.normal(size=(1 + i % 3, 6)).astype("float32") for i in range(60)]
    serial = [call(model, x) for x in batches]
    results = {}

    def work(number):
        results[number] = [call(model, x) for x in batches]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for made in results.values():
        for a, b in zip(made, serial, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_memory_stays_constant(call):
    model = small()

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def many(count):
        for _ in range(count):
            call(model, X)

    many(1000)
    before = resident()
    many(10_000)
    # One leaked output array or buffer view per call would be 1 MB.
    assert resident() - before < 500_000


def test_train_on_batch_equals_an_epoch_of_one_batch():
    """Metrics from zero, the step and their results are one plan there, and three in `fit`."""
    weights = None
    results = []
    for samples in (8, 7):
        x, y = X[:samples], Y[:samples]
        for train in (
            lambda model, x, y: model.train_on_batch(x, y, return_dict=True),
            lambda model, x, y: {
                name: values[0]
                for name, values in model.fit(x, y, 8, shuffle=False, verbose=0).history.items()
            },
        ):
            keras.utils.set_random_seed(1)
            model = small(layers.Dropout(0.3))
            weights = weights or model.get_weights()
            model.set_weights(weights)
            logs = [train(model, x, y) for _ in range(3)]
            results.append((logs, model.get_weights()))
    for (logs, trained), (other_logs, others) in (results[:2], results[2:]):
        assert logs == other_logs
        for a, b in zip(trained, others, strict=True):
            np.testing.assert_array_equal(a, b)
    assert results[0][0] != results[2][0]


def test_batches_of_other_dtypes_and_layouts():
    models = [small() for _ in range(6)]
    for model in models:
        model.set_weights(models[0].get_weights())
    kinds = [
        (X, Y.astype("int32")),
        (X, Y),
        (X.astype("float64"), Y.astype("uint8")),
        (np.asfortranarray(X), Y[:, None]),
        (X.tolist(), Y.tolist()),
        (np.repeat(X, 2, 0)[::2], np.repeat(Y, 2)[::2]),
    ]
    for _ in range(3):
        logs = [model.train_on_batch(*kind) for model, kind in zip(models, kinds, strict=True)]
        assert logs == [logs[0]] * len(logs)
        # What served the last call must not serve another kind.
        models, kinds = models[1:] + models[:1], kinds
    tests = [model.test_on_batch(*kind) for model, kind in zip(models, kinds, strict=True)]
    assert tests == [tests[0]] * len(tests)


def test_targets_are_looked_at_in_every_call():
    model = small()
    for _ in range(2):
        model.train_on_batch(X, Y)
        model.test_on_batch(X, Y)
    before = model.get_weights()
    for wrong in (Y + 1, Y - 1):
        for call in (model.train_on_batch, model.test_on_batch):
            with pytest.raises(ValueError, match="class label"):
                call(X, wrong)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_metrics_hold_the_last_batch():
    model = small()
    for x, y in ((X, Y), (X[:3], Y[:3]), (X, Y)):
        logs = model.train_on_batch(x, y, return_dict=True)
        assert list(logs) == ["accuracy", "loss"]
        assert {name: float(value) for name, value in model.get_metrics_result().items()} == logs
        assert model.metrics[0].count.numpy() == len(x)
    assert model.train_on_batch(X, Y)[0] != logs["loss"]
    model.reset_metrics()
    assert model.metrics[0].count.numpy() == 0


def test_other_numbers_of_the_optimizer():
    model = small()
    model.train_on_batch(X, Y)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.train_on_batch(X, Y)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.optimizer.learning_rate = 0.1
    model.optimizer.weight_decay = 5.0
    model.train_on_batch(X, Y)
    assert np.abs(model.get_weights()[0]).max() < 0.8 * np.abs(before[0]).max()


def test_weights_of_samples_after_a_call_without():
    model = small()
    plain = model.test_on_batch(X, Y)
    heavy = np.where(Y == 0, 3.0, 1.0)
    weighted = model.test_on_batch(X, Y, heavy)
    assert weighted[0] != plain[0]
    assert model.test_on_batch(X, Y) == plain
    twin = small()
    twin.set_weights(model.get_weights())
    assert model.train_on_batch(X, Y) == twin.train_on_batch(X, Y)
    assert model.train_on_batch(X, Y, class_weight={0: 3, 1: 1, 2: 1}) == twin.train_on_batch(
        X, Y, heavy
    )


class Largest(keras.metrics.Metric):
    """Resets itself in its own way, which a plan would not repeat."""

    def __init__(self):
        super().__init__(name="largest")
        self.largest = self.add_weight(name="largest")
        self.resets = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))

    def reset_state(self):
        self.resets += 1
        self.largest.assign(-1.0)

    def result(self):
        return self.largest


def test_own_resets_happen_in_every_call():
    largest = Largest()
    model = small()
    model.compile("sgd", model.loss, metrics=[largest])
    for _ in range(3):
        before = largest.resets
        close(model.test_on_batch(X, Y)[1], max(expected(model).max(), -1.0))
        assert largest.resets == before + 1

    class Counting(keras.Sequential):
        resets = 0

        def reset_metrics(self):
            self.resets += 1
            super().reset_metrics()

    model = Counting([keras.Input((6,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    for count in range(1, 4):
        model.train_on_batch(X, np.zeros((8, 3)))
        assert model.resets == count


def test_batch_sizes_of_predictions():
    model = small()
    whole = model.predict(X, verbose=0)
    for batch_size in (None, 3, 8, None, 100, 3):
        close(model.predict(X, batch_size=batch_size, verbose=0), whole)
        close(model.predict(X, batch_size=batch_size, verbose=0, steps=1), whole[:batch_size])
    with pytest.raises(ValueError, match="batch_size"):
        model.predict(X, batch_size=0, verbose=0)


def test_a_prediction_resets_the_wish_to_stop():
    model = small()
    for _ in range(2):
        model.stop_predicting = True
        model.predict(X, verbose=0)
        assert not model.stop_predicting


def test_numbers_are_python_floats():
    model = small()
    model.compile("sgd", "mse", metrics=["mae", keras.metrics.R2Score(class_aggregation=None)])
    y = RNG.normal(size=(8, 3)).astype("float32")
    for _ in range(3):
        for call in (model.train_on_batch, model.test_on_batch):
            loss, mae, scores = call(X, y)
            assert type(loss) is type(mae) is float
            assert isinstance(scores, np.ndarray)
            assert scores.shape == (3,)
            logs = call(X, y, return_dict=True)
            assert list(logs) == sorted(logs)
            assert type(logs["loss"]) is float


def test_nan_targets_are_seen_in_every_call():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    y = np.eye(3, dtype="float32")[Y]
    for _ in range(2):
        model.train_on_batch(X, y)
    before = model.get_weights()
    for broken in (y.copy(), y.astype("float64")):
        broken[5, 1] = np.nan
        with pytest.raises(ValueError, match="NaN among its labels, first in sample 5"):
            model.train_on_batch(X, broken)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_failed_call_ends_its_turn():
    model = small()
    model.train_on_batch(X, Y)
    for _ in range(2):
        with pytest.raises(ValueError, match="class label"):
            model.train_on_batch(X, Y + 1)
    done = []
    thread = threading.Thread(target=lambda: done.append(model.train_on_batch(X, Y)))
    thread.start()
    thread.join()
    assert len(done) == 1


def test_training_in_two_threads_is_refused_in_small_calls_too():
    errors = []
    entered, leave = threading.Event(), threading.Event()

    class Waits(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            entered.set()
            leave.wait(60)

    model = small()
    model.train_on_batch(X, Y)
    thread = threading.Thread(
        target=lambda: model.fit(X, Y, verbose=0, callbacks=[Waits()]), daemon=True
    )
    thread.start()
    assert entered.wait(60)
    for call in (model.train_on_batch, model.test_on_batch):
        try:
            call(X, Y)
        except RuntimeError as error:
            errors.append(str(error))
    leave.set()
    thread.join()
    assert len(errors) == 2
    assert all("another thread" in error for error in errors)
    model.train_on_batch(X, Y)


def test_batches_that_threads_share_give_the_same_bits():
    # Large enough for the first layer's products to be shared, and for the packing of the
    # gradient's rows to go on while one thread does the steps between.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(32, 784)).astype("float32")
    y = rng.integers(0, 10, 32)
    before, runs = keras.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            keras.set_num_threads(threads)
            keras.utils.set_random_seed(1)
            model = keras.Sequential([layers.Dense(128, "relu"), layers.Dense(10, "softmax")])
            model.compile("adam", "sparse_categorical_crossentropy")
            losses = [float(model.train_on_batch(x, y)) for _ in range(50)]
            runs.append((losses, [w.tobytes() for w in model.get_weights()]))
    finally:
        keras.set_num_threads(before)
    assert runs[1] == runs[0]
    assert runs[2] == runs[0]
