"""What a tile program runs over, as far as it is decided: the domain of a cluster in the making.

Everything in a cluster is a value per element of the domain (FULL) or per row (ROW), in row-major
order, whatever its shape was. The number of columns is fixed by row reductions, by broadcasts of
row values and by column sums; other clusters leave it open until they are lowered. `cuts` are the
sizes of inner blocks at which some operand changes its stride: there the outer dimensions are cut.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_OUTER = 8  # HL_MAX_OUTER of csrc/tile/program.h
ROW_LIMIT = 32  # columns up to which rows are whole in panels and in epilogues


class Domain:
    """`size` FULL elements; `cols` None while open.

    `exact`: one outer dimension and no other cut (panels, epilogues). `batch`: batch size if the
    first dimension must be the rows of a batch, else 0.
    """

    __slots__ = ("batch", "cols", "cuts", "exact", "size")

    def __init__(self, size: int, cols: int | None, cuts: frozenset[int], exact: bool, batch: int):
        self.size = size
        self.cols = cols
        self.cuts = cuts
        self.exact = exact
        self.batch = batch

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Domain)
            and self.size == other.size
            and self.cols == other.cols
            and self.cuts == other.cuts
            and self.exact is other.exact
            and self.batch == other.batch
        )

    @property
    def rows(self) -> int:
        """Rows of a domain whose columns are decided."""
        assert self.cols is not None
        return self.size // self.cols

    def outer_and_cols(self) -> tuple[tuple[int, ...], int]:
        """The outer dimensions and columns to run with."""
        marks = set(self.cuts)
        if self.batch:
            marks.add(self.size // self.batch)
        if self.cols is None:
            marks.discard(self.size)
            cols = min(marks) if marks else self.size
        else:
            cols = self.cols
        if self.exact:
            return (self.size // cols,), cols
        outer = []
        inner = cols
        for mark in sorted(m for m in marks if m > cols):
            outer.append(mark // inner)
            inner = mark
        if self.size != inner:
            outer.append(self.size // inner)
        if self.batch == 1:
            outer.append(1)  # the batch keeps a dimension of its own
        return tuple(reversed(outer)), cols


def make_domain(
    size: int, cols: int | None, cuts: Iterable[int], exact: bool, batch: int
) -> Domain | None:
    """The domain, or None if its demands contradict each other."""
    cuts = frozenset([cut for cut in cuts if 1 < cut < size])
    if not cuts and not batch:
        return None if cols is not None and size % cols else Domain(size, cols, cuts, exact, 0)
    marks = set(cuts)
    if batch:
        if size % batch:
            return None
        inner = size // batch
        if (cols is not None and inner % cols) or any(cut > inner for cut in cuts):
            return None  # the rows of a batch are one dimension
        marks.add(inner)
    if cols is not None:
        if any(cut < cols for cut in cuts):
            return None
        marks.add(cols)
        if exact and (cuts - {cols} or (batch and size != batch * cols)):
            return None
    elif 1 in marks:  # one batch row is one element
        return None if len(cuts) else Domain(size, None, cuts, exact, batch)
    last = 1
    for mark in sorted(marks):
        if mark % last:
            return None
        last = mark
    if size % last or len(marks) > MAX_OUTER - 1:
        return None
    return Domain(size, cols, cuts, exact, batch)


def join(a: Domain, b: Domain) -> Domain | None:
    """The domain both can run over, or None. An open one may become the ROW part of the other."""
    if a.cols is None:
        if b.cols is not None:
            a, b = b, a
        elif a.size != b.size:
            return None
    if a.cols == b.cols or (b.cols is None and a.size == b.size):
        if a.size != b.size:
            return None
        if a == b:
            return a
        return make_domain(a.size, a.cols, a.cuts | b.cuts, a.exact or b.exact, a.batch or b.batch)
    if b.cols is not None or a.cols is None or a.size != b.size * a.cols:
        return None
    if a.exact and a.cols > ROW_LIMIT:
        return None
    cuts = a.cuts | {cut * a.cols for cut in b.cuts}
    if b.exact:
        return None
    return make_domain(a.size, a.cols, cuts, a.exact, a.batch or b.batch)


def widen(domain: Domain, cols: int) -> Domain | None:
    """An open domain as the ROW part of one with `cols` columns; a decided one if that is so."""
    if domain.cols is not None:
        return domain if domain.cols == cols else None
    if domain.exact:
        return None
    cuts = [cut * cols for cut in domain.cuts]
    return make_domain(domain.size * cols, cols, cuts, False, domain.batch)
