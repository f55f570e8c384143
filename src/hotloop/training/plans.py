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
from hotloop.training.groups import Groups, worth
from hotloop.training.steps import Step

# Enough for the batch sizes and remainders of any normal program; bounds the memory of one that
# predicts on arrays of ever new lengths.
_CAPACITY = 64


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
        # Several batches as one, made of the trace when it is worth it.
        self.groups: Groups | None = None
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
                if step.may_be_grouped and not (trace.updates and trace.outputs):
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
                executable: graph.Executable | Groups = self._executable
                groups = self._group() if worth(steps * self.batch_size) else None
                if groups is not None:
                    if to_next := -start % groups.size:
                        steps = to_next
                    else:
                        executable = groups
                done = executable.run(
                    arrays, index=index, outputs=outputs, start=start, steps=steps, budget=budget
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

    def _group(self) -> Groups | None:
        with self._tracing:
            trace, self._ungrouped = self._ungrouped, None
            if trace is not None:
                self.groups = Groups.make(
                    trace, self.batch_size, lambda specs: graph.trace(self._flat_step, specs)
                )
            return self.groups

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
