"""One batch of training, evaluation or prediction, as a function of its arrays.

The same function is traced into a plan or, with `run_eagerly=True`, called on every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop import graph, ops
from hotloop.ops import tree
from hotloop.training.data import Data

Step = Callable[..., Any]


def make_step(model: Any, mode: str, data: Data) -> Step:
    """The step of `mode` ("train", "test" or "predict") for data laid out like `data`.

    The function takes one tensor per array of `Data.arrays` and returns the model's outputs in
    "predict", an empty list otherwise: training and evaluation leave their results in variables.
    """
    inputs = len(data.x)
    structure = data.structure
    has_y, has_weight = data.y is not None, data.sample_weight is not None

    def unpack(tensors: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        x = pack_inputs(structure, tensors[:inputs])
        y = tensors[inputs] if has_y else None
        weight = tensors[inputs + has_y] if has_weight else None
        return x, y, weight

    def train(*tensors: Any) -> list[Any]:
        x, y, weight = unpack(tensors)
        y_pred = single_output(model(x, training=True))
        loss = model._compute_total_loss(x, y, y_pred, weight, training=True)
        variables = model.trainable_variables
        if variables:
            grads = graph.gradients(loss, [variable.value for variable in variables])
            model.optimizer.apply(grads, variables)
        _update_metrics(model, loss, x, y, y_pred, weight)
        return []

    def test(*tensors: Any) -> list[Any]:
        x, y, weight = unpack(tensors)
        y_pred = single_output(model(x, training=False))
        loss = model._compute_total_loss(x, y, y_pred, weight, training=False)
        _update_metrics(model, loss, x, y, y_pred, weight)
        return []

    def predict(*tensors: Any) -> Any:
        return model(unpack(tensors)[0], training=False)

    return {"train": train, "test": test, "predict": predict}[mode]


def pack_inputs(structure: Any, flat: Any) -> Any:
    """The flat inputs in the structure (positions as leaves) that the model is called with."""
    return tree.map_structure(lambda position: flat[position], structure)


def single_output(y_pred: Any) -> Any:
    """The one tensor of a model's output.

    Raises:
        NotImplementedError: there are several.
    """
    flat = tree.flatten(y_pred)
    if len(flat) != 1:
        raise NotImplementedError(
            f"The model has {len(flat)} outputs: training and evaluation with several outputs are "
            "not supported yet (prediction is)."
        )
    return flat[0]


def _update_metrics(model: Any, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any) -> None:
    batch = float(tree.flatten(x)[0].shape[0])
    model._trainer.loss_tracker.update_state(loss, sample_weight=ops.convert_to_tensor(batch))
    if model._trainer.compile_metrics is not None and y is not None:
        model._trainer.compile_metrics.update_state(y, y_pred, sample_weight=weight)
