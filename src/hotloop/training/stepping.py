"""What happens in one batch: the methods of a model that programs override."""

from __future__ import annotations

import inspect
from typing import Any

from hotloop import graph, ops
from hotloop.graph import Tensor
from hotloop.ops import tree
from hotloop.training.compilation import Compilation
from hotloop.training.data import unpack_x_y_sample_weight


class Stepping(Compilation):
    """`train_step`, `test_step`, `predict_step`, and the losses and metrics that they compute.

    Overridden or not, they are traced once and run compiled, batch after batch; what cannot be
    traced (because it asks for values) runs eagerly, with a warning.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update on one batch. May be overridden.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`; see
                `utils.unpack_x_y_sample_weight`.

        Returns:
            What is logged, by name: tensors, numbers, or dictionaries of them. Where these are the
            names of the model's metrics, the metrics are read when somebody asks for them.

        Example:
            >>> def train_step(self, data):
            ...     x, y = data
            ...     y_pred = self(x, training=True)
            ...     loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
            ...     variables = self.trainable_variables
            ...     self.optimizer.apply(hotloop.gradients(loss, variables), variables)
            ...     for metric in self.metrics:
            ...         if metric.name == "loss":
            ...             metric.update_state(loss)
            ...         else:
            ...             metric.update_state(y, y_pred)
            ...     return {metric.name: metric.result() for metric in self.metrics}
        """
        return self.compute_metrics(*self._train_on(data))

    def test_step(self, data: Any) -> dict[str, Any]:
        """Loss and metrics of one batch. May be overridden. Arguments as for `train_step`."""
        return self.compute_metrics(*self._test_on(data))

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch, `x` or `(x,)`. May be overridden."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _train_on(self, data: Any) -> tuple[Any, Any, Any, Any]:
        """Updates the weights and the mean of the loss; returns x, y, y_pred, sample_weight."""
        x, y, weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self._compute_total_loss(x, y, y_pred, weight, training=True)
        self._track_loss(loss, x)
        variables = self.trainable_variables
        if variables:
            scaled = self.optimizer.scale_loss(loss)
            grads = graph.gradients(scaled, [variable.value for variable in variables])
            self.optimizer.apply(grads, variables)
        return x, y, y_pred, weight

    def _test_on(self, data: Any) -> tuple[Any, Any, Any, Any]:
        """Updates the mean of the loss; returns x, y, y_pred, sample_weight."""
        x, y, weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._track_loss(self._compute_total_loss(x, y, y_pred, weight, training=False), x)
        return x, y, y_pred, weight

    def _track_loss(self, loss: Tensor, x: Any) -> None:
        batch = next(float(leaf.shape[0]) for leaf in tree.flatten(x) if leaf is not None)
        self._loss_tracker.update_state(loss, sample_weight=ops.convert_to_tensor(batch))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The total loss of one batch: the compiled losses plus `self.losses`. May be overridden.

        Args:
            x: inputs.
            y: targets, or None.
            y_pred: predictions.
            sample_weight: weights, or None.
            training: whether this is a training step.

        Returns:
            float32 scalar.

        Raises:
            ValueError: there is neither a loss nor any `add_loss`.
        """
        del x, training
        total = None
        if self._trainer.compile_loss is not None:
            total = self._trainer.compile_loss(y, y_pred, sample_weight)
        for loss in self.losses:
            extra = ops.sum(ops.cast(loss, "float32"))
            total = extra if total is None else total + extra
        if total is None:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        return total

    def _compute_total_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
    ) -> Tensor:
        """`compute_loss`, overridden or not, with or without its `training` argument."""
        kwargs = {}
        if "training" in inspect.signature(self.compute_loss).parameters:
            kwargs["training"] = training
        made = self.compute_loss(x, y, y_pred, sample_weight, **kwargs)
        if made is None:
            raise ValueError(
                f"{type(self).__name__}.compute_loss() returned None. Return the loss of the batch."
            )
        loss = ops.convert_to_tensor(made)
        if loss.shape != ():
            raise ValueError(
                f"The loss of a batch must be a single number, but it has shape {loss.shape}. "
                "Reduce it, for instance with ops.mean, or use a loss with a reduction."
            )
        return loss

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Updates the compiled metrics with one batch and returns all results. May be overridden.

        Arguments as for `compute_loss`.
        """
        self._update_compiled_metrics(x, y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _update_compiled_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> None:
        del x
        losses, metrics = self._trainer.compile_loss, self._trainer.compile_metrics
        if metrics is None or y is None:
            return
        if losses is not None:  # Only the losses say which outputs have targets.
            y = losses.align(y, y_pred)
            if tree.is_nested(sample_weight):
                sample_weight = losses.align(sample_weight, y_pred, "sample_weight")
        metrics.update_state(y, y_pred, sample_weight=sample_weight)

    def _overrides(self, *methods: str) -> bool:
        """Whether the model's class has one of these methods from somewhere else."""
        return any(getattr(type(self), name) is not getattr(Stepping, name) for name in methods)
