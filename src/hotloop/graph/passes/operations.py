"""Operations in canonical form, the memory they read, and how they read it."""

from __future__ import annotations

import math
from typing import Any

from hotloop.graph.passes.domain import Domain

FLAT, EXPAND, GENERAL = "flat", "expand", "general"


class Leaf:
    """Memory the plan does not compute: `kind` is "const", "input" or "variable"."""

    __slots__ = ("batch", "dtype", "kind", "panel", "shape", "size", "what")

    def __init__(
        self, kind: str, what: Any, shape: tuple[int, ...], dtype: str, batch: int, panel: bool
    ):
        self.kind = kind
        self.what = what  # array, index of the input, or Variable
        self.shape = shape
        self.size = math.prod(shape)
        self.dtype = dtype
        self.batch = batch  # the batch size if rows are looked up, else 0
        self.panel = panel


class Buffer:
    """Memory that several `part` operations fill."""

    __slots__ = ("dtype", "parts", "size")

    def __init__(self, size: int, dtype: str):
        self.size = size
        self.dtype = dtype
        self.parts: list[Op] = []


class Splat:
    """One number for every element."""

    __slots__ = ("dtype", "value")

    def __init__(self, value: Any, dtype: str):
        self.value = value
        self.dtype = dtype


class Ref:
    """An operand: `size` elements of `root`, read in row-major order over `dims`.

    `kind` FLAT: all of root, in order. EXPAND: all of root, each element `dims[-1]` times.
    """

    __slots__ = ("dims", "kind", "offset", "root", "size", "strides")

    def __init__(
        self, root: Any, dims: list[int], strides: list[int], offset: int, size: int, kind: str
    ):
        self.root = root
        self.dims = dims
        self.strides = strides
        self.offset = offset
        self.size = size
        self.kind = kind


class Matrix:
    """An operand of a product."""

    __slots__ = ("ld", "offset", "panel", "root", "trans")

    def __init__(self, root: Any, offset: int, ld: int, trans: bool, panel: bool):
        self.root = root
        self.offset = offset
        self.ld = ld
        self.trans = trans
        self.panel = panel


class Op:
    """One operation. `kind`:

    map      elementwise `name` of FLAT operands
    uniform  random numbers; `args` is the key
    rowred   `name` over the columns of each row: one element per row
    columns  `name` over the rows of each column; the result is in memory only
    total    `name` over everything; the result is in memory only
    gemm     product of the two matrices `args`
    block    `name` (a kind of csrc/plan/plan.h) of whole arrays; `imm` holds its sizes; the result
             is in memory only
    part     stores its operand into `buffer` at `view`
    store    stores its operand into `variable`
    """

    __slots__ = (
        "args",
        "buffer",
        "deps",
        "domain",
        "dtype",
        "imm",
        "kind",
        "name",
        "number",
        "outputs",
        "size",
        "variable",
        "view",
    )

    def __init__(
        self, kind: str, name: str, args: list[Any], size: int, dtype: str, domain: Domain
    ):
        self.kind = kind
        self.name = name
        self.args = args
        self.size = size
        self.dtype = dtype
        self.domain = domain
        self.number = -1
        self.deps: list[
            tuple[Op, str]
        ] = []  # how the other must come before: FLAT, EXPAND, GENERAL
        self.outputs: list[int] = []
        self.variable: Leaf | None = None
        self.buffer: Buffer | None = None
        self.view: Ref | None = None
        self.imm: Any = 0

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.size}>"
