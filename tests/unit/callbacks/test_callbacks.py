import io
import re
import types

import numpy as np
import pytest

import hotloop
from hotloop.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger
from hotloop.utils import progbar

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
BAR = "━" * 20


class Model:
    history = None


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch_begin", epoch, logs))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch_end", epoch, logs))


class OldNames(Callback):
    def __init__(self):
        super().__init__()
        self.batches = []

    def on_batch_end(self, batch, logs=None):
        self.batches.append((batch, logs))


@pytest.fixture
def out(monkeypatch):
    stream = io.StringIO()
    # Not sys.stdout itself: pytest's capturing replaces that between a fixture and its test.
    monkeypatch.setattr(progbar, "sys", types.SimpleNamespace(stdout=stream, modules={}))
    return stream


def call(callback, hook):
    if "epoch" in hook or "batch" in hook:
        getattr(callback, hook)(3, {"loss": 1.0})
    else:
        getattr(callback, hook)({"loss": 1.0})


@pytest.mark.parametrize("hook", HOOKS)
def test_list_passes_every_hook_on(hook):
    seen = []
    callback = LambdaCallback(**{hook: lambda *args, **kwargs: seen.append((args, kwargs))})
    call(CallbackList([callback]), hook)
    assert len(seen) == 1
    values = [*seen[0][0], *seen[0][1].values()]
    assert values == ([3, {"loss": 1.0}] if "epoch" in hook or "batch" in hook else [{"loss": 1.0}])


@pytest.mark.parametrize("hook", HOOKS)
def test_only_batch_hooks_bring_the_loop_back(hook):
    callbacks = CallbackList(
        [LambdaCallback(**{hook: lambda *args, **kwargs: None})],
        add_history=True,
        add_progbar=True,
        verbose=1,
        epochs=1,
        steps=1,
    )
    flags = {
        "train": callbacks.overrides_train_batch,
        "test": callbacks.overrides_test_batch,
        "predict": callbacks.overrides_predict_batch,
    }
    if "batch" not in hook:
        expected = None
    elif "test" in hook:
        expected = "test"
    elif "predict" in hook:
        expected = "predict"
    else:
        expected = "train"
    assert flags == {mode: mode == expected for mode in flags}


def test_own_callbacks_do_not_bring_the_loop_back():
    callbacks = CallbackList(Recorder(), add_history=True, add_progbar=True)
    assert not callbacks.overrides_train_batch
    assert not callbacks.overrides_test_batch
    assert not callbacks.overrides_predict_batch


def test_old_batch_names():
    callback = OldNames()
    callbacks = CallbackList([[callback], ()])
    assert callbacks.overrides_train_batch
    callbacks.on_train_batch_end(2, {"loss": np.float32(0.5)})
    assert callback.batches == [(2, {"loss": 0.5})]


def test_subclass_of_the_progress_bar_may_watch_batches():
    class Watcher(ProgbarLogger):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    callbacks = CallbackList([Watcher()], add_progbar=True, verbose=0, epochs=1, steps=1)
    assert callbacks.overrides_train_batch
    assert not callbacks.overrides_test_batch
    assert len(callbacks.callbacks) == 1


def test_logs_are_sorted_plain_numbers():
    callback = Recorder()
    array = np.zeros((2, 3))
    CallbackList([callback]).on_epoch_end(
        1, {"loss": np.float32(0.5), "accuracy": np.array(1), "extra": {"b": 2}, "outputs": array}
    )
    logs = callback.calls[0][2]
    assert list(logs) == ["accuracy", "b", "loss", "outputs"]
    assert [type(logs[name]) for name in ("accuracy", "b", "loss")] == [float] * 3
    assert logs["outputs"] is array


def test_params_and_model_reach_every_callback():
    first, second, model = Recorder(), Recorder(), Model()
    callbacks = CallbackList([first], add_history=True, model=model, epochs=3, steps=2, verbose=0)
    callbacks.append(second)
    for callback in (first, second, callbacks.history):
        assert callback.model is model
        assert callback.params == {"epochs": 3, "steps": 2, "verbose": 0}
    assert model.history is callbacks.history


def test_given_history_is_used():
    history = History()
    callbacks = CallbackList([history], add_history=True)
    assert callbacks.history is history
    assert len(callbacks.callbacks) == 1


def test_history_keeps_all_epochs_over_several_fits():
    model = Model()
    callbacks = CallbackList(add_history=True, model=model)
    for epoch, loss in ((0, 2.0), (1, 1.0)):
        callbacks.on_train_begin()
        callbacks.on_epoch_end(epoch, {"loss": loss})
        callbacks.on_train_end()
    assert model.history.history == {"loss": [2.0, 1.0]}
    assert model.history.epoch == [1]


@pytest.mark.parametrize("wrong", [Recorder, 3, "History", object()])
def test_what_is_no_callback(wrong):
    with pytest.raises(TypeError, match="callbacks"):
        CallbackList([wrong])


def test_foreign_callbacks_with_all_hooks_work():
    calls = []
    methods = {name: lambda self, *a, **k: None for name in [*HOOKS, "set_params", "set_model"]}
    methods["on_epoch_end"] = lambda self, epoch, logs=None: calls.append(epoch)
    callbacks = CallbackList([type("Foreign", (), methods)()])
    callbacks.on_epoch_end(4)
    assert calls == [4]
    assert callbacks.overrides_train_batch


def test_lambda_callback_refuses_what_is_no_hook():
    with pytest.raises(TypeError, match="on_epoch_finish"):
        LambdaCallback(on_epoch_finish=print)
    with pytest.raises(TypeError, match="on_epoch_end"):
        LambdaCallback(on_epoch_end=3)


def run_fit(callbacks, epochs=2, steps=10, batchwise=False):
    callbacks.on_train_begin()
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for batch in range(steps):
            if batchwise:
                callbacks.on_train_batch_begin(batch)
                callbacks.on_train_batch_end(batch, {"loss": 0.5})
            else:
                callbacks.progress("train", batch + 1, lambda: {"loss": 0.5})
        callbacks.on_test_begin()
        callbacks.progress("test", 2, lambda: {"loss": 9.0})
        callbacks.on_test_batch_end(1, {"loss": 9.0})
        callbacks.on_test_end({"loss": 9.0})
        callbacks.on_epoch_end(epoch, {"val_loss": 9.0, "loss": 0.25})
    callbacks.on_train_end()


@pytest.mark.parametrize("batchwise", [False, True])
@pytest.mark.parametrize("verbose", [1, "auto", True])
def test_progress_of_fit(out, batchwise, verbose):
    run_fit(
        CallbackList(add_progbar=True, verbose=verbose, epochs=2, steps=10), batchwise=batchwise
    )
    lines = out.getvalue().splitlines()
    assert lines[0::2] == ["Epoch 1/2", "Epoch 2/2"]
    for line in lines[1::2]:
        assert re.fullmatch(
            rf"10/10 {BAR} \d+s \d+[mu]?s/step - loss: 0\.2500 - val_loss: 9\.0000", line
        )


def test_one_epoch_has_no_title(out):
    run_fit(CallbackList(add_progbar=True, verbose=2, epochs=1, steps=10), epochs=1)
    assert re.match(r"10/10 - \d+s - ", out.getvalue())
    assert out.getvalue().count("\n") == 1


def test_verbose_0_prints_nothing(out):
    run_fit(CallbackList(add_progbar=True, verbose=0, epochs=2, steps=10))
    assert out.getvalue() == ""


def test_unknown_length_is_learnt_in_the_first_epoch(out):
    run_fit(CallbackList(add_progbar=True, verbose=2, epochs=2, steps=None))
    assert [line.split(" - ")[0] for line in out.getvalue().splitlines()] == [
        "Epoch 1/2",
        "10/10",
        "Epoch 2/2",
        "10/10",
    ]


def test_progress_of_evaluate_and_predict(out):
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=3)
    callbacks.on_test_begin()
    callbacks.progress("test", 3, lambda: {"loss": 2.0, "accuracy": 0.25})
    callbacks.on_test_end({"loss": 1.0, "accuracy": 0.5})
    callbacks.on_predict_begin()
    callbacks.on_predict_batch_end(2, {"outputs": np.zeros((3, 2))})
    callbacks.on_predict_end()
    first, second = out.getvalue().splitlines()
    assert first.endswith("/step - accuracy: 0.5000 - loss: 1.0000")
    assert second.startswith(f"3/3 {BAR} ")
    assert second.endswith("/step")


@pytest.mark.parametrize(("verbose", "times"), [(0, 0), (1, 1), (2, 0)])
def test_metrics_are_read_where_they_are_wanted(out, verbose, times):
    reads = []

    def read():
        reads.append(1)
        return {"weighted": 0.5, "loss": 2.0}

    callbacks = CallbackList(add_progbar=True, verbose=verbose, epochs=1, steps=9)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    for batch in range(9):
        callbacks.progress("train", batch + 1, read)
    callbacks.progress("test", 3, read)
    assert len(reads) == times  # nothing is redrawn: this is no terminal
    callbacks.on_epoch_end(0, {"loss": 1.0, "val_loss": 3.0, "weighted": 0.25})
    if verbose == 1:
        # What was told first stays in front.
        text = out.getvalue()
        assert text.endswith("- loss: 1.0000 - weighted: 0.2500 - val_loss: 3.0000\n")


def test_a_callback_that_raises_is_heard():
    def fail(epoch, logs):
        raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        CallbackList([LambdaCallback(on_epoch_end=fail)]).on_epoch_end(0)


@pytest.mark.parametrize("listens", [False, True])
def test_a_stop_before_the_epoch_leaves_one_batch(listens):
    class Stop(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    class Count(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    model = hotloop.Sequential([hotloop.Input((2,)), hotloop.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((20, 2), np.float32)
    extra = [Count()] if listens else []
    history = model.fit(x, x[:, :1], batch_size=5, epochs=4, verbose=0, callbacks=[Stop(), *extra])
    assert history.epoch == [0, 1]
    assert int(model.optimizer.iterations) == 4 + 1
