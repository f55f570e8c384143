"""EinsumDense: a Dense layer whose product is any Einstein sum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hotloop import activations, constraints, initializers, ops, regularizers
from hotloop.graph import Tensor, Variable
from hotloop.initializers import VarianceScaling
from hotloop.layers.input_spec import InputSpec
from hotloop.layers.layer import Layer
from hotloop.layers.weight import refuse_arguments

# Inputs, kernel, result; the dots stand for axes that are not named.
_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: `"ab,bc->ac"`; the first letter of inputs and result is the batch. Axes may be
            left out at one side of both: `"...x,xy->...y"`, `"ax...,xy->ay..."`.
        output_shape: the result's shape without the batch and the axes left out, None for sizes
            that are those of the inputs; an int for one size.
        activation: name or function; None for none.
        bias_axes: letters of the result that the bias has a size for; None for no bias.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer: penalties.
        kernel_constraint, bias_constraint: projections after each update.
        kwargs: see `Layer`.

    Weights: `kernel`, with the sizes of its letters; `bias`, from the first letter in `bias_axes`
    on, with 1 for letters that are not in it.

    Raises:
        ValueError: the equation has another form, or does not fit the shapes.
        NotImplementedError: an argument about quantization or LoRA is given.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        refuse_arguments(
            "EinsumDense",
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        super().__init__(**kwargs)
        self.equation = equation
        single = isinstance(output_shape, int)
        self.partial_output_shape: tuple[Any, ...] = (
            (output_shape,) if single else tuple(output_shape)  # type: ignore[arg-type]
        )
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None

    def build(self, input_shape: Sequence[int | None]) -> None:
        sizes = _Sizes(self.equation, self.bias_axes, input_shape, self.partial_output_shape)
        initializer = self.kernel_initializer
        if isinstance(initializer, VarianceScaling) and None in (
            initializer.input_axes,
            initializer.output_axes,
        ):
            # Which axes of the kernel are inputs and which outputs, only the equation knows.
            axes = {"input_axes": sizes.input_axes, "output_axes": sizes.output_axes}
            config = {**initializer.get_config(), "seed": initializer.seed, **axes}
            initializer = type(initializer).from_config(config)
        self._kernel = self.add_weight(
            name="kernel",
            shape=sizes.kernel,
            initializer=initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if sizes.bias is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=sizes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))

    @property
    def kernel(self) -> Variable:
        """The kernel. Raises `AttributeError` before the layer is built."""
        if "_kernel" not in self.__dict__:
            raise AttributeError("You must build the layer before accessing `kernel`.")
        return self._kernel

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = ops.einsum(self.equation, ops.cast(inputs, self.compute_dtype), self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        if self.activation is not None:
            x = self.activation(x)
        return x

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        sizes = _Sizes(self.equation, self.bias_axes, input_shape, self.partial_output_shape)
        return sizes.output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }


class _Sizes:
    """What an equation and the shapes of inputs and result say about kernel and bias.

    `output` is the whole result's shape, `kernel` and `bias` (None for none) those of the weights;
    `input_axes` and `output_axes` are the kernel's axes that the inputs and the result have.
    """

    def __init__(
        self, equation: str, bias_axes: str | None, input_shape: Any, partial: tuple[Any, ...]
    ) -> None:
        form = _FORM.fullmatch(equation)
        if form is None:
            raise _bad_form(equation)
        left, source, right, weight, out_left, result, out_right = form.groups()
        if (left, right) != (out_left, out_right) or (left and right):
            raise _bad_form(equation)
        if right and len(source) < 2:
            raise _bad_form(equation)
        hidden = len(input_shape) - len(source)
        if hidden < 0 or (hidden and not (left or right)):
            raise ValueError(
                f"The equation '{equation}' is for inputs with {len(source)} axes. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        shape = tuple(input_shape)
        # The batch is among the axes that are not named if those are on the left.
        before, named, after = shape[:0], shape, shape[:0]
        found = (shape[0], *partial)
        if left:
            before, named, found = shape[:hidden], shape[hidden:], partial
        elif right:
            named, after = shape[: len(source)], shape[len(source) :]
        if len(found) != len(result):
            raise ValueError(
                f"The equation '{equation}' has a result with axes '{result}', for which "
                f"output_shape={partial} has not one size each (without the batch)."
            )
        sizes = dict(zip(source, named, strict=True))
        results = dict(zip(result, found, strict=True))
        results = {c: sizes.get(c) if size is None else size for c, size in results.items()}
        self._check(equation, source, weight, result, sizes, results)
        self.output: tuple[int | None, ...] = (*before, *results.values(), *after)
        self.kernel = [results[c] if c in results else sizes[c] for c in weight]
        self.output_axes = [i for i, c in enumerate(weight) if c in results]
        self.input_axes = [i for i, c in enumerate(weight) if c not in results]
        self.bias = None if bias_axes is None else _bias_shape(bias_axes, result, results)
        if self.bias is not None and right:
            self.bias += [1] * hidden

    @staticmethod
    def _check(
        equation: str,
        source: str,
        weight: str,
        result: str,
        sizes: dict[str, Any],
        results: dict[str, Any],
    ) -> None:
        for letter in source:
            if letter in results and results[letter] not in (None, sizes[letter]):
                raise ValueError(
                    f"Input shape and output shape do not match at shared dimension '{letter}' of "
                    f"'{equation}'. Input shape is {sizes[letter]}, and output shape is "
                    f"{results[letter]}."
                )
        for letter in result:
            if letter not in source and letter not in weight:
                raise ValueError(
                    f"Dimension '{letter}' of the output '{result}' is neither in the input "
                    f"'{source}' nor in the weight '{weight}' of '{equation}'."
                )
        for letter in weight:
            if letter not in source and letter not in result:
                raise ValueError(
                    f"Weight dimension '{letter}' of '{equation}' is neither in the input "
                    f"'{source}' nor in the output '{result}': its size is unknown."
                )


def _bias_shape(bias_axes: str, result: str, sizes: dict[str, Any]) -> list[Any]:
    for letter in bias_axes:
        if letter not in result:
            raise ValueError(
                f"Bias dimension '{letter}' was requested, but is not part of the output '{result}'"
            )
    first = min(result.index(letter) for letter in bias_axes)
    return [sizes[letter] if letter in bias_axes else 1 for letter in result[first:]]


def _bad_form(equation: str) -> ValueError:
    return ValueError(
        f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], "
        "...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
    )
