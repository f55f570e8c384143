"""Symbolic tensors with unknown dimensions, and the operations that connect them to models."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from hotloop.graph import Scope, Tensor, TracingError, canonical_dtype, constant
from hotloop.graph.operators import Operators
from hotloop.ops import tree
from hotloop.ops.naming import auto_name

# Two sizes that stand for an unknown dimension; result dimensions that differ are unknown too.
_STAND_INS = (83, 89)


class KerasTensor(Operators):
    """A value that will be given later: `shape` (None where unknown), `dtype` and `name`.

    Calling an operation (layer, model, function of `hotloop.ops`) on it records a `Node`; `node`,
    `node_index` and `tensor_index` say where a tensor came from.
    """

    __slots__ = (
        "__weakref__",
        "_keras_mask",
        "dtype",
        "name",
        "node",
        "node_index",
        "shape",
        "tensor_index",
    )

    def __init__(
        self, shape: Sequence[int | None], dtype: Any = "float32", name: str | None = None
    ):
        self.shape: tuple[int | None, ...] = tuple(
            None if dim is None else int(dim) for dim in shape
        )
        self.dtype = canonical_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.node: Node | None = None
        self.node_index = 0
        self.tensor_index = 0

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802
        """The tensor with its axes reversed."""
        from hotloop.ops.manipulation import transpose

        return transpose(self)

    def reshape(self, newshape: Any) -> Any:
        """The same elements in another shape, as `ops.reshape`."""
        from hotloop.ops.manipulation import reshape

        return reshape(self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """The tensor without axes of size 1, as `ops.squeeze`."""
        from hotloop.ops.manipulation import squeeze

        return squeeze(self, axis)

    def _refuse(self, what: str) -> NoReturn:
        raise TracingError(
            f"{what} of a symbolic KerasTensor (shape {self.shape}) does not exist: it has no "
            "value until the model is called. Use layers and functions of hotloop.ops on it."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self._refuse("The value")

    def __bool__(self) -> NoReturn:  # noqa: PLE0304
        self._refuse("The truth value")

    def __float__(self) -> NoReturn:
        self._refuse("float()")

    def __int__(self) -> NoReturn:
        self._refuse("int()")

    def __iter__(self) -> NoReturn:
        self._refuse("Iteration")

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a `KerasTensor`."""
    return isinstance(x, KerasTensor)


def any_symbolic(args: Any, kwargs: Any = None) -> bool:
    """Whether a `KerasTensor` is among the arguments, however nested."""
    return any(isinstance(x, KerasTensor) for x in tree.flatten((args, kwargs or {})))


class Node:
    """One call of an operation on symbolic tensors.

    `inputs` and `outputs` are flat lists of `KerasTensor`; `args` and `kwargs` are the call's own,
    `structure` its result in the nesting it was returned in.
    """

    __slots__ = ("args", "inputs", "kwargs", "operation", "outputs", "structure")

    def __init__(self, operation: Operation, args: Any, kwargs: Any, structure: Any):
        self.operation = operation
        self.args = tuple(args)
        self.kwargs = dict(kwargs)
        self.structure = structure
        flat = tree.flatten((self.args, self.kwargs))
        self.inputs: list[KerasTensor] = [x for x in flat if isinstance(x, KerasTensor)]
        self.outputs: list[KerasTensor] = [
            x for x in tree.flatten(structure) if isinstance(x, KerasTensor)
        ]
        for index, tensor in enumerate(self.outputs):
            tensor.node = self
            tensor.node_index = len(operation.nodes)
            tensor.tensor_index = index
        operation.nodes.append(self)

    @property
    def parents(self) -> list[Node]:
        """The nodes that made the inputs."""
        return [x.node for x in self.inputs if x.node is not None]

    def call_arguments(self, lookup: Callable[[KerasTensor], Any]) -> tuple[tuple[Any, ...], dict]:
        """The call's `args` and `kwargs` with each symbolic tensor replaced by `lookup(tensor)`."""

        def replace(x: Any) -> Any:
            return lookup(x) if isinstance(x, KerasTensor) else x

        return tree.map_structure(replace, self.args), tree.map_structure(replace, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node of {self.operation.name}: {self.inputs} → {self.outputs}>"


class Operation:
    """Something that can be called on values, and on symbolic tensors to build a model.

    Subclasses write `call` in functions of `hotloop.ops`. `nodes` lists the symbolic calls.
    """

    def __init__(self, name: str | None = None):
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r} of type {type(name).__name__}.")
        if name is not None and "/" in name:
            raise ValueError(f'name must not contain "/", got {name!r}.')
        self.name = name or auto_name(type(self).__name__)
        self.nodes: list[Node] = []

    def __getstate__(self) -> dict[str, Any]:
        # Calls are copied with the models made of them.
        return {**self.__dict__, "nodes": []}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the result from tensors."""
        raise NotImplementedError(f"{type(self).__name__} does not define `call`.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records a call on symbolic tensors and returns its symbolic result."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The result as symbolic tensors, found by tracing `call`."""
        return infer_output_spec(self.call, args, kwargs)

    def _first_node(self, what: str) -> Node:
        if not self.nodes:
            raise AttributeError(
                f"{self.name!r} has never been called on symbolic inputs and thus has no defined "
                f"`{what}`."
            )
        return self.nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the first call: a tensor, or a list of them."""
        inputs = self._first_node("input").inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def output(self) -> Any:
        """The symbolic result of the first call."""
        return self._first_node("output").structure


class FunctionOperation(Operation):
    """A function of `hotloop.ops` as part of a model."""

    def __init__(self, function: Callable[..., Any], name: str):
        super().__init__(auto_name(name))
        self.function = function
        # Arguments of every call, where a configuration keeps them with the operation.
        self.kwargs: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # By its name a module has the public function, which wraps this one.
        public = getattr(sys.modules.get(self.function.__module__), self.function.__name__, None)
        if getattr(public, "__wrapped__", None) is self.function:
            state["function"] = public
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.function = getattr(self.function, "__wrapped__", self.function)

    @classmethod
    def named(
        cls, function: Callable[..., Any], name: str | None, kwargs: dict[str, Any]
    ) -> FunctionOperation:
        """An operation of just this name, with arguments for every call."""
        operation = cls(getattr(function, "__wrapped__", function), function.__name__)
        operation.name = name or operation.name
        operation.kwargs = kwargs
        return operation

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs, **self.kwargs)


def infer_output_spec(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The result of `function` as symbolic tensors.

    Runs it on tensors without values, twice when a dimension is unknown: with two sizes in its
    place. What it assigns to variables is dropped.
    """
    first = _spec(function, args, kwargs, _STAND_INS[0])
    unknown = any(
        isinstance(x, KerasTensor) and None in x.shape for x in tree.flatten((args, kwargs))
    )
    if not unknown:
        return tree.map_structure(_as_keras_tensor, first)
    second = _spec(function, args, kwargs, _STAND_INS[1])
    return tree.map_structure(_merge, first, second)


def _spec(function: Callable[..., Any], args: Any, kwargs: Any, size: int) -> Any:
    with Scope(symbolic=True) as scope:

        def stand_in(x: Any) -> Any:
            if not isinstance(x, KerasTensor):
                return x
            shape = tuple(size if dim is None else dim for dim in x.shape)
            return Tensor("input", shape, x.dtype, (), {"index": 0}, origin=scope.serial)

        args = tree.map_structure(stand_in, tuple(args))
        kwargs = tree.map_structure(stand_in, dict(kwargs))
        try:
            result = function(*args, **kwargs)
        except (TypeError, ValueError) as error:
            readable = re.sub(rf"\b{size}\b", "None", str(error))
            if type(error) not in (TypeError, ValueError) or readable == str(error):
                raise
            raise type(error)(readable) from None
        return tree.map_structure(lambda x: None if x is None else constant(x), result)


def _as_keras_tensor(tensor: Tensor | None) -> KerasTensor | None:
    return None if tensor is None else KerasTensor(tensor.shape, tensor.dtype)


def _merge(a: Tensor | None, b: Tensor | None) -> KerasTensor | None:
    if a is None or b is None:
        return None
    if a.ndim != b.ndim:
        raise ValueError(
            f"The rank of a result depends on an unknown dimension: shapes {a.shape} and {b.shape} "
            f"for sizes {_STAND_INS[0]} and {_STAND_INS[1]}."
        )
    shape = [m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)]
    return KerasTensor(shape, a.dtype)
