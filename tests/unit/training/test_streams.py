"""Batches from generators, PyDatasets and other sources, against the same batches of arrays."""

import json
import math
import multiprocessing
import os
import threading
import time
import warnings

import numpy as np
import pytest

import hotloop as keras

RNG = np.random.default_rng(5)
X = RNG.random((50, 6), dtype=np.float32)
Y = (X[:, 0] * 3).astype(np.int32)
W = RNG.random(50, dtype=np.float32)


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


def weights_of(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


class Batches(keras.utils.PyDataset):
    """Rows of arrays; logs what is asked of it."""

    def __init__(self, *arrays, size=16, **kwargs):
        super().__init__(**kwargs)
        self.arrays, self.size, self.log = arrays, size, []

    def __len__(self):
        return math.ceil(len(self.arrays[0]) / self.size)

    def __getitem__(self, index):
        self.log.append(index)
        rows = slice(index * self.size, (index + 1) * self.size)
        return tuple(array[rows] for array in self.arrays)

    def on_epoch_begin(self):
        self.log.append("begin")

    def on_epoch_end(self):
        self.log.append("end")


class Endless(Batches):
    num_batches = None

    def __getitem__(self, index):
        return super().__getitem__(index % Batches.__len__(self))


class Loader:
    """Like a DataLoader: gone over again and again, batches are lists."""

    def __init__(self, *arrays, size=16):
        self.inner = Batches(*arrays, size=size)

    def __len__(self):
        return len(self.inner)

    def __iter__(self):
        return (list(batch) for batch in self.inner)


class Tensor:
    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def __array__(self, dtype=None, copy=None):
        return self.array


class TfDataset:
    """Like a data set of tf.data."""

    element_spec = None

    def __init__(self, *arrays, size=16, cardinality=None):
        self.inner = Batches(*arrays, size=size)
        self.count = len(self.inner) if cardinality is None else cardinality

    def cardinality(self):
        return Tensor(np.array(self.count)).array

    def __iter__(self):
        endless = self.count == -1
        while True:
            for batch in self.inner:
                yield tuple(Tensor(part) for part in batch)
            if not endless:
                return


def generate(*arrays, size=16, times=1):
    for _ in range(times):
        yield from Batches(*arrays, size=size)


def forever(*arrays, size=16):
    while True:
        yield from Batches(*arrays, size=size)


SOURCES = {
    "PyDataset": Batches,
    "two threads": lambda *a, **k: Batches(*a, workers=2, **k),
    "one process": lambda *a, **k: Batches(*a, workers=1, use_multiprocessing=True, **k),
    "two processes": lambda *a, **k: Batches(*a, workers=2, use_multiprocessing=True, **k),
    "loader": Loader,
    "tf.data": TfDataset,
    "tf.data of unknown length": lambda *a: TfDataset(*a, cardinality=-2),
    "generator": lambda *a: generate(*a, times=2),
}


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    threads = threading.active_count()
    yield
    end = time.monotonic() + 30
    while threading.active_count() > threads or multiprocessing.active_children():
        assert time.monotonic() < end, (threading.enumerate(), multiprocessing.active_children())
        time.sleep(0.01)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("weighted", [False, True])
def test_fit_takes_the_steps_that_it_takes_on_arrays(kind, weighted):
    weight = (W,) if weighted else ()
    expected, model = make_model(), make_model()
    first = expected.fit(
        X,
        Y,
        batch_size=16,
        epochs=2,
        shuffle=False,
        verbose=0,
        sample_weight=W if weighted else None,
    ).history
    steps = 4 if kind == "generator" else None
    second = model.fit(
        SOURCES[kind](X, Y, *weight), epochs=2, shuffle=False, verbose=0, steps_per_epoch=steps
    ).history
    np.testing.assert_array_equal(weights_of(model), weights_of(expected))
    assert second == first


@pytest.mark.parametrize("kind", SOURCES)
def test_evaluate_and_predict_give_what_they_give_on_arrays(kind):
    model = make_model()
    make = SOURCES[kind] if kind != "generator" else generate
    assert model.evaluate(make(X, Y), verbose=0) == model.evaluate(X, Y, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.predict(make(X), verbose=0), model.predict(X, batch_size=16, verbose=0)
    )
    assert model.predict(make(X, Y), verbose=0, steps=2).shape == (32, 3)


@pytest.mark.parametrize("kind", ["PyDataset", "tf.data", "generator", "arrays"])
def test_validation_data_may_be_a_source(kind):
    expected = make_model().fit(X, Y, epochs=2, verbose=0, validation_data=(X[:40], Y[:40]))
    make = {"generator": lambda *a: forever(*a, size=20), "arrays": lambda *a: a}
    data = make.get(kind, SOURCES.get(kind))(X[:40], Y[:40])
    found = make_model().fit(
        X,
        Y,
        epochs=2,
        verbose=0,
        validation_data=data,
        validation_steps=2 if kind == "generator" else None,
    )
    assert found.history.keys() == expected.history.keys()
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-6)


def test_the_data_set_hears_of_epochs_and_is_looked_at_once_ahead():
    data, held_back = Batches(X, Y), Batches(X[:32], Y[:32])
    make_model().fit(data, epochs=2, shuffle=False, verbose=0, validation_data=held_back)
    epoch = ["begin", 0, 1, 2, 3, "end"]
    assert data.log == ["begin", 0, "end", *epoch, *epoch]
    assert held_back.log == ["begin", 0, 1, "end"] * 2


def test_shuffle_draws_a_new_order_of_batches_for_each_epoch():
    orders = []
    for _ in range(2):
        data = Batches(X, Y, size=5)
        make_model().fit(data, epochs=2, verbose=0)
        numbers = [entry for entry in data.log if isinstance(entry, int)][1:]
        orders.append(numbers)
        assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))
        assert numbers[:10] != numbers[10:] != list(range(10))
    assert orders[0] == orders[1]  # one seed, one order


def test_an_epoch_goes_on_where_the_last_one_stopped():
    data = Batches(X, Y)
    with pytest.warns(UserWarning, match="ran out of data"):
        make_model().fit(data, epochs=3, steps_per_epoch=3, shuffle=False, verbose=0)
    assert data.log[3:] == ["begin", 0, 1, 2, "end", "begin", 3, "end", "begin", 0, 1, 2, "end"]


def test_endless_data_needs_a_number_of_steps():
    data = Endless(X, Y)
    history = make_model().fit(data, epochs=2, steps_per_epoch=3, verbose=0).history
    assert len(history["loss"]) == 2
    assert data.log[3:] == ["begin", 0, 1, 2, "end", "begin", 3, 0, 1, "end"]
    for call in ("fit", "evaluate", "predict"):
        with pytest.raises(ValueError, match="`x` is an endless PyDataset"):
            getattr(make_model(), call)(Endless(X, Y), verbose=0)
    with pytest.raises(ValueError, match=r"`validation_data` is an endless .*`validation_steps`"):
        make_model().fit(X, Y, verbose=0, validation_data=TfDataset(X, Y, cardinality=-1))
    assert make_model().predict(Endless(X), steps=5, verbose=0).shape == (66, 3)


def test_a_generator_ends_the_training_when_it_is_used_up():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make_model().fit(generate(X, Y), verbose=0).epoch == [0]
    with pytest.warns(UserWarning, match="ran out of data"):
        history = make_model().fit(generate(X, Y), epochs=3, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ran out of data"):
        history = make_model().fit(generate(X, Y), epochs=3, steps_per_epoch=3, verbose=0)
    assert history.epoch == [0, 1]
    with pytest.warns(UserWarning, match="ran out of data"):
        make_model().evaluate(Batches(X, Y), steps=9, verbose=0)


def test_a_model_is_built_from_the_first_batch():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile("adam", "mse", metrics=["mae"])
    y = RNG.random((50, 3), dtype=np.float32)
    assert model.evaluate(Batches(X, y), verbose=0) == model.evaluate(
        X, y, batch_size=16, verbose=0
    )
    fresh = keras.Sequential([keras.layers.Dense(3)])
    fresh.compile("adam", "mse")
    fresh.fit(generate(X, y), verbose=0)
    assert fresh.optimizer.iterations.numpy() == 4


def test_batches_of_every_size_and_shape():
    def sizes():
        for size in (3, 16, 1, 16, 3, 11):
            yield X[:size], Y[:size]

    model = make_model()
    model.fit(sizes(), verbose=0)
    assert model.optimizer.iterations.numpy() == 6
    assert model.predict(sizes(), verbose=0).shape == (50, 3)

    pooled = keras.Sequential([keras.Input((None, 6)), keras.layers.Dense(2)])
    widths = [RNG.random((4, width, 6), dtype=np.float32) for width in (2, 5)]
    with pytest.raises(ValueError, match="predictions on the batches have different shapes"):
        pooled.predict(iter(widths), verbose=0)


@pytest.mark.parametrize("override", [False, True])
def test_hooks_and_steps_per_execution(override):
    class Hooks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            log.append((epoch, self.params["steps"]))

        if override:

            def on_train_batch_begin(self, batch, logs=None):
                log.append(("begin", batch))

            def on_train_batch_end(self, batch, logs=None):
                log.append(("end", batch))

            def on_predict_batch_end(self, batch, logs=None):
                log.append((batch, logs["outputs"].shape))

    log = []
    model = make_model(steps_per_execution=3)
    model.fit(Batches(X, Y), verbose=0, callbacks=[Hooks()])
    batches = [("begin", 0), ("end", 2), ("begin", 3), ("end", 3)] if override else []
    assert log == [(0, 4), *batches]
    log.clear()
    model.predict(Batches(X), verbose=0, callbacks=[Hooks()])
    assert log == ([(2, (48, 3)), (3, (2, 3))] if override else [])


def test_stop_training_ends_a_pass_over_a_stream():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = make_model()
    model.fit(forever(X, Y), epochs=3, verbose=0, callbacks=[Stop()])
    assert model.optimizer.iterations.numpy() == 2
    model.fit(Batches(X, Y, workers=2), epochs=3, verbose=0, callbacks=[Stop()])
    assert model.optimizer.iterations.numpy() == 4


def test_class_weights_with_a_source():
    expected, model = make_model(), make_model()
    weights = {0: 2.0, 2: 0.5}
    expected.fit(X, Y, batch_size=16, shuffle=False, verbose=0, class_weight=weights)
    model.fit(Batches(X, Y), shuffle=False, verbose=0, class_weight=weights)
    np.testing.assert_array_equal(weights_of(model), weights_of(expected))


def test_eager_models_train_on_streams():
    expected, model = make_model(), make_model(run_eagerly=True)
    expected.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    model.fit(Batches(X, Y), shuffle=False, verbose=0)
    np.testing.assert_allclose(weights_of(model), weights_of(expected), rtol=1e-5, atol=1e-6)


class Fails(Batches):
    def __getitem__(self, index):
        if index == 2:
            raise KeyError("no such file")
        return super().__getitem__(index)


class Dies(Batches):
    def __getitem__(self, index):
        if index == 2:
            os._exit(1)
        return super().__getitem__(index)


class Unpicklable(Batches):
    def __getitem__(self, index):
        return (lambda: 0, super().__getitem__(index))


@pytest.mark.parametrize("processes", [False, True])
def test_what_a_worker_raises_is_raised(processes):
    model = make_model()
    with pytest.raises(KeyError, match="no such file") as caught:
        model.fit(Fails(X, Y, workers=2, use_multiprocessing=processes), shuffle=False, verbose=0)
    assert "Fails.__getitem__(2) in a worker" in "".join(caught.value.__notes__)
    model.fit(Batches(X, Y), verbose=0)  # usable afterwards


def test_a_worker_that_dies_is_reported():
    with pytest.raises(RuntimeError, match="worker process of Dies died"):
        make_model().fit(Dies(X, Y, workers=1, use_multiprocessing=True), shuffle=False, verbose=0)


def test_batches_that_cannot_be_pickled_are_reported():
    with pytest.raises(Exception, match="pickle") as caught:
        make_model().fit(Unpicklable(X, Y, workers=1, use_multiprocessing=True), verbose=0)
    assert "while the batch was pickled" in "".join(caught.value.__notes__)


BAD = {
    "y": (lambda: dict(x=Batches(X, Y), y=Y), "`x` is a PyDataset, `y` should not be passed"),
    "weights": (lambda: dict(x=generate(X, Y), sample_weight=W), "`sample_weight` should not"),
    "batch size": (lambda: dict(x=Loader(X, Y), batch_size=3), "`batch_size` should not be passed"),
    "split": (lambda: dict(x=Batches(X, Y), validation_split=0.1), "`validation_split` needs"),
    "shuffle": (lambda: dict(x=Batches(X, Y), shuffle="batch"), "shuffle='batch' needs arrays"),
    "validation batch size": (
        lambda: dict(x=X, y=Y, validation_data=Batches(X, Y), validation_batch_size=3),
        "`validation_data` is a PyDataset, `batch_size` should not",
    ),
    "empty generator": (lambda: dict(x=iter([])), "`x` is a generator that has given no batch"),
    "empty data set": (lambda: dict(x=Batches(X[:0], Y)), "`x` is a PyDataset that has given no"),
    "a number": (lambda: dict(x=iter([3.0])), "must give batches"),
    "four": (lambda: dict(x=iter([(X, Y, W, W)])), "must give batches"),
    "no targets": (lambda: dict(x=Batches(X)), "targets of batch 0 of x` is missing"),
    "lengths": (lambda: dict(x=Batches(X, Y[:49], size=50)), "cardinality.*batch 0 of x"),
    "shape": (lambda: dict(x=Batches(X[:, :5], Y)), "inputs of batch 0 of x` has shape"),
    "labels": (lambda: dict(x=Batches(X, Y + 9)), "targets of batch 0 of x"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused_before_training(name):
    make, message = BAD[name]
    model = make_model()
    before = weights_of(model)
    with pytest.raises(ValueError, match=message):
        model.fit(**make(), verbose=0)
    np.testing.assert_array_equal(weights_of(model), before)


def test_interrupting_leaves_no_worker():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    for processes in (False, True):
        with pytest.raises(KeyboardInterrupt):
            make_model().fit(
                Batches(X, Y, workers=2, use_multiprocessing=processes),
                verbose=0,
                callbacks=[Interrupt()],
            )


class StopError(Exception):
    pass


class Keep(keras.callbacks.Callback):
    """Keeps what a fit needs to go on, after some batches."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            model = self.model
            variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
            self.values = [variable.numpy() for variable in variables]
            self.order = json.loads(json.dumps(model._trainer.position.order.get_state()))
            raise StopError


class GoOn(keras.callbacks.Callback):
    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def on_train_begin(self, logs=None):
        position = self.model._trainer.position
        position.epoch, position.batch = self.kept.at[0], self.kept.at[1] + 1
        position.restore = self.restore

    def restore(self):
        model = self.model
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        for variable, value in zip(variables, self.kept.values, strict=True):
            variable.assign(value)
        model._trainer.position.order.set_state(self.kept.order)


@pytest.mark.parametrize("at", [(0, 0), (1, 1), (1, 3)])
@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("PyDataset", None),
        ("PyDataset", 2),
        ("two threads", None),
        ("loader", None),
        ("forever", 4),
    ],
)
def test_a_fit_goes_on_inside_an_epoch_of_a_stream(kind, steps, at):
    if steps is not None and at[1] >= steps:
        pytest.skip("there is no such batch")
    make = forever if kind == "forever" else SOURCES[kind]
    arguments = {"epochs": 2 if steps == 2 else 3, "verbose": 0, "steps_per_epoch": steps}
    whole = make_model()
    history = whole.fit(make(X, Y), **arguments).history
    keep = Keep(*at)
    with pytest.raises(StopError):
        make_model().fit(make(X, Y), callbacks=[keep], **arguments)
    resumed = make_model()
    keras.utils.set_random_seed(99)
    found = resumed.fit(make(X, Y), callbacks=[GoOn(keep)], **arguments).history
    assert found == {name: values[at[0] :] for name, values in history.items()}
    np.testing.assert_array_equal(weights_of(resumed), weights_of(whole))


def test_the_state_of_another_source_is_refused():
    keep = Keep(0, 1)
    with pytest.raises(StopError):
        make_model().fit(Batches(X, Y), callbacks=[keep], verbose=0)
    with pytest.raises(ValueError, match=r"'batches': 4.*'batches': 5"):
        make_model().fit(Batches(X, Y, size=10), callbacks=[GoOn(keep)], verbose=0)
