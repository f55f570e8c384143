"""Random graphs over all primitives, with values for which float32 and float64 agree."""

from __future__ import annotations

import numpy as np

from hotloop.graph import Tensor, Variable, apply, constant, fill

_SHAPES = [
    (),
    (1,),
    (5,),
    (4, 6),
    (6, 4),
    (1, 7),
    (4, 1),
    (3, 2, 4),
    (2, 12),
    (4, 35),
    (24,),
    (40,),
]


class Maker:
    """Grows a graph from tensors, one random primitive at a time."""

    def __init__(self, rng: np.random.Generator, tensors: list[Tensor]):
        self.rng = rng
        self.tensors = list(tensors)

    def pick(self, dtype: str | None = None, rank: int | None = None) -> Tensor:
        """A tensor made before; recent ones are likelier."""
        fits = [
            t
            for t in self.tensors
            if (dtype is None or t.dtype == dtype) and (rank is None or t.ndim == rank) and t.size
        ]
        if not fits:
            shape = tuple(int(d) for d in self.rng.integers(1, 5, rank if rank is not None else 2))
            value = self.rng.integers(0, 3, shape)
            return constant(value, dtype)
        weights = np.arange(1.0, len(fits) + 1)
        return fits[self.rng.choice(len(fits), p=weights / weights.sum())]

    def like(self, x: Tensor) -> Tensor:
        """A tensor of the same shape and dtype, broadcast if need be."""
        same = [t for t in self.tensors if t.shape == x.shape and t.dtype == x.dtype]
        narrow = [
            t
            for t in self.tensors
            if t.dtype == x.dtype
            and t.ndim == x.ndim
            and t.shape != x.shape
            and all(a in (1, b) for a, b in zip(t.shape, x.shape, strict=True))
        ]
        way = self.rng.integers(4)
        if way == 0 and narrow:
            return apply("broadcast_to", [narrow[self.rng.integers(len(narrow))]], shape=x.shape)
        if way == 1:
            value = self.rng.integers(0, 3)
            return fill(bool(value) if x.dtype == "bool" else int(value), x.shape, x.dtype)
        if way == 2 and x.ndim:
            axis = int(self.rng.integers(x.ndim))
            if x.dtype == "int32":
                return apply("iota", [], shape=x.shape, axis=axis)
        return same[self.rng.integers(len(same))] if same else x

    def grow(self) -> None:
        """Adds one tensor."""
        kinds = [
            self.unary, self.binary, self.binary, self.compare, self.select, self.cast,
            self.reshape, self.transpose, self.broadcast, self.slice, self.pad, self.concat,
            self.reduce, self.reduce, self.arg, self.matmul, self.matmul, self.normalise,
            self.gather, self.scatter, self.scan, self.order, self.stack, self.factors,
        ]  # fmt: skip
        result = kinds[self.rng.integers(len(kinds))]()
        if result.dtype == "float32":
            # Keeps values small, so that errors stay small and nothing overflows.
            result = apply("tanh", [apply("mul", [result, fill(0.25, result.shape, "float32")])])
        elif result.dtype == "int32":
            result = apply("mod", [result, fill(7, result.shape, "int32")])
        self.tensors.append(result)

    def unary(self) -> Tensor:
        names = ["neg", "abs", "exp", "tanh", "sigmoid", "erf", "sin", "cos", "stop_gradient"]
        return apply(str(self.rng.choice(names)), [self.pick("float32")])

    def binary(self) -> Tensor:
        x = self.pick(str(self.rng.choice(["float32", "float32", "int32"])))
        return apply(str(self.rng.choice(["add", "sub", "mul", "max", "min"])), [x, self.like(x)])

    def compare(self) -> Tensor:
        """Of whole numbers: rounding must not decide."""
        x = self.pick("int32")
        return apply(str(self.rng.choice(["eq", "ne", "lt", "le"])), [x, self.like(x)])

    def select(self) -> Tensor:
        c = self.pick("bool")
        x = self.pick("float32")
        if x.shape != c.shape:
            x = apply("cast", [c], dtype="float32")
        return apply("select", [c, x, self.like(x)])

    def cast(self) -> Tensor:
        way = self.rng.integers(3)
        if way == 0:
            return apply("cast", [self.pick("int32")], dtype="float32")
        if way == 1:
            return apply(
                "cast", [self.pick("bool")], dtype=str(self.rng.choice(["int32", "float32"]))
            )
        return apply("cast", [self.pick("int32")], dtype="bool")

    def reshape(self) -> Tensor:
        x = self.pick()
        fits = [s for s in _SHAPES if int(np.prod(s)) == x.size] + [
            (x.size,),
            (1, x.size),
            (x.size, 1),
        ]
        return apply("reshape", [x], shape=fits[self.rng.integers(len(fits))])

    def transpose(self) -> Tensor:
        x = self.pick()
        return apply("transpose", [x], perm=tuple(int(a) for a in self.rng.permutation(x.ndim)))

    def broadcast(self) -> Tensor:
        x = self.pick()
        shape = tuple(int(self.rng.integers(2, 5)) if d == 1 else d for d in x.shape)
        return x if x.size > 400 else apply("broadcast_to", [x], shape=shape)

    def slice(self) -> Tensor:
        x = self.pick()
        start, stop, step = [], [], []
        for d in x.shape:
            a, b = sorted(int(v) for v in self.rng.integers(0, d, 2))
            s = int(self.rng.integers(1, 3))
            if self.rng.integers(4) == 0:
                a, b, s = b, a, -s
                start, stop, step = [*start, a], [*stop, b - 1], [*step, s]
            else:
                start, stop, step = [*start, a], [*stop, b + 1], [*step, s]
        return apply("slice", [x], start=start, stop=stop, step=step)

    def pad(self) -> Tensor:
        x = self.pick()
        if x.size > 300 or not x.ndim:
            return x
        low, high = self.rng.integers(0, 3, (2, x.ndim)).tolist()
        return apply("pad", [x], low=low, high=high)

    def concat(self) -> Tensor:
        x = self.pick()
        if not x.ndim or x.size > 300:
            return x
        axis = int(self.rng.integers(x.ndim))
        return apply("concat", [x, self.like(x), x][: int(self.rng.integers(1, 4))], axis=axis)

    def _axes(self, x: Tensor) -> tuple[int, ...]:
        return tuple(a for a in range(x.ndim) if self.rng.integers(2))

    def reduce(self) -> Tensor:
        x = self.pick(str(self.rng.choice(["float32", "int32"])))
        return apply(str(self.rng.choice(["sum", "amax", "amin", "prod"])), [x], axes=self._axes(x))

    def arg(self) -> Tensor:
        x = self.pick("int32")
        if not x.ndim:
            return x
        axis = int(self.rng.integers(x.ndim))
        return apply(str(self.rng.choice(["argmax", "argmin"])), [x], axis=axis)

    def matmul(self) -> Tensor:
        a, b = self.pick("float32", 2), self.pick("float32", 2)
        for ta, tb in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if a.shape[0 if ta else 1] == b.shape[1 if tb else 0]:
                return apply("matmul", [a, b], ta=bool(ta), tb=bool(tb))
        return apply("matmul", [a, a], ta=True, tb=False)

    def _rows(self, x: Tensor) -> Tensor:
        """As (batch, rows, columns)."""
        if x.ndim == 3:
            return x
        shape = {0: (1, 1, 1), 1: (1, x.size, 1), 2: (1, *x.shape)}[x.ndim]
        return apply("reshape", [x], shape=shape)

    def _indices(self, batch: int, count: int, rows: int) -> Tensor:
        """Row numbers, some of them one too low or too high; computed ones where they fit."""
        shape = (batch if self.rng.integers(2) else 1, count)
        size = shape[0] * count
        fits = [t for t in self.tensors if t.dtype == "int32" and t.size == size]
        if fits and self.rng.integers(2):
            return apply("reshape", [fits[self.rng.integers(len(fits))]], shape=shape)
        return constant(self.rng.integers(-1, rows + 1, shape), "int32")

    def gather(self) -> Tensor:
        x = self._rows(self.pick())
        count = int(self.rng.integers(1, 7))
        indices = self._indices(x.shape[0], count, x.shape[1])
        bits = 1 if x.dtype == "bool" else int(self.rng.choice([0, 0x3F000000]))
        rows = apply("gather", [x, indices], fill=bits)
        return rows if self.rng.integers(2) else apply("reshape", [rows], shape=(rows.size,))

    def scatter(self) -> Tensor:
        x = self._rows(self.pick(str(self.rng.choice(["float32", "int32"]))))
        rows = int(self.rng.integers(1, 7))
        indices = self._indices(x.shape[0], x.shape[1], rows)
        combine = str(self.rng.choice(["sum", "max", "min", "prod"]))
        result = apply("scatter", [indices, x], rows=rows, combine=combine)
        if combine in ("max", "min"):  # infinite where there is nothing
            low, high = (fill(b, result.shape, x.dtype) for b in (-3, 3))
            result = apply("max", [apply("min", [result, high]), low])
        return result

    def scan(self) -> Tensor:
        x = self.pick(str(self.rng.choice(["float32", "int32"])))
        if not x.ndim:
            return x
        name = str(self.rng.choice(["cumsum", "cumprod"]))
        axis, reverse = int(self.rng.integers(x.ndim)), bool(self.rng.integers(2))
        return apply(name, [x], axis=axis, reverse=reverse)

    def order(self) -> Tensor:
        """Of whole numbers: rounding must not decide."""
        x = self.pick("int32")
        if not x.ndim or self.rng.integers(2):
            line = constant(np.sort(self.rng.integers(-3, 9, 5)), "int32")
            return apply("searchsorted", [line, x], right=bool(self.rng.integers(2)))
        return apply("argsort", [x], descending=bool(self.rng.integers(2)))

    def stack(self) -> Tensor:
        """Products of stacks of matrices, broadcast, transposed or computed."""
        a = self.pick("float32", 3)
        if self.rng.integers(3) == 0:
            a = apply("transpose", [a], perm=(1, 0, 2))
        b = a
        for t in self.tensors:
            if t.dtype == "float32" and t.ndim == 3:
                b = t if t.shape[0] == a.shape[0] and t.shape[2] == a.shape[2] else b
        if self.rng.integers(3) == 0:
            ruler = apply("iota", [], shape=(1, 3, a.shape[2]), axis=1)
            small = apply("cos", [apply("cast", [ruler], dtype="float32")])
            b = apply("broadcast_to", [small], shape=(a.shape[0], 3, a.shape[2]))
        if self.rng.integers(2):
            b = apply("transpose", [b], perm=(0, 2, 1))
            return apply("batch_matmul", [a, b])
        if self.rng.integers(2):
            a = apply("transpose", [a], perm=(0, 2, 1))
            return apply("batch_matmul", [a, b], ta=True, tb=True)
        return apply("batch_matmul", [a, b], tb=True)

    def factors(self) -> Tensor:
        """Of matrices that are far from singular: theirs is what no rounding decides."""
        x = self.pick("float32", 3)
        square = apply("batch_matmul", [x, x], tb=True)
        ruler = apply("iota", [], shape=square.shape, axis=1)
        on = apply("eq", [ruler, apply("iota", [], shape=square.shape, axis=2)])
        heavy = apply("mul", [apply("cast", [on], dtype="float32"),
                              fill(20.0, square.shape, "float32")])  # fmt: skip
        square = apply("add", [apply("tanh", [square]), heavy])
        way = self.rng.integers(4)
        if way == 0:
            lower, trans = bool(self.rng.integers(2)), bool(self.rng.integers(2))
            return apply("triangular", [square, x], lower=lower, trans=trans)
        if way == 1:
            return apply("qr", [square], complete=bool(self.rng.integers(2)))
        return apply("cholesky" if way == 2 else "lu", [square])

    def normalise(self) -> Tensor:
        """What layers do: x minus its mean over some axes, or a softmax."""
        x = self.pick("float32")
        if not x.ndim:
            return x
        axes = self._axes(x) or (x.ndim - 1,)
        top = apply("broadcast_to", [apply("amax", [x], axes=axes)], shape=x.shape)
        e = apply("exp", [apply("sub", [x, top])])
        total = apply("broadcast_to", [apply("sum", [e], axes=axes)], shape=x.shape)
        return apply("div", [e, total])


def random_variables(rng: np.random.Generator) -> list[Variable]:
    """Variables of several shapes and dtypes."""
    shapes = [(4, 6), (6, 4), (5,), (), (6, 35)]
    made = [
        Variable(rng.normal(size=s).astype(np.float32), name=f"v{i}") for i, s in enumerate(shapes)
    ]
    return [*made, Variable(rng.integers(-3, 4, (4, 6)), dtype="int32", name="counts")]
