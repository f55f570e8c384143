"""Gradients for programs that write their own training step."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from hotloop import graph
from hotloop.ops import tree
from hotloop.ops.core import convert_to_tensor
from hotloop.ops.creation import zeros
from hotloop.ops.reductions import sum as sum_of


def gradients(loss: Any, variables: Sequence[Any]) -> list[graph.Tensor]:
    """The gradient of `loss` with respect to each variable (or tensor), in their shapes.

    For use in `train_step`, compiled or eager, and anywhere else inside a `GradientTape` block:
    values that are computed outside of one keep no record of what they were computed from.

    Args:
        loss: float32 tensor; the gradient is that of the sum of its elements.
        variables: variables or tensors that `loss` was computed from. A variable stands for the
            value it has now.

    Returns:
        float32 tensors, zero where `loss` does not depend on a variable.

    Raises:
        RuntimeError: outside of a step and of a `GradientTape` block.

    Example:
        >>> loss = self.compute_loss(x, y, self(x, training=True))
        >>> variables = self.trainable_variables
        >>> self.optimizer.apply(hotloop.gradients(loss, variables), variables)
    """
    if graph.current_scope() is None:
        raise RuntimeError(
            "hotloop.gradients() was called outside of a training step, where values keep no "
            "record of how they were made. Call it inside `train_step`, or inside a "
            "`with hotloop.GradientTape() as tape:` block (or use tape.gradient)."
        )
    targets = [v.value if isinstance(v, graph.Variable) else v for v in variables]
    return graph.gradients(convert_to_tensor(loss), targets)


class GradientTape:
    """Records what is computed in a `with` block, for `gradient`.

    In `train_step` it is traced with the rest of the step and costs nothing. Elsewhere the block
    runs operation by operation, and its assignments to variables happen when it ends.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether gradients exist for all variables (the default) or only
            for those passed to `watch`.

    Example:
        >>> with hotloop.GradientTape() as tape:
        ...     loss = loss_fn(y, model(x, training=True))
        >>> grads = tape.gradient(loss, model.trainable_weights)
        >>> optimizer.apply(grads, model.trainable_weights)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_all = watch_accessed_variables
        self._watched: list[Any] = []
        self._scope: graph.Scope | None = None
        self._own: graph.Scope | None = None
        self._at_start: dict[Any, graph.Tensor] = {}
        self._used = False

    def __enter__(self) -> GradientTape:
        if self._scope is not None:
            raise RuntimeError("A GradientTape is entered once. Make another one.")
        self._scope = graph.current_scope()
        if self._scope is None:
            self._scope = self._own = graph.Scope(symbolic=False)
            self._own.__enter__()
        self._at_start = dict(self._scope.updates)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own is not None:
            self._own.__exit__(kind, error, traceback)

    def watch(self, tensor: Any) -> None:
        """Names variables or tensors whose gradients will be asked for; nested ones too."""
        self._watched.extend(tree.flatten(tensor))

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of `target` with respect to `sources`, in their structure.

        Args:
            target: tensor, or structure of tensors whose sums are added up.
            sources: variables and tensors that the block computed with. A variable stands for the
                value that it had when the block began.
            output_gradients: None, or what to multiply `target` with, in its structure.
            unconnected_gradients: "none" or "zero": what to return where `target` does not depend
                on a source.

        Raises:
            RuntimeError: the block was not entered, or a second call without `persistent=True`.
        """
        if self._scope is None:
            raise RuntimeError(
                "GradientTape.gradient() was called on a tape that recorded nothing. Compute "
                "`target` inside `with hotloop.GradientTape() as tape:`."
            )
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients. "
                "Use GradientTape(persistent=True), or pass all sources at once."
            )
        unconnected = getattr(unconnected_gradients, "value", unconnected_gradients)
        if unconnected not in ("none", "zero"):
            raise ValueError(
                "`unconnected_gradients` must be 'none' or 'zero'. Received: "
                f"unconnected_gradients={unconnected_gradients!r}"
            )
        self._used = True
        if graph.current_scope() is None:
            # What is made here, the sum of the targets for one, has to be recorded too.
            with graph.Scope(symbolic=False):
                return self._gradient(target, sources, output_gradients, unconnected)
        return self._gradient(target, sources, output_gradients, unconnected)

    def _gradient(self, target: Any, sources: Any, output_gradients: Any, unconnected: str) -> Any:
        loss = self._total(target, output_gradients)
        flat = tree.flatten(sources)
        tensors = [self._tensor_of(source) for source in flat]
        known = [tensor for tensor in tensors if tensor is not None]
        made = iter(graph.gradients(loss, known))
        reached = {id(tensor) for tensor in graph.sort_topologically([loss])}
        results: list[Any] = []
        for source, tensor in zip(flat, tensors, strict=True):
            grad = None if tensor is None else next(made)
            if tensor is None or id(tensor) not in reached:
                shape = tuple(source.shape)
                grad = None if unconnected == "none" else zeros(shape, "float32")
            results.append(grad)
        return tree.pack_sequence_as(sources, results)

    def _total(self, target: Any, output_gradients: Any) -> graph.Tensor:
        parts = [convert_to_tensor(part) for part in tree.flatten(target)]
        weights = [None] * len(parts)
        if output_gradients is not None:
            weights = tree.flatten(output_gradients)
        total = None
        for part, weight in zip(parts, weights, strict=True):
            value = sum_of(part if weight is None else part * weight)
            total = value if total is None else total + value
        if total is None:
            raise ValueError("`target` is empty: there is nothing to take the gradient of.")
        return total

    def _tensor_of(self, source: Any) -> graph.Tensor | None:
        """What stands for a source in the record; None if the block did not use it."""
        if not self._watch_all and not any(source is other for other in self._watched):
            return None
        if not isinstance(source, graph.Variable):
            return source if isinstance(source, graph.Tensor) else None
        assert self._scope is not None
        found = self._at_start.get(source)
        return found if found is not None else self._scope.reads.get(source)
