"""The loss given to `compile`, resolved once the shapes of targets and predictions are known."""

from __future__ import annotations

from typing import Any

from hotloop import losses, ops
from hotloop.common.registry import to_snake_case


class CompileLoss:
    """A loss for the one output of a model, times an optional weight.

    Args:
        loss: string, `Loss`, loss class, callable `fn(y_true, y_pred)`, or one of these in a list
            of one or in a dictionary keyed by the output's name.
        loss_weights: None, a number, or a number in a list of one or in a dictionary likewise.
        output_names: names of the model's outputs, where it knows them.
    """

    def __init__(self, loss: Any, loss_weights: Any, output_names: list[str] | None) -> None:
        self._identifier = _only(loss, "loss", output_names)
        weight = _only(loss_weights, "loss_weights", output_names)
        if weight is not None:
            try:
                weight = float(weight)
            except (TypeError, ValueError):
                raise TypeError(
                    "`loss_weights` must be a number, or a list or dictionary with one number. "
                    f"Received: loss_weights={loss_weights!r}"
                ) from None
        self._weight = weight
        self.loss: Any = None
        if not _is_crossentropy(self._identifier):
            # Resolved at once, so that a misspelt name fails in `compile`.
            self.loss = _resolve(self._identifier)

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves `"crossentropy"` from anything with the shapes of targets and predictions."""
        if self.loss is None:
            self.loss = _resolve(_crossentropy_for(tuple(y_true.shape), tuple(y_pred.shape)))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted loss of one batch: a float32 scalar."""
        self.build(y_true, y_pred)
        try:
            value = ops.cast(self.loss(y_true, y_pred, sample_weight), "float32")
        except ValueError as error:
            weight = ""
            if sample_weight is not None:
                weight = f", with `sample_weight` of shape {tuple(sample_weight.shape)}"
            raise ValueError(
                f"The loss '{self.loss.name}' cannot compare `y` of shape {tuple(y_true.shape)} to "
                f"predictions of shape {tuple(y_pred.shape)}{weight}: {error}"
            ) from error
        return value if self._weight is None else value * self._weight


def _is_crossentropy(identifier: Any) -> bool:
    """True for the strings that stand for the crossentropy that suits the shapes."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def _crossentropy_for(true_shape: tuple[int, ...], pred_shape: tuple[int, ...]) -> str:
    if pred_shape[-1] == 1:
        return "binary_crossentropy"
    if len(true_shape) < len(pred_shape) or true_shape[-1] == 1:
        return "sparse_categorical_crossentropy"
    return "categorical_crossentropy"


def _resolve(identifier: Any) -> Any:
    found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    name = identifier if isinstance(identifier, str) else _function_name(found)
    return losses.LossFunctionWrapper(found, name=name)


def _function_name(function: Any) -> str:
    name = getattr(function, "name", None)
    if isinstance(name, str):
        return name
    return to_snake_case(getattr(function, "__name__", type(function).__name__))


def _only(value: Any, argument: str, output_names: list[str] | None) -> Any:
    """The one element of `value` where it is a list or dictionary."""
    if isinstance(value, dict):
        if len(value) == 1 and (not output_names or list(value) == output_names):
            return next(iter(value.values()))
        if output_names and len(output_names) == 1:
            raise ValueError(
                f"`{argument}` is a dictionary with the keys {list(value)}, but the model's output "
                f"is named {output_names[0]!r}."
            )
    elif not isinstance(value, (list, tuple)):
        return value
    elif len(value) == 1:
        return value[0]
    raise NotImplementedError(
        f"`{argument}` for several outputs is not supported yet. Received: {argument}={value!r}"
    )
