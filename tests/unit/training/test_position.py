"""A fit that begins where another one stopped."""

import numpy as np
import pytest

import hotloop
from hotloop.callbacks import Callback
from hotloop.training.loop import Order

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def order(shuffle=True, seed=1, samples=40):
    return Order(samples, 8, shuffle, np.random.Generator(np.random.Philox(seed)))


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("epochs", [0, 1, 3])
@pytest.mark.parametrize("steps", [2, 5])
def test_an_order_goes_on_from_its_state(shuffle, epochs, steps):
    first, second = order(shuffle), order(shuffle, seed=2)
    for _ in range(epochs):
        first.next_epoch()
        first.advance(steps)
    second.set_state(first.get_state())
    for _ in range(4):
        (begin, index), (other_begin, other_index) = first.next_epoch(), second.next_epoch()
        assert begin == other_begin
        assert (index is None) == (not shuffle)
        if shuffle:
            np.testing.assert_array_equal(index, other_index)
        first.advance(steps)
        second.advance(steps)


def test_an_order_refuses_the_state_of_other_data():
    state = order().get_state()
    with pytest.raises(ValueError, match=r"'samples': 40.*'samples': 41"):
        order(samples=41).set_state(state)


class StopError(Exception):
    pass


class Keep(Callback):
    """Keeps everything that a fit needs to go on, after some batches."""

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
            self.order = model._trainer.position.order.get_state()
            raise StopError


class GoOn(Callback):
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


def compiled():
    hotloop.utils.set_random_seed(3)
    layers = [hotloop.layers.Dense(4), hotloop.layers.Dropout(0.3), hotloop.layers.Dense(1)]
    model = hotloop.Sequential([hotloop.Input((3,)), *layers])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("at", [(0, 0), (1, 2), (1, 4), (2, 4)])
def test_fit_begins_inside_an_epoch(at):
    arguments = {"batch_size": 8, "epochs": 3, "verbose": 0}
    whole = compiled()
    history = whole.fit(X, Y, **arguments).history
    keep = Keep(*at)
    stopped = compiled()
    with pytest.raises(StopError):
        stopped.fit(X, Y, callbacks=[keep], **arguments)
    batches = []
    watch = hotloop.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    resumed = compiled()
    found = resumed.fit(X, Y, callbacks=[GoOn(keep), watch], **arguments)
    assert len(batches) == 15 - (5 * at[0] + at[1] + 1)
    assert found.epoch == list(range(at[0], 3))
    assert found.history == {name: values[at[0] :] for name, values in history.items()}
    for value, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_finished_fit_runs_no_epoch():
    model = compiled()

    class Finished(Callback):
        def on_train_begin(self, logs=None):
            self.model._trainer.position.finished = True

    assert model.fit(X, Y, epochs=3, verbose=0, callbacks=[Finished()]).epoch == []
    assert model._trainer.position is None
