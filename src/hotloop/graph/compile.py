"""From a trace to something that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.graph.changes import layouts
from hotloop.graph.dtypes import BOOL, numpy_dtype
from hotloop.graph.evaluate import evaluate
from hotloop.graph.lower import lower
from hotloop.graph.primitives.registry import PRIMITIVES
from hotloop.graph.tensor import Tensor
from hotloop.graph.trace import Trace

if TYPE_CHECKING:
    from hotloop.graph import spread
else:
    spread = Later("hotloop.graph.spread")

_INT = np.dtype(np.int32)


def _reference(
    primitive: str,
    arrays: list[np.ndarray],
    attrs: dict[str, Any],
    shape: tuple[int, ...],
    dtype: str,
) -> np.ndarray:
    value = PRIMITIVES[primitive].reference(np.float32, attrs, *arrays)
    return np.asarray(value, numpy_dtype(dtype)).reshape(shape)


class _Port:
    """How an input or output crosses the border: bool is int32 inside."""

    __slots__ = ("dtype", "lanes", "shape")

    def __init__(self, tensor: Tensor, batched: bool):
        self.shape = tensor.shape[1:] if batched else tensor.shape
        self.dtype = numpy_dtype(tensor.dtype)
        self.lanes = _INT if tensor.dtype == BOOL else self.dtype


def _lanes(ports: list[_Port], tensors: Sequence[Tensor]) -> list[tuple[np.dtype, tuple[int, ...]]]:
    """Dtype and shape of each array as the plan has it."""
    return [(port.lanes, tensor.shape) for port, tensor in zip(ports, tensors, strict=True)]


def _never(arrays: Sequence[Any], results: Sequence[Any]) -> bool:
    """Stands for `Call.fill` where plans are not native."""
    return False


class Executable:
    """A compiled trace. `batched`: inputs and outputs are whole data sets, run batch by batch.

    `run` may be called from several threads at once, unless the trace assigns variables.
    """

    def __init__(self, trace: Trace, batched: bool):
        from hotloop._native import Call, Plan, get_num_threads

        self.batched = batched
        self.batch_size = trace.inputs[0].shape[0] if batched else 1
        self._most_threads = get_num_threads
        recipe = self._recipe = lower(trace, batched, evaluate, _reference)
        self._inputs = [_Port(tensor, batched) for tensor in trace.inputs]
        self._outputs = [_Port(tensor, batched) for tensor in trace.outputs]
        self._shapes = [tensor.shape for tensor in trace.inputs]
        assigns = bool(trace.updates)
        self._call = Call(
            make=lambda: recipe.make(Plan),
            variables=recipe.variables,
            layouts=layouts,
            assigns=assigns,
            batched=batched,
            inputs=_lanes(self._inputs, trace.inputs),
            outputs=_lanes(self._outputs, trace.outputs),
            reads=recipe.used_inputs,
            writes=recipe.used_outputs,
            array=np.ndarray,
            empty=np.empty,
        )
        # Writes into arrays that are all just as the plan has them, without a detour.
        self._fill: Callable[[Sequence[Any], Sequence[Any]], bool] = self._call.fill
        plan = recipe.make(Plan)
        self._call.idle.append(plan)
        # Batches that do not depend on each other, in steps too small for threads to share.
        self._side_by_side = (
            batched and not assigns and not any(s["parallel"] for s in plan.profile_table())
        )

    def describe(self) -> str:
        """The steps, one a line."""
        return "\n".join(self._recipe.text)

    def make_outputs(self, steps: int) -> list[np.ndarray]:
        """Arrays for the outputs of `steps` batches, as the plan has them: bool as int32."""
        rows = steps * self.batch_size
        return [np.empty((rows, *port.shape), port.lanes) for port in self._outputs]

    def run(
        self,
        inputs: Sequence[np.ndarray],
        *,
        index: np.ndarray | None = None,
        outputs: Sequence[np.ndarray] | None = None,
        start: int = 0,
        steps: int = 1,
        budget: float | None = None,
    ) -> int:
        """Runs `steps` batches from batch `start` on; returns how many were done.

        Row r of batch s is row `index[s * batch_size + r]` of each input (without an index, row
        `s * batch_size + r`); outputs are written to rows `s * batch_size + r` of `outputs`.
        Variables are updated in place after every batch. Returns early once `budget` seconds have
        passed. Not `batched`: inputs and outputs are whole arrays. Without `outputs` the results
        are thrown away. Where the trace has bool, int32 arrays of 0 and 1 do as well.

        Raises `ValueError` on shapes or numbers of arrays that do not fit, `TypeError` on dtypes,
        `IndexError` on row numbers out of range, `RuntimeError` if the executable assigns
        variables and is running in another thread.
        """
        if outputs is not None and steps == 1 and self._fill(inputs, outputs):
            return 1
        recipe = self._recipe
        if steps <= 0 or not recipe.text:
            self._given(inputs)
            return max(steps, 0)
        if outputs is not None and len(outputs) != len(self._outputs):
            raise ValueError(
                f"The compiled function has {len(self._outputs)} outputs, got {len(outputs)}."
            )
        batched = self.batched
        rows = (start + steps) * self.batch_size
        given = self._given(inputs)
        targets = []
        copies = []
        for i in recipe.used_outputs:
            port = self._outputs[i]
            wanted = None
            if outputs is not None:
                wanted = outputs[i]
                fits = wanted.dtype is port.lanes and wanted.flags.c_contiguous
                if not fits or batched or wanted.shape != port.shape:
                    self._check_output(i, port, wanted, rows)
                if fits:
                    targets.append(wanted)
                    continue
            target = np.empty((rows, *port.shape) if batched else port.shape, port.lanes)
            targets.append(target)
            if wanted is not None:
                copies.append((wanted, target))
        if self._side_by_side and steps >= 2 * spread.BATCHES_PER_THREAD:
            done = self._spread(given, targets, index, start, steps, budget or 0.0)
        elif batched:
            done = self._call.run((), given, targets, index, start, steps, budget or 0.0)
        else:
            done = self._call.run(given + targets, (), (), None, 0, steps, budget or 0.0)
        for wanted, target in copies:
            first = start * self.batch_size
            place = slice(first, first + done * self.batch_size) if batched else ...
            wanted[place] = target[place]
        return done

    def __call__(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Runs once, on whole arrays or on one batch; the results in new ones, bool as int32.

        Raises as `run` does, and `ValueError` if a batch has not as many rows as were compiled.
        """
        return self._results(inputs, False)

    def numbers(self, inputs: Sequence[np.ndarray]) -> list[Any]:
        """As a call, but results without axes come as Python floats."""
        return self._results(inputs, True)

    def fits(self, inputs: Sequence[np.ndarray]) -> bool:
        """Whether the inputs are just as they were compiled: a call need not convert them.

        That is plain C-contiguous arrays of the same shapes and dtypes, int32 in place of bool.
        """
        return self._call.fits(inputs)

    @property
    def at_once(self) -> Callable[[Sequence[np.ndarray]], list[np.ndarray] | None]:
        """The call without conversions and messages: None for inputs that do not fit."""
        return self._call

    @property
    def into(self) -> Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], bool]:
        """The run into arrays that are given, not `batched`, without conversions and messages.

        It takes inputs and outputs, and returns False if they do not fit.
        """
        return self._fill

    def _results(self, inputs: Sequence[np.ndarray], numbers: bool) -> list[Any]:
        results = self._call(inputs, numbers)
        if results is not None:
            return results
        self._given(inputs)  # says what does not fit
        arrays = [
            np.asarray(array, port.lanes, order="C")
            for array, port in zip(inputs, self._inputs, strict=True)
        ]
        results = self._call(arrays, numbers)
        if results is None:
            shapes = [np.shape(array) for array in inputs]
            raise ValueError(
                f"A call takes what was compiled, {self._shapes}; got shapes {shapes}."
            )
        return results

    def _spread(
        self,
        inputs: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
        index: np.ndarray | None,
        start: int,
        steps: int,
        budget: float,
    ) -> int:
        """Batches on as many threads as that is worth, each with a plan of its own."""
        threads = min(self._most_threads(), steps // spread.BATCHES_PER_THREAD)
        if threads < 2:
            return self._call.run((), inputs, outputs, index, start, steps, budget)
        plans = [self._call.take() for _ in range(threads)]

        def run_on(plan: Any) -> Callable[[int, int], object]:
            def run(first: int, count: int) -> None:
                self._call.bind(plan)
                plan.run((), inputs, outputs, index, first, count)

            return run

        def stop() -> None:
            for plan in plans:
                plan.stop()

        try:
            return spread.run_spread([run_on(plan) for plan in plans], stop, start, steps, budget)
        finally:
            self._call.idle.extend(plans)

    def use(self, plan_type: Any) -> None:
        """Has plans of another type run it from now on: for comparing."""
        self._fill = _never
        self._call.make = lambda: self._recipe.make(plan_type)
        self._call.idle.clear()

    def _given(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The arrays that the plan reads, in its order, checked."""
        if len(inputs) != len(self._inputs):
            raise ValueError(
                f"The compiled function takes {len(self._inputs)} inputs, got {len(inputs)}."
            )
        batched = self.batched
        given = []
        for i in self._recipe.used_inputs:
            port, array = self._inputs[i], inputs[i]
            fits = array.dtype is port.lanes and array.flags.c_contiguous
            if not fits or (array.shape[1:] if batched else array.shape) != port.shape:
                array = self._input(i, array)
            given.append(array)
        return given

    def _input(self, i: int, array: np.ndarray) -> np.ndarray:
        port = self._inputs[i]
        shape = array.shape[1:] if self.batched else array.shape
        if shape != port.shape or (self.batched and not array.ndim):
            wanted = f"(rows, {', '.join(map(str, port.shape))})" if self.batched else port.shape
            raise ValueError(f"Input {i} has shape {array.shape}; {wanted} was compiled.")
        if array.dtype != port.dtype and array.dtype != port.lanes:
            raise TypeError(f"Input {i} has dtype {array.dtype}; {port.dtype} was compiled.")
        return np.ascontiguousarray(array, port.lanes)

    def _check_output(self, i: int, port: _Port, array: np.ndarray, rows: int) -> None:
        shape = array.shape[1:] if self.batched else array.shape
        if shape != port.shape or (self.batched and len(array) < rows):
            wanted = f"at least {rows} rows of shape {port.shape}" if self.batched else port.shape
            raise ValueError(f"Output {i} has shape {array.shape}; {wanted} is needed.")
        if array.dtype != port.dtype and array.dtype != port.lanes:
            raise TypeError(f"Output {i} has dtype {array.dtype}; {port.dtype} is needed.")


def compile(trace: Trace, batched: bool) -> Executable:
    """An executable for `trace`.

    Raises `ValueError` if `batched` and the inputs do not have one batch size.
    """
    if batched:
        sizes = {tensor.shape[:1] for tensor in trace.inputs}
        if len(sizes) != 1 or () in sizes:
            shapes = ", ".join(str(tensor.shape) for tensor in trace.inputs)
            raise ValueError(f"Inputs of a batched function share their first axis; got {shapes}.")
    return Executable(trace, batched)
