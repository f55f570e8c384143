"""Callbacks that watch and steer a training; how far they follow Keras is in tests/parity."""

import csv
import http.server
import json
import os
import re
import threading
import types
import urllib.parse

import numpy as np
import pytest

import hotloop
from hotloop import callbacks, layers
from hotloop.callbacks import CallbackList

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.integers(0, 2, size=(32, 1)).astype("float32")


def make(rate=0.1, **options):
    hotloop.utils.set_random_seed(1)
    model = hotloop.Sequential(
        [hotloop.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(1)]
    )
    model.compile(hotloop.optimizers.SGD(rate), "mse", metrics=["mae"], **options)
    return model


def fit(model, *given, **arguments):
    arguments = {"epochs": 3, "batch_size": 8, "verbose": 0, "shuffle": False, **arguments}
    return model.fit(X, Y, callbacks=list(given), **arguments)


def feed(callback, values, monitor="val_loss", model=None):
    """Runs the epoch hooks with made-up values of the metric; returns the epochs that ran."""

    class Model:
        stop_training = False
        metrics = ()
        weights = 0

        def get_weights(self):
            return [np.array(self.weights)]

        def set_weights(self, weights):
            self.weights = int(weights[0])

    model = model or Model()
    callback.set_model(model)
    callback.set_params({"epochs": len(values)})
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {} if value is None else {monitor: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch, model


# --- EarlyStopping


@pytest.mark.parametrize(
    ("options", "values", "last"),
    [
        ({}, [3.0, 2.0, 2.0, 1.0], 2),
        ({"patience": 2}, [3.0, 4.0, 5.0, 1.0], 2),
        ({"patience": 2}, [3.0, 4.0, 2.0, 4.0, 4.0, 4.0], 4),
        ({"min_delta": 0.5}, [3.0, 2.6, 1.0], 1),
        ({"min_delta": -0.5}, [3.0, 2.6, 1.0], 1),
        ({"mode": "max"}, [3.0, 4.0, 4.5, 4.0], 3),
        ({"baseline": 1.0, "patience": 2}, [3.0, 2.0, 1.5, 1.2], 3),
        ({"start_from_epoch": 3}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 4),
        ({"patience": 1}, [3.0], 0),
        ({}, [float("nan"), 2.0, 1.0], 1),
    ],
)
def test_when_early_stopping_stops(options, values, last):
    assert feed(callbacks.EarlyStopping(**options), values)[0] == last


def test_early_stopping_goes_back_to_the_best_weights(capsys):
    callback = callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    last, model = feed(callback, [3.0, 1.0, 2.0, 2.5, 2.6])
    assert (last, model.weights, callback.best, callback.best_epoch) == (3, 1, 1.0, 1)
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_a_missing_metric_is_warned_about():
    with pytest.warns(UserWarning, match="`val_loss` which is not available. Available metrics"):
        fit(make(), callbacks.EarlyStopping())
    with pytest.warns(UserWarning, match="`val_loss` which is not available. Available metrics"):
        fit(make(), callbacks.ReduceLROnPlateau())


def test_monitor_modes():
    with pytest.warns(UserWarning, match="EarlyStopping mode 'least' is unknown"):
        assert callbacks.EarlyStopping(mode="least").mode == "auto"

    class Odd(hotloop.metrics.Mean):
        pass

    model = make()
    model.compile("sgd", "mse", metrics=[lambda t, p: p])
    name = next(name for name in fit(model).history if name != "loss")
    with pytest.raises(ValueError, match=r"does not say.*mode='max' or mode='min'"):
        fit(model, callbacks.EarlyStopping(name))
    fit(model, callbacks.EarlyStopping(name, mode="max"))


@pytest.mark.parametrize(
    ("metric", "better"), [("accuracy", "more"), ("mae", "less"), ("mse", "less")]
)
def test_metrics_say_which_way_is_better(metric, better):
    model = make()
    model.compile("sgd", "mse", metrics=[metric])
    callback = callbacks.EarlyStopping(metric, patience=100)
    fit(model, callback)
    assert callback._is_improvement(2.0, 1.0) == (better == "more")


# --- learning rates


def test_plateau_reduces_and_says_so(capsys):
    class Model:
        metrics = ()
        stop_training = False
        optimizer = types.SimpleNamespace(learning_rate=1.0)

    callback = callbacks.ReduceLROnPlateau(
        factor=0.5, patience=1, cooldown=1, min_lr=0.2, verbose=1
    )
    feed(callback, [1.0] * 12, model=Model())
    assert Model.optimizer.learning_rate == 0.2
    assert re.findall(
        r"Epoch (\d+): ReduceLROnPlateau reducing learning rate to (\S+)\.\n",
        capsys.readouterr().out,
    ) == [("2", "0.5"), ("3", "0.25"), ("4", "0.2")]


def test_plateau_refuses():
    with pytest.raises(ValueError, match=r"factor >= 1.0. Received factor=1.5"):
        callbacks.ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match="epsilon"):
        callbacks.ReduceLROnPlateau(epsilon=1e-3)


def test_scheduler_sets_and_logs_rates(capsys):
    model = make()
    history = fit(model, callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1))
    np.testing.assert_allclose(history.history["learning_rate"], [0.05, 0.025, 0.0125])
    assert "\nEpoch 1: LearningRateScheduler setting learning rate to 0.05" in (
        capsys.readouterr().out
    )
    history = fit(model, callbacks.LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1)))
    np.testing.assert_allclose(history.history["learning_rate"], [1.0, 0.5, 1 / 3], rtol=1e-6)


def test_scheduler_refuses():
    with pytest.raises(TypeError, match="expects a function"):
        callbacks.LearningRateScheduler(0.1)
    with pytest.raises(ValueError, match=r"should be a float\. Got: 'fast'"):
        fit(make(), callbacks.LearningRateScheduler(lambda epoch: "fast"))

    def broken(epoch, rate):
        return rate + "x"

    with pytest.raises(TypeError, match="unsupported operand"):  # the user's own error, as it is
        fit(make(), callbacks.LearningRateScheduler(broken))


# --- TerminateOnNaN


def test_terminate_on_nan(capsys):
    model = make(rate=1e30)
    history = fit(model, callbacks.TerminateOnNaN())
    assert history.epoch == [0]
    assert re.fullmatch(r"Batch \d: Invalid loss, terminating training\n", capsys.readouterr().out)
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch"):
        fit(make(rate=1e30), callbacks.TerminateOnNaN(raise_error=True))


# --- CSVLogger


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(make(), callbacks.CSVLogger(path), validation_split=0.25)
    found = rows(path)
    assert found[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [float(row[1]) for row in found[1:]] == history.history["loss"]
    fit(make(), callbacks.CSVLogger(path, append=True), epochs=1, validation_split=0.25)
    assert len(rows(path)) == 5
    fit(make(), callbacks.CSVLogger(str(path), separator=";"), epochs=1)
    assert rows(path)[0] == ["epoch;loss;mae;val_loss;val_mae"]
    assert rows(path)[1][0].endswith(";NA;NA")


def test_csv_logger_writes_every_kind_of_value(tmp_path):
    callback = callbacks.CSVLogger(tmp_path / "log.csv")
    callback.on_train_begin()
    callback.on_epoch_end(0, {"a": np.array(1.5), "b": [1, 2], "c": "text", "d": np.array([3, 4])})
    callback.on_train_end()
    assert rows(tmp_path / "log.csv")[1][:5] == ["0", "1.5", '"[1, 2]"', "text", '"[3, 4]"']


# --- ModelCheckpoint


def test_checkpoint_names_and_messages(tmp_path, capsys):
    path = str(tmp_path / "deep" / "{epoch:02d}-{val_loss:.2f}.safetensors")
    callback = callbacks.ModelCheckpoint(path, save_weights_only=True, verbose=1)
    model = make()
    history = fit(model, callback, validation_split=0.25, epochs=2)
    names = [f"{i:02d}-{v:.2f}.safetensors" for i, v in enumerate(history.history["val_loss"], 1)]
    assert sorted(os.listdir(tmp_path / "deep")) == sorted(names)
    last = str(tmp_path / "deep" / names[-1])
    assert capsys.readouterr().out.endswith(
        f"\nEpoch 2: saving model to {last}\n\nEpoch 2: finished saving model to {last}\n"
    )
    other = make()
    other.load_weights(last)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoint_keeps_the_best(tmp_path, capsys):
    path = tmp_path / "best.safetensors"
    callback = callbacks.ModelCheckpoint(
        path, save_weights_only=True, save_best_only=True, verbose=1
    )
    model = make()
    callback.set_model(model)
    for epoch, value in enumerate([0.5, 0.7, 0.4]):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": value})
    text = capsys.readouterr().out
    assert f"Epoch 1: val_loss improved from None to 0.50000, saving model to {path}" in text
    assert "Epoch 2: val_loss did not improve from 0.50000" in text
    assert "Epoch 3: val_loss improved from 0.50000 to 0.40000" in text
    with pytest.warns(UserWarning, match="Can save best model only with val_loss available"):
        callback.on_epoch_end(3, {"loss": 1.0})
    with pytest.warns(UserWarning, match="a scalar value"):
        callback.on_epoch_end(3, {"val_loss": np.ones(2)})


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_checkpoint_by_batches(tmp_path, steps_per_execution):
    path = str(tmp_path / "{epoch}-{batch}.safetensors")
    callback = callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3)
    fit(make(steps_per_execution=steps_per_execution), callback)
    expected = {1: ["1-3", "2-2", "3-1", "3-4"], 3: ["1-3", "2-3", "3-3"]}[steps_per_execution]
    found = sorted(name.removesuffix(".safetensors") for name in os.listdir(tmp_path))
    assert found == expected


def test_checkpoint_refuses(tmp_path):
    with pytest.raises(NotImplementedError, match="save_weights_only=True"):
        callbacks.ModelCheckpoint(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"must end in `\.safetensors`"):
        callbacks.ModelCheckpoint(tmp_path / "m.weights.h5", save_weights_only=True)
    path = tmp_path / "{nothing}.safetensors"
    for freq in ("batch", 0, 1.5, True):
        with pytest.raises(ValueError, match="Unrecognized save_freq"):
            callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=freq)
    with pytest.raises(KeyError, match="Failed to format this callback filepath"):
        fit(make(), callbacks.ModelCheckpoint(path, save_weights_only=True))
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OSError, match="non-directory filepath"):
        fit(
            make(),
            callbacks.ModelCheckpoint(tmp_path / "folder.safetensors", save_weights_only=True),
        )


def test_only_counting_batches_brings_the_loop_back(tmp_path):
    path = tmp_path / "m.safetensors"
    quiet = [
        callbacks.ModelCheckpoint(path, save_weights_only=True),
        callbacks.BackupAndRestore(tmp_path / "b"),
        callbacks.EarlyStopping(),
        callbacks.CSVLogger(tmp_path / "c"),
    ]
    assert not CallbackList(quiet).overrides_train_batch
    counting = callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=2)
    assert CallbackList(counting).overrides_train_batch
    assert CallbackList(callbacks.BackupAndRestore("b", save_freq=2)).overrides_train_batch

    class Mine(callbacks.ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert CallbackList(Mine(path, save_weights_only=True)).overrides_train_batch


# --- RemoteMonitor


@pytest.fixture
def server():
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, dict(self.headers), body))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", received
        running.shutdown()
        thread.join()


def test_remote_monitor(server):
    root, received = server
    history = fit(make(), callbacks.RemoteMonitor(root), epochs=2)
    fit(
        make(),
        callbacks.RemoteMonitor(root, "/x", headers={"X-Me": "1"}, send_as_json=True),
        epochs=1,
    )
    path, _, body = received[1]
    assert path == "/publish/epoch/end/"
    sent = json.loads(urllib.parse.parse_qs(body.decode())["data"][0])
    assert sent == {"epoch": 1, **{name: v[1] for name, v in history.history.items()}}
    path, headers, body = received[2]
    assert (path, headers["X-Me"], headers["Content-Type"]) == ("/x", "1", "application/json")
    assert json.loads(body)["epoch"] == 0
    with pytest.warns(UserWarning, match="answered 500"):
        fit(make(), callbacks.RemoteMonitor(root, "/broken"), epochs=1)


def test_remote_monitor_without_a_server():
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at http://127"):
        fit(make(), callbacks.RemoteMonitor("http://127.0.0.1:9"), epochs=1)
    with pytest.raises(ValueError, match="http://"):
        callbacks.RemoteMonitor("file:///etc")


# --- TensorBoard


def events(folder):
    """(tag, step, value) of everything in the event files of a folder, and the graphs' nodes."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef

    found, nodes = [], []
    for name in sorted(os.listdir(folder)):
        data = (folder / name).read_bytes()
        while data:
            size = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + size])
            data = data[16 + size :]
            if event.graph_def:
                nodes += [
                    (n.name, list(n.input)) for n in GraphDef.FromString(event.graph_def).node
                ]
            found += [(v.tag, event.step, v) for v in event.summary.value]
    return found, nodes


def test_tensor_board(tmp_path):
    pytest.importorskip("tensorboardX")
    model = make()
    callback = callbacks.TensorBoard(
        tmp_path, histogram_freq=2, write_images=True, write_steps_per_second=True
    )
    history = fit(model, callback, validation_split=0.25).history
    found, nodes = events(tmp_path / "train")
    values = {(tag, step): value for tag, step, value in found}
    for epoch in range(3):
        for name in ("loss", "mae"):
            written = values[f"epoch_{name}", epoch].simple_value
            assert written == pytest.approx(history[name][epoch])
        assert values["epoch_learning_rate", epoch].simple_value == pytest.approx(0.1)
        assert values["epoch_steps_per_second", epoch].simple_value > 0
    path = model.layers[0].kernel.path
    assert values[f"{path}/histogram", 2].histo.num == 12
    assert (f"{path}/histogram", 1) not in values
    assert values[f"{path}/image", 0].image.width == 4
    names = [layer.name for layer in model.layers]
    assert [name for name, _ in nodes][-2:] == names
    assert nodes[-1] == (names[1], [names[0]])
    found, _ = events(tmp_path / "validation")
    steps = {(tag, step): value.simple_value for tag, step, value in found}
    assert steps["epoch_loss", 1] == pytest.approx(history["val_loss"][1])
    assert steps["evaluation_loss_vs_iterations", 6] == pytest.approx(history["val_loss"][1])


def test_tensor_board_by_batches(tmp_path):
    pytest.importorskip("tensorboardX")
    fit(make(), callbacks.TensorBoard(tmp_path, update_freq=3, write_graph=False), epochs=2)
    found, nodes = events(tmp_path / "train")
    assert [step for tag, step, _ in found if tag == "batch_loss"] == [3, 6]
    assert nodes == []


def test_tensor_board_refuses(tmp_path, monkeypatch):
    with pytest.raises(NotImplementedError, match="HOTLOOP_PROFILE=1"):
        callbacks.TensorBoard(tmp_path, profile_batch=2)
    with pytest.raises(NotImplementedError, match="embeddings_freq"):
        callbacks.TensorBoard(tmp_path, embeddings_freq=1)
    with pytest.raises(ValueError, match="update_freq"):
        callbacks.TensorBoard(tmp_path, update_freq="day")
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install hotloop\[tensorboard\]"):
        callbacks.TensorBoard(tmp_path)


# --- others


def test_orbax_says_what_to_use():
    with pytest.raises(NotImplementedError, match="BackupAndRestore"):
        callbacks.OrbaxCheckpoint  # noqa: B018
    with pytest.raises(AttributeError, match="EarlyStopping"):
        callbacks.EarlyStoping  # noqa: B018


class Watch(callbacks.Callback):
    """A callback of the user's own, with every hook."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def set_model(self, model):
        super().set_model(model)
        self.calls.append("set_model")

    def set_params(self, params):
        super().set_params(params)
        self.calls.append(("set_params", dict(params)))


def _watch(hook):
    def method(self, *args, **kwargs):
        self.calls.append(hook)

    return method


for _hook in [name for name in dir(callbacks.Callback) if name.startswith("on_")]:
    if "_batch" not in _hook or any(mode in _hook for mode in ("train", "test", "predict")):
        setattr(Watch, _hook, _watch(_hook))


def test_hooks_of_a_whole_training():
    watch = Watch()
    fit(make(), watch, epochs=1, batch_size=16, validation_split=0.5, validation_batch_size=16)
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]
    assert watch.calls == [
        "set_model",
        ("set_params", {"verbose": 0, "epochs": 1, "steps": 1}),
        "on_train_begin",
        "on_epoch_begin",
        *batch,
        *test,
        "on_epoch_end",
        "on_train_end",
    ]


def test_hooks_of_evaluate_and_predict():
    for method, name in (("evaluate", "test"), ("predict", "predict")):
        watch, model = Watch(), make()
        data = (X, Y) if name == "test" else (X,)
        getattr(model, method)(*data, batch_size=16, verbose=0, callbacks=[watch])
        batch = [f"on_{name}_batch_begin", f"on_{name}_batch_end"]
        assert watch.calls[2:] == [f"on_{name}_begin", *batch, *batch, f"on_{name}_end"]
        assert watch.model is model
        assert watch.calls[1][1]["steps"] == 2


def test_stopping_evaluate_and_predict():
    class Stop(callbacks.Callback):
        seen = 0

        def on_test_batch_end(self, batch, logs=None):
            self.seen += 1
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch, logs=None):
            self.seen += 1
            self.model.stop_predicting = True

    stop, model = Stop(), make()
    model.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[stop])
    assert stop.seen == 1
    assert len(model.predict(X, batch_size=8, verbose=0, callbacks=[stop])) == 8


# --- SwapEMAWeights


def averaging(**options):
    hotloop.utils.set_random_seed(1)
    model = hotloop.Sequential([hotloop.Input((4,)), layers.Dense(1)])
    model.compile(hotloop.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5, **options), "mse")
    model.fit(X, Y, epochs=1, verbose=0)
    model.optimizer._model_variables_moving_average[0].assign(np.full((4, 1), 5.0, "float32"))
    return model


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_averages_are_in_the_model_during_evaluation_only(method):
    model = averaging()
    before = model.get_weights()
    average = [v.numpy() for v in model.optimizer._model_variables_moving_average]
    seen = []
    look = callbacks.LambdaCallback(
        **{
            f"on_{'test' if method == 'evaluate' else 'predict'}_batch_end": (
                lambda batch, logs: seen.append(model.get_weights()[0])
            )
        }
    )
    data = (X, Y) if method == "evaluate" else (X,)
    swap = callbacks.SwapEMAWeights()
    getattr(model, method)(*data, batch_size=32, verbose=0, callbacks=[swap, look])
    np.testing.assert_array_equal(seen[0], average[0])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer._model_variables_moving_average, average, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)


def test_averages_survive_the_end_of_a_fit():
    model = averaging()
    ends = []
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(model.get_weights())
    )
    fit(model, callbacks.SwapEMAWeights(swap_on_epoch=True), watch, epochs=2)
    for a, b in zip(model.get_weights(), ends[-1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_swapping_needs_averages():
    with pytest.raises(ValueError, match=r"`use_ema=True`.*Received: use_ema=False"):
        make().evaluate(X, Y, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
