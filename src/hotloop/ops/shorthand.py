"""Primitives by short names, for formulas of tensors that have one shape and dtype already."""

from __future__ import annotations

from hotloop.graph import Tensor, apply


def add(a: Tensor, b: Tensor) -> Tensor:
    return apply("add", [a, b])


def sub(a: Tensor, b: Tensor) -> Tensor:
    return apply("sub", [a, b])


def mul(a: Tensor, b: Tensor) -> Tensor:
    return apply("mul", [a, b])


def div(a: Tensor, b: Tensor) -> Tensor:
    return apply("div", [a, b])


def sqrt(x: Tensor) -> Tensor:
    return apply("sqrt", [x])


def log(x: Tensor) -> Tensor:
    return apply("log", [x])


def select(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return apply("select", [condition, a, b])
