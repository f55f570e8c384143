"""`compile`, and what a compiled model knows about itself: the half of `Trainer` without loops."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from hotloop import graph, optimizers, saving
from hotloop import metrics as metrics_module
from hotloop.training.arguments import check_count
from hotloop.training.compile_loss import CompileLoss
from hotloop.training.compile_metrics import CompileMetrics
from hotloop.training.results import MetricResults, flat_logs, plain, read_one_by_one
from hotloop.training.state import TrainerState


class Compilation:
    """Optimizer, loss and metrics of a model."""

    def __init__(self) -> None:
        self._trainer = TrainerState()
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configures the model for training.

        Args:
            optimizer: name, class or instance; see `hotloop.optimizers`.
            loss: name, class, instance, or callable `fn(y_true, y_pred)`, for every output, or a
                list or dictionary of these by output; None where the model's losses come from
                `add_loss` and regularizers alone.
            loss_weights: None, or the numbers that the losses are multiplied with, in the structure
                of `loss`.
            metrics: list of names, classes, instances and callables `fn(y_true, y_pred)`, for
                several outputs a list or dictionary of these (or of lists of these) by output;
                `"accuracy"` and `"crossentropy"` are resolved from the shapes. They do not see
                sample weights.
            weighted_metrics: likewise, with sample and class weights.
            run_eagerly: whether to call the step operation by operation, for debugging.
            steps_per_execution: batches between two calls of the callbacks' batch hooks; "auto"
                for one where a callback listens to batches, else as many as run between two looks
                at the progress display (which is what every other number does then, too).
            jit_compile: accepted for compatibility; steps are always compiled unless
                `run_eagerly`.
            auto_scale_loss: accepted for compatibility; float32 needs no scaling.

        Raises:
            ValueError, TypeError: an argument names nothing or has the wrong kind. The model keeps
                its previous configuration.
        """
        given = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        if jit_compile not in ("auto", True, False):
            raise ValueError(
                f"`jit_compile` must be 'auto', True or False. Received: {jit_compile!r}"
            )
        if not isinstance(auto_scale_loss, bool):
            raise ValueError(
                f"`auto_scale_loss` must be True or False. Received: {auto_scale_loss!r}"
            )
        if optimizer is None:
            raise ValueError("`optimizer` is None. Pass a name such as 'adam', or an optimizer.")
        if steps_per_execution != "auto":
            steps_per_execution = check_count(steps_per_execution, "steps_per_execution")
        optimizer = given["optimizer"] = optimizers.get(optimizer)
        names = getattr(self, "output_names", None)
        if loss is None and loss_weights is not None:
            raise ValueError("`loss_weights` was given without a `loss`.")
        compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)

        state = self._trainer
        with state.exclusive("compile", nested=True):
            state.optimizer = optimizer
            state.loss = loss
            state.compile_loss = compile_loss
            state.compile_metrics = compile_metrics
            state.loss_tracker = metrics_module.Mean(name="loss")
            state.run_eagerly = bool(run_eagerly)
            state.jit_compile = jit_compile
            state.steps_per_execution = steps_per_execution
            state.given = given
            state.plans.clear()
            state.compiled = True
        self.stop_training = False

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data; empty if it was not called."""
        if not self._trainer.compiled:
            return {}
        return saving.serialize_keras_object(_instances(self._trainer.given))

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Calls `compile` with the arguments that `get_compile_config` wrote.

        A class that overrides `compile` is left as it is, with a warning: override this method too.
        """
        if type(self).compile is not Compilation.compile:
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's "
                "`compile()` method is custom. All subclassed Models that have `compile()` "
                "overridden should also override `get_compile_config()` and "
                "`compile_from_config(config)`. Alternatively, you can call `compile()` manually "
                "after loading.",
                stacklevel=2,
            )
            return
        self.compile(**saving.deserialize_keras_object(config))
        variables = self.trainable_variables
        if self.built and variables:
            self.optimizer.build(variables)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._trainer.compiled

    @property
    def optimizer(self) -> Any:
        """The optimizer given to `compile`, or None."""
        return self._trainer.optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self._trainer.optimizer = optimizers.get(value)
        self._trainer.plans.clear()

    @property
    def loss(self) -> Any:
        """The loss as it was given to `compile`, or None."""
        return self._trainer.loss

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run operation by operation."""
        return self._trainer.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._trainer.run_eagerly = bool(value)
        self._trainer.plans.clear()

    @property
    def jit_compile(self) -> bool | str:
        """As given to `compile`; without effect."""
        return self._trainer.jit_compile

    @property
    def steps_per_execution(self) -> int | str:
        """Batches between two calls of batch hooks; "auto" as given to `compile`."""
        return self._trainer.steps_per_execution

    @property
    def _loss_tracker(self) -> Any:
        """The mean of the loss, for `train_step`s that update it themselves."""
        return self._trainer.loss_tracker

    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the compiled metrics, and the metrics of the model's layers."""
        found: list[Any] = []
        state = self._trainer
        if state.compiled:
            found.append(state.loss_tracker)
            if state.compile_metrics is not None:
                found.append(state.compile_metrics)
            if state.compile_loss is not None:
                found.extend(state.compile_loss.metrics)
        for layer in self._flatten_layers():
            # What another model was compiled with is that model's own business.
            if layer is self or not isinstance(layer, Compilation):
                found.extend(layer._metrics)
        return found

    @property
    def metrics_names(self) -> list[str]:
        """Names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def _known_metrics(self) -> list[Any]:
        """`metrics`, found once for a compiled model as it is now."""
        return self._trainer.plans.get(self, self._key("metrics"), lambda: self.metrics)

    def _key(self, what: str) -> tuple[str, int]:
        """A key for what depends on the metrics: those of the losses come when these are built."""
        compiled = self._trainer.compile_loss
        return what, 0 if compiled is None else len(compiled.metrics)

    def reset_metrics(self) -> None:
        """Sets every metric back to its start."""
        for metric in self._known_metrics():
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Current results of all metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {metric.name: value})
        return flat_logs(results)

    def _log_reader(self, mode: str = "train") -> Callable[[], dict[str, Any]]:
        """What reads the logs of a pass: Python floats, by name in alphabetical order.

        These are the results of all metrics, or what an overridden step returned last.
        """

        def make() -> Any:
            if not self.run_eagerly:
                try:
                    return MetricResults(self.get_metrics_result)
                except graph.TracingError:
                    pass  # A metric that needs values: read it as it is.
            return partial(read_one_by_one, self.get_metrics_result)

        state = self._trainer
        state.step_logs.pop(mode, None)

        def read() -> dict[str, Any]:
            own = state.step_logs.get(mode)
            if own is None:
                return state.plans.get(self, self._key("logs"), make)()
            return {name: plain(own[name].numpy()) for name in sorted(own)}

        return read

    def _logs_in_order(self, logs: dict[str, Any]) -> Any:
        """Logs as evaluate() returns them: the loss first; a number where it is the only one."""
        names: list[str] = []
        for metric in self._known_metrics():
            if isinstance(metric, CompileMetrics):
                names.extend(inner.name for inner in metric.metrics)
            else:
                names.append(metric.name)
        values = [logs[name] for name in names if name in logs]
        values += [logs[name] for name in sorted(logs) if name not in names]
        return values[0] if len(values) == 1 else values

    def _check_compiled(self, method: str) -> None:
        if not self._trainer.compiled:
            raise ValueError(
                f"You must call `compile()` before using the model. {method}() needs an optimizer "
                "and a loss, as in model.compile(optimizer='adam', loss='mse')."
            )


def _instances(value: Any) -> Any:
    """Classes among the arguments of `compile` as what they stand for, an object of each."""
    if isinstance(value, dict):
        return {key: _instances(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_instances(part) for part in value]
    return value() if inspect.isclass(value) else value
