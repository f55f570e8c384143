"""What has to be known before the first batch runs: data, shapes, and whether the targets suit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop import graph
from hotloop._later import Later
from hotloop.layers import Layer
from hotloop.ops import tree
from hotloop.training.compile_metrics import CompileMetrics
from hotloop.training.data import Data, make_data
from hotloop.training.outputs import at_path, name_leaves
from hotloop.training.plans import batch_specs
from hotloop.training.stepping import Stepping
from hotloop.training.targets import Check, target_check

if TYPE_CHECKING:
    from hotloop.training import class_weights
else:
    class_weights = Later("hotloop.training.class_weights")


class Preparing(Stepping):
    """Building a model, its losses and its metrics from data, and checking the data against them.

    Everything is found out once per layout of the data, but for the targets, which are all looked
    at.
    """

    def _make_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        names: Any = ("x", "y", "sample_weight"),
    ) -> Data:
        inputs, structure = self._input_specs(x, names[0])
        return make_data(
            x,
            y,
            sample_weight,
            inputs=inputs,
            input_structure=structure,
            names=tuple(names),
        )

    def _prepare(self, data: Data, batch_size: int, y_name: str) -> list[tuple[int, Check]]:
        """Builds the model, its loss and its metrics, and checks the targets against them.

        Returns what looks at the values of targets, and at which of the data's arrays.
        """
        batch = min(batch_size, data.samples)
        checks: list[tuple[int, Check]] = self._trainer.plans.get(
            self, ("checks", batch, data.layout, y_name), lambda: self._checks(data, batch, y_name)
        )
        for position, check in checks:
            check(data.arrays[position])
        return checks

    def _checks(self, data: Data, batch: int, y_name: str) -> list[tuple[int, Check]]:
        """Builds what there is to build. Raises on targets of a shape that does not suit their
        loss, and returns what is to be asked of their values.
        """
        checks = []
        for position, loss, shape, name in self._find_targets(data, batch, y_name):
            check = target_check(loss, data.arrays[position].shape, shape, name)
            if check is not None:
                checks.append((position, check))
        return checks

    def _find_targets(
        self, data: Data, batch: int, y_name: str
    ) -> list[tuple[int, Any, tuple[int, ...], str]]:
        """Builds what there is to build. Returns which of the data's arrays are targets of a loss,
        the loss, the shape of the predictions, and what the array is called.
        """
        if type(self).call is Layer.call:
            return []  # Its steps call its parts.
        y_pred = self._forward_spec(data, batch)
        losses, metrics = self._trainer.compile_loss, self._trainer.compile_metrics
        custom = self._overrides("train_step", "test_step", "compute_loss", "compute_metrics")
        positions = data.structure[1]
        if positions is None:
            wanted = losses is not None or (metrics is not None and metrics.requested)
            if wanted and not custom:
                raise ValueError(
                    f"`{y_name}` is missing: the model was compiled with a loss or metrics, which "
                    "need targets."
                )
            return []
        checks: list[tuple[int, Any, tuple[int, ...], str]] = []
        y_true = tree.map_structure(_first, data.y)
        try:
            if losses is not None:
                if not all(leaf.shape for leaf in tree.flatten(y_pred)):
                    raise ValueError(
                        "The model returns a single number for a whole batch; a loss needs one "
                        "prediction per sample."
                    )
                losses.build(y_true, y_pred)
                names = losses.align(name_leaves(positions, y_name), y_pred, y_name)
                positions = losses.align(positions, y_pred, y_name)
                for entry in losses.entries:
                    path = entry.path
                    position, shapes = at_path(positions, path), at_path(y_pred, path)
                    if isinstance(position, int):
                        checks.append((position, entry.loss, shapes.shape, at_path(names, path)))
                y_true = losses.align(y_true, y_pred)
            if metrics is not None:
                metrics.build(y_true, y_pred)
        except ValueError:
            if not custom:
                raise  # Otherwise what is compared with what is the overridden method's business.
        return checks

    def _is_plain(self, mode: str) -> bool:
        """Whether a call on one batch does nothing that is not known: no method overridden, and
        every metric reset and read as this package does it.
        """
        if self.run_eagerly or self._overrides(
            f"{mode}_step", "compute_metrics", "get_metrics_result", "reset_metrics"
        ):
            return False
        metrics = [leaf for metric in self._known_metrics() for leaf in _leaves(metric)]
        return all(type(metric).reset_state.__module__.startswith("hotloop.") for metric in metrics)

    def _weigh_classes(self, data: Data, class_weight: Any) -> Data:
        if class_weight is None:
            return data
        names = getattr(self, "output_names", None)
        return class_weights.weigh_classes(data, class_weight, names)

    @property
    def _batches_per_hook(self) -> int:
        steps = self.steps_per_execution
        return 1 if isinstance(steps, str) else steps

    def _forward_spec(self, data: Data, batch_size: int) -> Any:
        """What the model returns for a batch: its structure, with `shape`d leaves. Builds it."""

        def make() -> Any:
            spec: list[Any] = []

            def forward(*tensors: Any) -> list[Any]:
                outputs = self(data.pack(tensors)[0], training=False)
                spec.append(
                    tree.map_structure(lambda t: SimpleNamespace(shape=tuple(t.shape)), outputs)
                )
                return []

            if not self.run_eagerly:
                try:
                    graph.trace(forward, batch_specs(data, batch_size))
                    return spec[-1]
                except graph.TracingError:
                    pass  # The plan will say so, once, and run eagerly.
            with graph.Scope(symbolic=False) as scope:
                forward(*(graph.constant(array[:batch_size]) for array in data.arrays))
                scope.updates.clear()
            return spec[-1]

        key = ("forward", batch_size, data.layout)
        return self._trainer.plans.get(self, key, make)

    def _build_optimizer(self) -> None:
        """Makes the optimizer's variables, unless it has them for all that is to be trained."""
        optimizer = self.optimizer
        if not optimizer.built and (variables := self.trainable_variables):
            optimizer.build(variables)


def _first(array: np.ndarray | None) -> SimpleNamespace | None:
    """What a loss needs to know of a batch of targets."""
    return None if array is None else SimpleNamespace(shape=array.shape)


def _leaves(metric: Any) -> list[Any]:
    """The metrics that a compiled one stands for."""
    return metric.metrics if isinstance(metric, CompileMetrics) else [metric]
