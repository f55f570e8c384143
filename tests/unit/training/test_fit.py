"""fit: what it does to weights, what it records, and what it tells callbacks."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(1)
X = RNG.random((50, 6), dtype=np.float32)
Y = (X[:, 0] * 3).astype(np.int32)


def make_model(**compile_kwargs):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    kwargs = {"optimizer": keras.optimizers.SGD(0.1), "loss": "sparse_categorical_crossentropy"}
    model.compile(**kwargs | {"metrics": ["accuracy"]} | compile_kwargs)
    return model


def weights_after(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def softmax_step(weights, x, y, rate, sample_weight=None):
    """One SGD step of the model above in plain NumPy, float64; returns weights and losses."""
    w1, b1, w2, b2 = [w.astype(np.float64) for w in weights]
    hidden = np.maximum(x @ w1 + b1, 0)
    logits = hidden @ w2 + b2
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    scale = np.ones(len(x)) if sample_weight is None else sample_weight
    losses = -np.log(p[np.arange(len(x)), y]) * scale
    d = (p - np.eye(3)[y]) * scale[:, None] / len(x)
    dh = (d @ w2.T) * (hidden > 0)
    grads = [x.T @ dh, dh.sum(0), hidden.T @ d, d.sum(0)]
    return [w - rate * g for w, g in zip((w1, b1, w2, b2), grads, strict=True)], losses


@pytest.mark.parametrize("batch_size", [10, 16, 50, 64])
@pytest.mark.parametrize("weighted", [False, True])
def test_fit_takes_the_steps_of_gradient_descent(batch_size, weighted):
    model = make_model()
    weights = model.get_weights()
    scale = RNG.random(50) if weighted else None
    history = model.fit(
        X, Y, batch_size=batch_size, epochs=2, shuffle=False, verbose=0, sample_weight=scale
    ).history
    for epoch in range(2):
        total = []
        for start in range(0, 50, batch_size):
            rows = slice(start, start + batch_size)
            part = None if scale is None else scale[rows]
            weights, losses = softmax_step(weights, X[rows], Y[rows], 0.1, part)
            total.extend(losses)
        np.testing.assert_allclose(history["loss"][epoch], np.mean(total), rtol=1e-5)
    for have, want in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-6)
    assert int(model.optimizer.iterations) == 2 * -(-50 // batch_size)


@pytest.mark.parametrize("batch_size", [10, 16])
def test_eager_and_compiled_agree(batch_size):
    results = []
    for eager in (False, True):
        model = make_model(run_eagerly=eager)
        history = model.fit(X, Y, batch_size=batch_size, epochs=2, verbose=0, shuffle=False).history
        results.append((weights_after(model), history["loss"], history["accuracy"]))
    for compiled, eager in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-6)


def test_history():
    model = make_model()
    history = model.fit(X, Y, epochs=3, verbose=0, validation_split=0.2)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(len(values) == 3 for values in history.history.values())
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.epoch == [0, 1, 2]
    assert model.history is history


def test_no_epochs_and_initial_epoch():
    model = make_model()
    before = weights_after(model)
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}
    assert model.fit(X, Y, epochs=3, initial_epoch=3, verbose=0).history == {}
    np.testing.assert_array_equal(weights_after(model), before)
    assert model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


def test_validation_split_takes_the_last_samples():
    model = make_model(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(X, Y, validation_split=0.3, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[35:], Y[35:], verbose=0)[0])
    assert history["loss"][0] == pytest.approx(model.evaluate(X[:35], Y[:35], verbose=0)[0])


def test_validation_data_comes_before_validation_split():
    model = make_model(optimizer=keras.optimizers.SGD(0.0))
    scale = np.linspace(0, 1, 20)
    history = model.fit(
        X, Y, verbose=0, validation_split=0.5, validation_data=(X[:20], Y[:20], scale)
    ).history
    loss, accuracy = model.evaluate(X[:20], Y[:20], verbose=0, sample_weight=scale)
    assert history["val_loss"][0] == pytest.approx(loss)
    assert history["val_accuracy"][0] == pytest.approx(accuracy)
    assert history["loss"][0] == pytest.approx(model.evaluate(X, Y, verbose=0)[0])


@pytest.mark.parametrize(("freq", "epochs"), [(2, [1, 3]), ([1, 4], [0, 3])])
def test_validation_freq(freq, epochs):
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch) if "val_loss" in logs else None
    )
    model = make_model()
    model.fit(
        X, Y, epochs=4, verbose=0, validation_split=0.2, validation_freq=freq, callbacks=[callback]
    )
    assert seen == epochs


def test_validation_steps_and_batch_size():
    model = make_model(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(
        X, Y, verbose=0, validation_data=(X, Y), validation_steps=2, validation_batch_size=5
    ).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[:10], Y[:10], verbose=0)[0])


def test_class_weight_is_sample_weight_by_class():
    table = {0: 2.0, 2: 0.25}
    by_class = np.array([2.0, 1.0, 0.25])[Y]
    runs = []
    for kwargs, y, loss in (
        ({"class_weight": table}, Y, "sparse_categorical_crossentropy"),
        ({"class_weight": table}, Y[:, None], "sparse_categorical_crossentropy"),
        ({"class_weight": table}, np.eye(3)[Y], "categorical_crossentropy"),
        ({"sample_weight": by_class}, Y, "sparse_categorical_crossentropy"),
    ):
        model = make_model(loss=loss)
        model.fit(X, y, verbose=0, shuffle=False, **kwargs)
        runs.append(weights_after(model))
    for run in runs[1:]:
        np.testing.assert_allclose(run, runs[0], rtol=1e-5, atol=1e-7)


def test_class_and_sample_weights_multiply():
    scale = RNG.random(50)
    both, product = make_model(), make_model()
    both.fit(X, Y, verbose=0, shuffle=False, sample_weight=scale, class_weight={1: 3.0})
    product.fit(X, Y, verbose=0, shuffle=False, sample_weight=scale * np.where(Y == 1, 3.0, 1.0))
    np.testing.assert_allclose(weights_after(both), weights_after(product), rtol=1e-5)


def test_class_weight_does_not_reach_validation():
    model = make_model(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(X, Y, verbose=0, validation_split=0.4, class_weight={0: 9.0}).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[30:], Y[30:], verbose=0)[0])


def test_shuffling_is_seeded_and_differs_between_epochs():
    runs = []
    for seed in (3, 3, 4):
        model = make_model()
        keras.utils.set_random_seed(seed)
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
        runs.append(weights_after(model))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_shuffle_visits_every_sample_once():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", loss=lambda y, p: y + 0.0 * p)
    y = np.arange(50.0)[:, None]
    for shuffle in (True, "batch", False):
        history = model.fit(np.zeros((50, 1)), y, batch_size=7, shuffle=shuffle, verbose=0).history
        assert history["loss"][0] == pytest.approx(24.5)


def test_steps_per_epoch_goes_on_where_it_stopped():
    y = np.arange(40.0)[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", loss=lambda y, p: y + 0.0 * p)
    history = model.fit(
        np.zeros((40, 1)), y, batch_size=10, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0
    ).history
    assert history["loss"] == pytest.approx([9.5, 29.5, 9.5])


def test_steps_per_epoch_beyond_the_data_warns():
    with pytest.warns(UserWarning, match="ran out of data"):
        make_model().fit(X, Y, batch_size=10, steps_per_epoch=9, verbose=0)


def test_steps_per_epoch_without_batch_size_divides_the_data():
    model = make_model()
    model.fit(X, Y, steps_per_epoch=5, verbose=0)
    assert int(model.optimizer.iterations) == 5


class Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("end", batch, sorted(logs)))

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(("test", batch))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch", epoch, sorted(logs)))


def test_batch_hooks():
    record = Record()
    make_model().fit(X, Y, batch_size=20, verbose=0, callbacks=[record], validation_split=0.2)
    keys = ["accuracy", "loss"]
    assert record.calls == [
        *(call for batch in range(2) for call in (("begin", batch), ("end", batch, keys))),
        ("test", 0),
        ("epoch", 0, [*keys, "val_accuracy", "val_loss"]),
    ]


def test_steps_per_execution_spaces_the_batch_hooks():
    record = Record()
    spaced, plain = make_model(steps_per_execution=4), make_model()
    spaced.fit(X, Y, batch_size=5, verbose=0, callbacks=[record], shuffle=False)
    plain.fit(X, Y, batch_size=5, verbose=0, shuffle=False)
    assert [call[:2] for call in record.calls if call[0] != "epoch"] == [
        ("begin", 0),
        ("end", 3),
        ("begin", 4),
        ("end", 7),
        ("begin", 8),
        ("end", 9),
    ]
    np.testing.assert_array_equal(weights_after(spaced), weights_after(plain))


def test_batch_hooks_do_not_change_the_result():
    plain, watched = make_model(), make_model()
    plain.fit(X, Y, batch_size=8, verbose=0, shuffle=False, epochs=2)
    watched.fit(X, Y, batch_size=8, verbose=0, shuffle=False, epochs=2, callbacks=[Record()])
    np.testing.assert_array_equal(weights_after(plain), weights_after(watched))


def test_stop_training_after_a_batch_and_after_an_epoch():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    model = make_model()
    history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0]
    assert int(model.optimizer.iterations) == 3
    model.fit(X, Y, batch_size=5, verbose=0)
    assert int(model.optimizer.iterations) == 13


def test_a_callback_may_evaluate_and_predict():
    model = make_model()
    results = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: results.append(
            (model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0).shape)
        )
    )
    model.fit(X, Y, verbose=0, callbacks=[callback], epochs=2)
    assert [shape for _, shape in results] == [(50, 3)] * 2


def test_the_learning_rate_can_be_set_between_epochs():
    model = make_model()
    model.fit(X, Y, verbose=0)
    before = weights_after(model)
    model.optimizer.learning_rate = 0.0
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(weights_after(model), before)


def test_two_threads_cannot_train_one_model():
    model = make_model()
    inside, go_on = threading.Event(), threading.Event()
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: (inside.set(), go_on.wait(20))
    )
    thread = threading.Thread(
        target=model.fit, args=(X, Y), kwargs={"verbose": 0, "callbacks": [callback]}
    )
    thread.start()
    assert inside.wait(20)
    try:
        with pytest.raises(RuntimeError, match="already training"):
            model.fit(X, Y, verbose=0)
        with pytest.raises(RuntimeError, match="already training"):
            model.train_on_batch(X, Y)
    finally:
        go_on.set()
        thread.join()
    model.fit(X, Y, verbose=0)


def test_fit_inside_fit_is_refused():
    model = make_model()
    callback = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.fit(X, Y, verbose=0)
    )
    with pytest.raises(RuntimeError, match="already training"):
        model.fit(X, Y, verbose=0, callbacks=[callback])
    model.fit(X, Y, verbose=0)


def test_interrupting_leaves_the_model_usable():
    def interrupt(batch, logs):
        if batch == 3:
            raise KeyboardInterrupt

    model = make_model()
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=5, verbose=0, callbacks=[callback])
    assert int(model.optimizer.iterations) == 4
    model.fit(X, Y, verbose=0)


def test_freezing_a_layer_takes_effect():
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    frozen = model.layers[0].get_weights()
    moving = model.layers[1].get_weights()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], frozen[0])
    assert not np.array_equal(model.layers[1].get_weights()[0], moving[0])


def test_training_reaches_dropout_and_predicting_does_not():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5)])
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model.predict(X, verbose=0), X)
    assert model.evaluate(X, X, verbose=0) == pytest.approx(0.0, abs=1e-12)
    first = model.fit(X, X, verbose=0).history["loss"][0]
    second = model.fit(X, X, verbose=0).history["loss"][0]
    assert first > 0.01
    assert first != second  # a new mask for every batch


def test_regularizers_and_add_loss_count():
    class Penalty(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(x) * 10.0)
            return x

    model = keras.Sequential(
        [keras.Input((6,)), Penalty(), keras.layers.Dense(1, kernel_regularizer="l2")]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    y = np.zeros((50, 1), np.float32)
    kernel = model.get_weights()[0]
    error = np.mean((X @ kernel) ** 2)
    expected = error + 0.01 * np.sum(kernel**2) + 10 * X.mean()
    assert model.fit(X, y, batch_size=50, verbose=0).history["loss"][0] == pytest.approx(expected)
    assert model.evaluate(X, y, batch_size=50, verbose=0) == pytest.approx(expected)


def test_add_loss_alone_trains_without_targets():
    class Shrink(keras.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x):
            self.add_loss(keras.ops.sum(keras.ops.square(self.scale)))
            return x * self.scale

    model = keras.Sequential([keras.Input((6,)), Shrink()])
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(X, batch_size=50, verbose=0)
    assert model.get_weights()[0] == pytest.approx(0.8)


def test_a_model_that_needs_values_runs_eagerly_and_says_so():
    class Peeks(keras.layers.Layer):
        def call(self, x):
            if float(keras.ops.sum(x)) > 0:
                return x * 2.0
            return x

    model = keras.Sequential([Peeks(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="runs eagerly"):
        first = model.fit(X, X[:, :1], verbose=0, epochs=20).history["loss"]
    assert first[-1] < first[0]


def test_train_on_batch():
    model, twin = make_model(), make_model()
    loss, accuracy = model.train_on_batch(X, Y)
    history = twin.fit(X, Y, batch_size=50, verbose=0, shuffle=False).history
    assert loss == pytest.approx(history["loss"][0])
    assert accuracy == pytest.approx(history["accuracy"][0])
    np.testing.assert_array_equal(weights_after(model), weights_after(twin))
    assert model.train_on_batch(X, Y, return_dict=True)["loss"] < loss
    assert type(loss) is float


def test_numpy_integers_are_integers():
    model = make_model()
    assert len(model.fit(X, Y, batch_size=np.int64(8), epochs=np.int32(2), verbose=0).epoch) == 2


def test_progress_on_a_terminal_free_output(capsys):
    make_model().fit(X, Y, epochs=2, verbose=2)
    out = capsys.readouterr().out
    assert "Epoch 1/2" in out
    assert "2/2 - " in out
    assert "accuracy: " in out
    assert "loss: " in out


def test_a_layer_thawed_after_compile_needs_a_new_optimizer():
    model = make_model()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    before = weights_after(model)
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match="Unknown variable"):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(weights_after(model), before)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)


def test_a_model_with_nothing_to_train():
    model = make_model()
    model.trainable = False
    before = weights_after(model)
    history = model.fit(X, Y, verbose=0).history
    np.testing.assert_array_equal(weights_after(model), before)
    assert history["loss"][0] == pytest.approx(model.evaluate(X, Y, verbose=0)[0])


def test_sample_weights_of_the_wrong_shape():
    model = make_model()
    before = weights_after(model)
    with pytest.raises(ValueError, match=r"`sample_weight` of shape \(32, 3\)"):
        model.fit(X, Y, sample_weight=np.ones((50, 3)), verbose=0)
    np.testing.assert_array_equal(weights_after(model), before)
    model.fit(X, Y, sample_weight=np.ones((50, 1)), verbose=0)


def test_ctrl_c_is_answered_and_leaves_the_model_usable():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(256), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = RNG.random((4096, 64), dtype=np.float32), np.zeros((4096, 1), np.float32)
    model.fit(x[:64], y[:64], verbose=0)
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=100_000, verbose=0)
    # The goal is 0.1 s; a busy machine gets more.
    assert time.perf_counter() - pressed[0] < 2.0
    timer.join()
    steps = int(model.optimizer.iterations)
    model.fit(x[:64], y[:64], verbose=0)
    assert int(model.optimizer.iterations) == steps + 2
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_the_same_bits_on_any_number_of_threads_with_or_without_batch_hooks():
    before = keras.get_num_threads()
    runs = []
    try:
        for threads in (1, 2, 3):
            for callbacks in ([], [Record()]):
                keras.set_num_threads(threads)
                keras.utils.set_random_seed(1)
                model = keras.Sequential(
                    [
                        keras.layers.Dense(33, activation="relu"),
                        keras.layers.Dropout(0.3),
                        keras.layers.Dense(3, activation="softmax"),
                    ]
                )
                model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
                history = model.fit(
                    X, Y, epochs=2, batch_size=16, verbose=0, callbacks=callbacks
                ).history
                runs.append((weights_after(model), history))
    finally:
        keras.set_num_threads(before)
    for weights, history in runs[1:]:
        np.testing.assert_array_equal(weights, runs[0][0])
        assert history == runs[0][1]


def test_calling_and_predicting_give_the_same_bits():
    model = keras.Sequential([keras.layers.Dense(33, activation="tanh"), keras.layers.Softmax()])
    eager = model(X).numpy()  # the first call builds the model, operation by operation
    np.testing.assert_array_equal(model(X).numpy(), eager)
    np.testing.assert_array_equal(model.predict(X, verbose=0), eager)
    np.testing.assert_array_equal(model.predict(X, batch_size=7, verbose=0), eager)
