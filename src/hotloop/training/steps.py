"""One batch of training, evaluation or prediction, as a function of its arrays.

The same function is traced into a plan or, with `run_eagerly=True`, called on every batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from hotloop import ops
from hotloop.graph import Variable
from hotloop.layers.refused_methods import refuse_overrides
from hotloop.training.data import Data, pack_positions, pack_x_y_sample_weight
from hotloop.training.results import flat_logs

# Why `make_train_function` and its like are not there.
STEPS_ARE_COMPILED = (
    "steps are compiled for the batches that they see. Override `train_step`, `test_step` or "
    "`predict_step`."
)


class Step:
    """The step of `mode` ("train", "test" or "predict") for data laid out like `data`.

    Takes one tensor per array of `Data.arrays`. Returns the model's outputs in "predict", an empty
    list otherwise: training and evaluation leave their results in variables. Those are the metrics,
    and `logs`, by name, where an overridden method returned something else than the metrics.
    """

    def __init__(self, model: Any, mode: str, data: Data) -> None:
        self._model = model
        self._mode = mode
        self._structure = data.structure
        self.logs: dict[str, Variable] | None = None
        refuse_overrides(model, f"make_{mode}_function", instead=STEPS_ARE_COMPILED)
        _check_signature(model, f"{mode}_step")
        self._plain = mode == "predict" or not model._overrides(
            f"{mode}_step", "compute_metrics", "get_metrics_result"
        )

    def __call__(self, *tensors: Any) -> Any:
        model = self._model
        data = pack_x_y_sample_weight(*pack_positions(self._structure, tensors))
        if self._mode == "predict":
            return model.predict_step(data)
        if self._plain:
            # Nobody looks at what the step returns: the metrics are read when they are asked for.
            done = model._train_on(data) if self._mode == "train" else model._test_on(data)
            model._update_compiled_metrics(*done)
            return []
        method = model.train_step if self._mode == "train" else model.test_step
        self._keep(method(data))
        return []

    @property
    def may_be_grouped(self) -> bool:
        """Whether the results are the same, if it treats rows alike, for several batches as one.

        Training changes the weights after each batch, and methods of the user's may count them.
        """
        return self._mode != "train" and self._plain

    def publish_logs(self) -> None:
        """Makes `logs` those of the model's last step of this mode."""
        if self.logs is not None:
            self._model._trainer.step_logs[self._mode] = self.logs

    def _keep(self, returned: Any) -> None:
        """Assigns what the step returned to `logs`, unless the metrics have it under its names."""
        if not isinstance(returned, Mapping):
            raise TypeError(
                f"{type(self._model).__name__}.{self._mode}_step() must return a dictionary of "
                f"what is to be logged, by name. It returned {returned!r}."
            )
        values = flat_logs(returned)
        if set(values) == set(self._model.get_metrics_result()):
            return
        if self.logs is None:
            self.logs = {}
        for name, value in values.items():
            tensor = ops.convert_to_tensor(value)
            if name not in self.logs:
                self.logs[name] = Variable(
                    ops.zeros(tensor.shape, tensor.dtype), trainable=False, name=name
                )
            self.logs[name].assign(tensor)


def _check_signature(model: Any, method: str) -> None:
    """Refuses the stateless `train_step(self, state, data)` of programs for one backend."""
    parameters = [
        parameter
        for parameter in inspect.signature(getattr(model, method)).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
    ]
    if len(parameters) > 1:
        raise NotImplementedError(
            f"{type(model).__name__}.{method}() takes {[p.name for p in parameters]}: steps that "
            "hand the state around are JAX's. Write "
            f"{method}(self, data): assign to variables, and take gradients with "
            "hotloop.gradients(loss, self.trainable_variables) or a hotloop.GradientTape."
        )
