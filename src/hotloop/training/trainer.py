"""fit, evaluate, predict and their one-batch forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotloop import graph
from hotloop._later import Later
from hotloop.random.seed import numpy_generator
from hotloop.training.arguments import (
    check_count,
    check_shuffle,
    check_validation_freq,
    check_validation_split,
    check_verbose,
    is_validation_epoch,
    limit_epochs,
    limit_steps,
)
from hotloop.training.arrays import is_streaming
from hotloop.training.data import Data, unpack_validation_data
from hotloop.training.preparing import Preparing
from hotloop.training.repeats import OneBatch, note_batch, note_prediction

if TYPE_CHECKING:
    from hotloop.callbacks import CallbackList, callback_list
    from hotloop.training import feeds, loop, sources
    from hotloop.training import runner as runners
    from hotloop.training.feeds import Feed
else:
    # For `fit` and its like; methods on one batch do without.
    callback_list = Later("hotloop.callbacks.callback_list")
    feeds = Later("hotloop.training.feeds")
    loop = Later("hotloop.training.loop")
    runners = Later("hotloop.training.runner")
    sources = Later("hotloop.training.sources")


class Trainer(Preparing):
    """Mix-in of `Model`: training, evaluation and prediction on arrays."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Trains the model.

        Everything is checked before the first update: a call that raises on its arguments leaves
        weights and optimizer as they were.

        Args:
            x: samples, `[samples, ...]` of any real dtype: arrays and tensors of NumPy, PyTorch,
                JAX and others, DataFrames, SciPy's sparse matrices; a list or dictionary of these
                for a model with several inputs. Or a source of batches `(x,)`, `(x, y)` or
                `(x, y, sample_weight)`: a `PyDataset`, a generator, a data set of `tf.data`, a
                `DataLoader`, or any object that can be iterated over; then without `y`,
                `sample_weight` and `batch_size`.
            y: targets, `[samples, ...]`, for several outputs a list or dictionary of these by
                output; None if the model needs none.
            batch_size: samples per update; None for 32.
            epochs: epoch to stop after (counted with `initial_epoch`).
            verbose: "auto", 0 (silent), 1 (progress bar) or 2 (one line per epoch).
            callbacks: list of `Callback`s.
            validation_split: share of the samples, the last ones, to hold back for validation.
            validation_data: `(x, y)` or `(x, y, sample_weight)`, or a source of batches; overrides
                `validation_split`.
            shuffle: whether to draw a new order for each epoch, of the samples of arrays or of the
                batches of a `PyDataset`; "batch" shuffles inside batches. Other sources come in
                their own order.
            class_weight: weight per class, by which the weights of the samples are multiplied;
                for several outputs, a list or dictionary of such dictionaries by output.
            sample_weight: weight per sample, or as the loss broadcasts it; for several outputs
                one weight per sample for all of them, or arrays in the structure of `y`.
            initial_epoch: epoch to start from.
            steps_per_epoch: batches per epoch; None for all. The next epoch goes on from there.
            validation_steps: batches to validate on; None for all.
            validation_batch_size: samples per validation batch; None for `batch_size`.
            validation_freq: validate after every so many epochs, or after the epochs of a list.

        Returns:
            The `History` of the run.

        Raises:
            ValueError, TypeError, NotImplementedError: naming the argument.
            RuntimeError: the model is training already.
        """
        self._check_compiled("fit")
        epochs = limit_epochs(check_count(epochs, "epochs", least=0))
        initial_epoch = check_count(initial_epoch, "initial_epoch", least=0)
        verbose = check_verbose(verbose)
        shuffle = check_shuffle(shuffle)
        split = check_validation_split(validation_split)
        freq = check_validation_freq(validation_freq)
        steps_per_epoch = check_count(steps_per_epoch, "steps_per_epoch", optional=True)
        batch_size = check_count(batch_size, "batch_size", optional=True)
        validation_steps = check_count(validation_steps, "validation_steps", optional=True)
        validation_batch_size = check_count(
            validation_batch_size, "validation_batch_size", optional=True
        )
        state = self._trainer
        with state.exclusive("fit", nested=False):
            parts, names = (x, y, sample_weight), ("x", "y", "sample_weight")
            held_back: tuple[Any, Any, Any] | None = None
            held_names = names
            if validation_data is not None:
                held_back, held_names = unpack_validation_data(validation_data)
            elif split:
                parts, held_back = sources.split_parts(parts, names, split)
            feed = feeds.make_feed(
                self,
                "train",
                parts,
                batch_size=batch_size,
                steps=steps_per_epoch,
                shuffle=shuffle,
                generator=numpy_generator(),
                class_weight=class_weight,
            )
            validation: Feed | None = None
            if held_back is not None:
                if validation_batch_size is None and not is_streaming(held_back[0]):
                    validation_batch_size = feed.batch_size
                validation = feeds.make_feed(
                    self,
                    "test",
                    held_back,
                    held_names,
                    batch_size=validation_batch_size,
                    steps=validation_steps,
                )
                validation_steps = limit_steps(validation_steps, validation.batches)
            steps_per_epoch = limit_steps(steps_per_epoch, feed.batches)
            self._build_optimizer()
            feed.open()
            if validation is not None:
                validation.open()

            steps = steps_per_epoch or feed.batches
            callbacks = self._callback_list(callbacks, verbose, epochs, steps, add_history=True)
            self.stop_training = False
            read_logs = self._log_reader("train")
            logs: dict[str, Any] = {}
            try:
                position = state.position = loop.Position(initial_epoch, feed.order, callbacks)
                callbacks.on_train_begin()
                position.reach()
                for epoch in position.epochs(epochs):
                    first = position.leave()
                    if not feed.may_begin():
                        loop.warn_out_of_data()
                        break
                    self.reset_metrics()
                    callbacks.on_epoch_begin(epoch)
                    if first:
                        position.reach()
                    loop.run_pass(
                        "train",
                        feed,
                        callbacks,
                        steps=steps_per_epoch,
                        steps_per_execution=self._batches_per_hook,
                        logs=read_logs,
                        stopped=lambda: self.stop_training,
                        first=first,
                    )
                    logs = read_logs()
                    if validation is not None and is_validation_epoch(epoch, freq):
                        results = self._run_evaluation(validation, callbacks, validation_steps)
                        logs.update({f"val_{name}": value for name, value in results.items()})
                    callbacks.on_epoch_end(epoch, logs)
                    if self.stop_training:
                        break
                if epochs > 0:
                    self.optimizer.finalize_variable_values(self.trainable_variables)
                callbacks.on_train_end(logs)
            finally:
                feed.close()
                if validation is not None:
                    validation.close()
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data, without training.

        Args:
            x, y, batch_size, verbose, sample_weight, callbacks: as for `fit`.
            steps: batches to look at; None for all.
            return_dict: whether to return a dictionary by name.

        Returns:
            The loss, or the list of loss and metrics, or the dictionary; Python floats.
        """
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        self._check_compiled("evaluate")
        verbose = check_verbose(verbose)
        batch_size = check_count(batch_size, "batch_size", optional=True)
        steps = check_count(steps, "steps", optional=True)
        with self._trainer.exclusive("evaluate", nested=True):
            feed = feeds.make_feed(
                self, "test", (x, y, sample_weight), batch_size=batch_size, steps=steps
            )
            feed.open()
            steps = limit_steps(steps, feed.batches)
            callbacks = self._callback_list(callbacks, verbose, 1, steps or feed.batches)
            try:
                logs = self._run_evaluation(feed, callbacks, steps)
            finally:
                feed.close()
            return logs if return_dict else self._logs_in_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for `x`. May be called from several threads at once.

        Args:
            x, batch_size, verbose, callbacks: as for `fit`.
            steps: batches to predict; None for all.

        Returns:
            Array `[samples, ...]`, or the model's structure of such arrays.
        """
        repeats = self._trainer.plans.repeats
        quiet = callbacks is None and isinstance(verbose, int) and verbose == 0 and steps is None
        if quiet and (last := repeats.get("predict")) is not None:
            outputs = last.repeat(x, batch_size)
            if outputs is not None:
                if self.stop_predicting:
                    self.stop_predicting = False
                return outputs
        seen = graph.structure.seen
        verbose = check_verbose(verbose)
        batch_size = check_count(batch_size, "batch_size", optional=True)
        steps = check_count(steps, "steps", optional=True)
        feed = feeds.make_feed(self, "predict", (x, None, None), batch_size=batch_size, steps=steps)
        feed.open()
        steps = limit_steps(steps, feed.batches)
        callbacks = self._callback_list(callbacks, verbose, 1, steps or feed.batches)
        feed.keep_outputs(steps)
        self.stop_predicting = False
        callbacks.on_predict_begin()
        try:
            done = loop.run_pass(
                "predict",
                feed,
                callbacks,
                steps=steps,
                steps_per_execution=self._batches_per_hook,
                logs=dict,
                stopped=lambda: self.stop_predicting,
                predicting=True,
            )
        finally:
            feed.close()
        callbacks.on_predict_end()
        if quiet and (only := feed.only_batch()) is not None:
            repeats["predict"] = note_prediction(seen, x, batch_size, *only)
        return feed.all_outputs(done)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One update on the samples given. Arguments and result as for `fit` and `evaluate`."""
        self._check_compiled("train_on_batch")
        with self._trainer.exclusive("train_on_batch", nested=True):
            if class_weight is None and sample_weight is None:
                last = self._trainer.plans.repeats.get("train")
                if last is not None:
                    logs = last.repeat(x, y, return_dict)
                    if logs is not None:
                        return logs
            return self._run_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of the samples given, as one batch. Result as for `evaluate`."""
        self._check_compiled("test_on_batch")
        with self._trainer.exclusive("test_on_batch", nested=True):
            if sample_weight is None:
                last = self._trainer.plans.repeats.get("test")
                if last is not None:
                    logs = last.repeat(x, y, return_dict)
                    if logs is not None:
                        return logs
            return self._run_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The model's outputs for the samples given, as one batch."""
        repeats = self._trainer.plans.repeats
        last = repeats.get("predict_on_batch")
        if last is not None:
            outputs = last.repeat(x, None)
            if outputs is not None:
                return outputs
        seen = graph.structure.seen
        data = self._make_data(x)
        runner = runners.BatchRunner(self, "predict", data, data.samples)
        outputs = runner.output_arrays(1)
        runner.run(0, 1, outputs=outputs)
        repeats["predict_on_batch"] = note_prediction(seen, x, None, data, runner.plan)
        return runner.pack_outputs(outputs, 1)

    def _run_batch(
        self, mode: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        """`train_on_batch` or `test_on_batch`, the long way."""
        data = self._weigh_classes(self._make_data(x, y, sample_weight), class_weight)
        checks = self._prepare(data, data.samples, "y")
        if mode == "train":
            self._build_optimizer()
        seen = graph.structure.seen
        one = self._one_batch(mode, data)
        if one is not None:
            self._trainer.plans.repeats[mode] = note_batch(seen, x, y, data, checks, one)
            return one.run(data.arrays, return_dict)
        runner = runners.BatchRunner(self, mode, data, data.samples)
        self.reset_metrics()
        read_logs = self._log_reader(mode)
        runner.run(0, 1)
        logs = read_logs()
        return logs if return_dict else self._logs_in_order(logs)

    def _one_batch(self, mode: str, data: Data) -> OneBatch | None:
        """The plan of a whole call on one batch; None where its parts cannot be one plan."""

        def make() -> OneBatch | bool:
            if not self._is_plain(mode):
                return False
            try:
                return OneBatch(self, mode, data)
            except graph.TracingError:
                return False  # The plan of the step will say so, once, and run eagerly.

        key = ("one batch", mode, data.samples, data.layout, *self._key("metrics"))
        return self._trainer.plans.get(self, key, make) or None

    def _run_evaluation(self, feed: Feed, callbacks: Any, steps: int | None) -> dict[str, Any]:
        self.stop_evaluating = False
        read_logs = self._log_reader("test")
        callbacks.on_test_begin()
        self.reset_metrics()
        loop.run_pass(
            "test",
            feed,
            callbacks,
            steps=steps,
            steps_per_execution=self._batches_per_hook,
            logs=read_logs,
            stopped=lambda: self.stop_evaluating,
        )
        logs = read_logs()
        callbacks.on_test_end(logs)
        return logs

    def _callback_list(
        self,
        callbacks: Any,
        verbose: Any,
        epochs: int,
        steps: int | None,
        add_history: bool = False,
    ) -> CallbackList:
        if isinstance(callbacks, callback_list.CallbackList):
            return callbacks
        if callbacks is None and verbose == 0 and not add_history:
            return callback_list.NOBODY
        return callback_list.CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
            model=self,
        )
