"""Compiled steps, kept by the model that they belong to."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from hotloop import graph
from hotloop.ops import tree
from hotloop.training.data import Data
from hotloop.training.steps import Step

# Enough for the batch sizes and remainders of any normal program; bounds the memory of one that
# predicts on arrays of ever new lengths.
_CAPACITY = 64

# Rows that are predicted at once where rows do not depend on each other, if there are enough of
# them to be worth another plan, and elements that a tensor of so many rows may have.
_TOGETHER = 512
_WORTH = 16 * _TOGETHER
_LARGEST = 1 << 23
_GROUPS = 64  # groups of an evaluation between whose parts results are kept,
_WIDEST = 1 << 10  # and elements that a row may have there


class Plan:
    """One step for one batch size: compiled, or run eagerly where it cannot be traced.

    Calls from several threads at once run side by side, but for steps that change variables: those
    take turns. `tracing` is held by whoever traces the model.
    """

    def __init__(
        self,
        step: Step,
        specs: Sequence[tuple[tuple[int, ...], str]],
        eager: bool,
        tracing: AbstractContextManager[Any],
    ):
        self.batch_size = specs[0][0][0]
        self.tracing_error: graph.TracingError | None = None
        # Of the step's results, once it has been traced or run.
        self.structure: Any = None
        self._step = step
        self._tracing = tracing
        self._lock: AbstractContextManager[Any] = threading.Lock()
        self._executable: graph.Executable | None = None
        # Several batches as one, where that gives the same: made when it is worth it.
        self._grouped: graph.Executable | None = None
        # What an evaluation does with the results of each batch, while it is grouped.
        self._after: graph.Executable | None = None
        self._ungrouped: graph.Trace | None = None
        self._outputs: list[tuple[tuple[int, ...], str]] | None = None
        if not eager:
            try:
                trace = graph.trace(self._flat_step, specs)
            except graph.TracingError as error:
                self.tracing_error = error
            else:
                self._outputs = [(tensor.shape, tensor.dtype) for tensor in trace.outputs]
                self._executable = graph.compile(trace, batched=True)
                if not trace.updates:
                    self._lock = nullcontext()
                if step.plain and (not trace.updates or not trace.outputs):
                    self._ungrouped = trace

    def _flat_step(self, *tensors: Any) -> list[Any]:
        results = self._step(*tensors)
        self.structure = tree.map_structure(lambda tensor: None, results)
        return tree.flatten(results)

    @property
    def eager(self) -> bool:
        return self._executable is None

    def run(
        self,
        arrays: list[np.ndarray],
        *,
        index: np.ndarray | None,
        outputs: list[np.ndarray] | None,
        start: int,
        steps: int,
        budget: float | None,
    ) -> int:
        """Runs up to `steps` batches from batch `start`; returns how many. See `Executable.run`."""
        if self._executable is not None:
            with self._lock:
                size = 1
                if steps * self.batch_size >= _WORTH and (grouped := self._group()) is not None:
                    size = grouped.batch_size // self.batch_size
                if start % size == 0 and size > 1:
                    done = self._run_grouped(arrays, index, outputs, start, steps, budget)
                else:
                    done = self._executable.run(
                        arrays,
                        index=index,
                        outputs=outputs,
                        start=start,
                        steps=size - start % size if size > 1 else steps,  # where a group begins
                        budget=budget,
                    )
            self._step.publish_logs()
            return done
        place = slice(start * self.batch_size, (start + 1) * self.batch_size)
        rows = place if index is None else index[place]
        results = self.run_eagerly([array[rows] for array in arrays])
        for target, result in zip(outputs or (), results, strict=outputs is not None):
            target[place] = result
        self._step.publish_logs()
        return 1

    def _group(self) -> graph.Executable | None:
        """The step on several batches at once, if nobody can tell the difference."""
        with self._tracing:
            few, self._ungrouped = self._ungrouped, None
            if few is not None and self.batch_size <= _TOGETHER // 2:
                rows = _TOGETHER // self.batch_size * self.batch_size
                specs = [((rows, *tensor.shape[1:]), tensor.dtype) for tensor in few.inputs]
                many = graph.trace(self._flat_step, specs)
                if graph.rows.are_apart(few, many, _LARGEST):
                    self._grouped = graph.compile(many, batched=True)
                elif parts := graph.rows.cut(few, many, _LARGEST, _WIDEST):
                    self._grouped, self._after = (graph.compile(t, batched=True) for t in parts)
            return self._grouped

    def _run_grouped(
        self,
        arrays: list[np.ndarray],
        index: np.ndarray | None,
        outputs: list[np.ndarray] | None,
        start: int,
        steps: int,
        budget: float | None,
    ) -> int:
        """As `run`, from the beginning of a group on."""
        grouped: Any = self._grouped
        size = grouped.batch_size // self.batch_size
        if self._after is None:
            return size * grouped.run(
                arrays,
                index=index,
                outputs=outputs,
                start=start // size,
                steps=steps // size,
                budget=budget,
            )
        steps = min(steps // size, _GROUPS)
        first = start * self.batch_size
        if index is None:
            arrays = [array[first:] for array in arrays]
        else:
            index = index[first:]
        between = grouped.make_outputs(steps)
        done = size * grouped.run(arrays, index=index, outputs=between, steps=steps, budget=budget)
        return self._after.run(between, steps=done)

    @property
    def at_once(self) -> Callable[[Sequence[np.ndarray]], list[np.ndarray] | None]:
        """The results for one batch, None for arrays that do not fit. For compiled steps.

        Truth values come as int32. Nothing is published; see `Executable.at_once`.
        """
        executable: Any = self._executable
        if isinstance(self._lock, nullcontext):
            return executable.at_once

        def call(arrays: Sequence[np.ndarray]) -> list[np.ndarray] | None:
            with self._lock:
                return executable.at_once(arrays)

        return call

    def output_specs(self, arrays: list[np.ndarray]) -> list[tuple[tuple[int, ...], str]]:
        """Shape and dtype of the step's results; an eager step runs on the first batch for them."""
        if self._outputs is None:
            results = self.run_eagerly([array[: self.batch_size] for array in arrays])
            self._outputs = [(result.shape, result.dtype.name) for result in results]
        return self._outputs

    def run_eagerly(self, arrays: list[np.ndarray]) -> list[Any]:
        """One batch, operation by operation; returns the step's results as arrays."""
        with graph.Scope(symbolic=False):
            return [np.asarray(t) for t in self._flat_step(*map(graph.constant, arrays))]


class PlanCache:
    """The plans of one model, dropped when its layers, variables or `trainable` flags change."""

    def __init__(self) -> None:
        self._plans: OrderedDict[Hashable, Any] = OrderedDict()
        self._fingerprint: Hashable = None
        self._seen: object = None  # of `graph.structure`, when the fingerprint was taken
        # What served the last plain call of each kind; see `training.repeats`.
        self.repeats: dict[str, Any] = {}
        # Held while the model is traced or built: two threads must not build it twice.
        self.lock = threading.RLock()
        self._warned = False

    def clear(self) -> None:
        """Forgets all: the model runs in another way from now on."""
        with self.lock:
            self._plans.clear()
            self.repeats.clear()
            graph.structure.mark()

    def get(self, model: Any, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returned for `key` since the model last changed."""
        with self.lock:
            if self._seen is not graph.structure.seen:
                # Something changed, in this model or another one.
                seen = graph.structure.seen
                fingerprint = model_fingerprint(model)
                if fingerprint != self._fingerprint:
                    self._plans.clear()
                    self._fingerprint = fingerprint
                self._seen = seen
            found = self._plans.get(key)
            if found is not None:
                self._plans.move_to_end(key)
                return found
            made = make()
            # Making it may have built the model.
            self._seen = graph.structure.seen
            self._fingerprint = model_fingerprint(model)
            self._plans[key] = made
            while len(self._plans) > _CAPACITY:
                self._plans.popitem(last=False)
            return made

    def plan(self, model: Any, mode: str, data: Data, batch_size: int) -> Plan:
        """The plan of `mode` for batches of `batch_size` samples like those of `data`."""

        def make() -> Plan:
            specs = batch_specs(data, batch_size)
            plan = Plan(Step(model, mode, data), specs, model.run_eagerly, self.lock)
            if plan.tracing_error is not None and not self._warned:
                self._warned = True
                warnings.warn(
                    f"Model {model.name!r} runs eagerly, operation by operation, because it cannot "
                    f"be compiled: {plan.tracing_error}",
                    stacklevel=2,
                )
            return plan

        return self.get(model, (mode, batch_size, data.layout), make)


def batch_specs(data: Data, batch_size: int) -> list[tuple[tuple[int, ...], str]]:
    """Shape and dtype of each array of a batch."""
    return [((batch_size, *array.shape[1:]), array.dtype.name) for array in data.arrays]


def model_fingerprint(model: Any) -> Hashable:
    """Changes when layers, variables, metrics or `trainable` flags of the model do.

    Also when any optimizer gets other numbers (the learning rate apart) or a schedule: a model may
    train with several.
    """
    parts: list[Any] = [graph.numbers.seen]
    for layer in model._flatten_layers():
        parts += (id(layer), layer._trainable, layer._constants_version)
        for variable in layer._trainable_variables:
            parts += (id(variable), variable.trainable)
        for variable in layer._non_trainable_variables:
            parts += (id(variable), variable.trainable)
        for generator in layer._seed_generators:
            parts.append(id(generator.state))
        parts += map(id, layer._metrics)
    return tuple(parts)
