"""Clusters: which operations become one step.

Every operation starts alone and joins the clusters of what it reads, if one domain serves both, if
it reads them element by element, and if no path leads from one through a third cluster to the
other. Products come last: each takes a cluster that consumes it as its epilogue; a cluster that
also reduces over rows is first cut in two.

Sets of clusters are bits of Python integers.
"""

from __future__ import annotations

import itertools
from operator import attrgetter

from hotloop.graph.passes.canonical import Canonical
from hotloop.graph.passes.domain import ROW_LIMIT, Domain, join, make_domain, widen
from hotloop.graph.passes.operations import EXPAND, FLAT, GENERAL, Leaf, Op, Ref

_MAX_OPS = 256  # of one cluster
_NUMBER = attrgetter("number")


class Cluster:
    """Operations that run together over `domain`."""

    __slots__ = ("above", "domain", "gemm", "hard", "number", "ops")

    def __init__(self, number: int, ops: list[Op], domain: Domain, gemm: Op | None):
        self.number = number
        self.ops = ops
        self.domain = domain
        self.gemm = gemm
        self.above = 0  # all clusters that must run before
        self.hard = 0  # those of them whose results are needed in memory

    @property
    def alone(self) -> bool:
        """Whether nothing may join it."""
        return bool(self.ops) and self.ops[0].kind == "block"

    def full(self, op: Op) -> bool:
        """Whether the results of `op` are a value per element, not per row."""
        if self.domain.cols == 1:
            return self.domain.exact  # products and panels have no ROW values
        size = op.domain.size if op.kind == "total" else op.size
        return size == self.domain.size and op.kind != "rowred"


class Fusion:
    """The clusters of a canonical program, in no particular order."""

    def __init__(self, program: Canonical):
        self.ops = program.ops
        self.clusters: dict[int, Cluster] = {}
        self.where: dict[Op, Cluster] = {}
        self._next = 0

    # -- the graph of clusters ---------------------------------------------------------------------

    def _new(self, ops: list[Op], domain: Domain) -> Cluster:
        gemm = ops[0] if ops[0].kind == "gemm" else None
        cluster = Cluster(self._next, ops, domain, gemm)
        self._next += 1
        self.clusters[cluster.number] = cluster
        for op in ops:
            self.where[op] = cluster
        return cluster

    def _link(self, cluster: Cluster) -> None:
        """Sets what comes before, whose own predecessors must be known."""
        above = hard = 0
        for op in cluster.ops:
            for other, kind in op.deps:
                source = self.where[other]
                if source is not cluster:
                    bit = 1 << source.number
                    above |= source.above | bit
                    if kind == GENERAL:
                        hard |= bit
        cluster.above, cluster.hard = above, hard

    def _independent(self, a: Cluster, b: Cluster) -> bool:
        """Whether no third cluster is below one and above the other."""
        if b.above >> a.number & 1:
            first, between = a.number, b.above & ~(1 << a.number)
        elif a.above >> b.number & 1:
            first, between = b.number, a.above & ~(1 << b.number)
        else:
            return True
        while between:
            number = between.bit_length() - 1
            if self.clusters[number].above >> first & 1:
                return False
            between ^= 1 << number
        return True

    def merge(self, a: Cluster, b: Cluster, domain: Domain | None) -> bool:
        """Merges b into a, if that is right. `domain` is what both can run over, if any."""
        if (
            domain is None
            or (a.gemm is not None and b.gemm is not None)
            or a.alone
            or b.alone
            or len(a.ops) + len(b.ops) > _MAX_OPS
            or a.hard >> b.number & 1
            or b.hard >> a.number & 1
            or not self._independent(a, b)
            or not rows_allowed(domain, a, b)
            or _interleave(a, b)
        ):
            return False
        bits = (1 << a.number) | (1 << b.number)
        a.above = (a.above | b.above) & ~bits
        a.hard = (a.hard | b.hard) & ~bits
        a.domain = domain
        a.gemm = a.gemm or b.gemm
        a.ops += b.ops
        a.ops.sort(key=_NUMBER)
        for op in b.ops:
            self.where[op] = a
        del self.clusters[b.number]
        mark = 1 << a.number
        for cluster in self.clusters.values():
            if cluster.above & bits:
                cluster.above = (cluster.above & ~bits) | mark | a.above
                if cluster.hard & bits:
                    cluster.hard = (cluster.hard & ~bits) | mark
        return True

    # -- passes ------------------------------------------------------------------------------------

    def run(self) -> None:
        """All of fusion."""
        self._join_sources()
        self._join_readers()
        self._join_scalars()
        self._products()
        self._join_scalars()

    def _join_sources(self) -> None:
        for op in self.ops:
            cluster = self._new([op], op.domain)
            self._link(cluster)
            if op.kind == "gemm":
                continue
            for other, kind in op.deps:
                source = self.where[other]
                if source is cluster or kind == GENERAL or source.gemm is not None:
                    continue
                if op.kind == "store" and other is not op.args[0].root:
                    continue  # what is assigned draws an assignment, not the readers
                domain = self._common(op, cluster, other, source, kind)
                if self.merge(source, cluster, domain):
                    cluster = source

    def _common(
        self, op: Op, cluster: Cluster, other: Op, source: Cluster, kind: str
    ) -> Domain | None:
        """The domain in which `op` can take the result of `other` from a register."""
        if kind == FLAT:
            return join(source.domain, cluster.domain)
        for arg in op.args:
            if isinstance(arg, Ref) and arg.root is other and arg.kind == EXPAND:
                cols = arg.dims[-1]
                break
        else:
            return None
        lone = other.size == 1
        if lone and source.domain.cols != cols:
            return None  # a scalar is computed once, not once per step that uses it
        wide = widen(source.domain, cols)
        if wide is None or wide.size != other.size * cols:
            return None
        narrow = make_domain(
            cluster.domain.size,
            cols,
            cluster.domain.cuts,
            cluster.domain.exact,
            cluster.domain.batch,
        )
        return None if narrow is None else join(wide, narrow)

    def _join_readers(self) -> None:
        """Clusters that read the same results or inputs run together."""
        readers: dict[int, list[Op]] = {}
        for op in self.ops:
            if op.kind == "gemm":
                continue
            for arg in op.args:
                if isinstance(arg, Ref) and arg.kind != GENERAL:
                    root = arg.root
                    if root.size > 1 and (
                        isinstance(root, Op) or (isinstance(root, Leaf) and root.kind == "input")
                    ):
                        readers.setdefault(id(root), []).append(op)
        for ops in readers.values():
            for before, after in itertools.pairwise(ops):
                a, b = self.where[before], self.where[after]
                if a is b or a.gemm is not None or b.gemm is not None:
                    continue
                if a.domain.size > 1:
                    self.merge(a, b, join(a.domain, b.domain))

    def _join_scalars(self) -> None:
        group = [c for c in self.clusters.values() if c.domain.size == 1 and c.gemm is None]
        for i, b in enumerate(group):
            for a in group[:i]:
                if a.number in self.clusters and self.merge(a, b, join(a.domain, b.domain)):
                    break

    def _products(self) -> None:
        """Gives each product its epilogue."""
        consumers: dict[Op, list[Op]] = {}
        for op in self.ops:
            for other, kind in op.deps:
                if other.kind == "gemm" and kind == FLAT:
                    consumers.setdefault(other, []).append(op)
        for gemm, ops in consumers.items():
            own = self.where[gemm]
            for op in ops:
                cluster = self.where[op]
                if cluster is own or cluster.gemm is not None:
                    continue
                if _reduces(cluster, own.domain):
                    if join(own.domain, cluster.domain) is None:
                        continue
                    first = self._cut(cluster, own.domain, ops)
                    if first is None:
                        continue
                    cluster = first
                self.merge(own, cluster, join(own.domain, cluster.domain))

    def _cut(self, cluster: Cluster, domain: Domain, wanted: list[Op]) -> Cluster | None:
        """Splits off the operations that an epilogue over `domain` can do and others wait for.

        Returns their cluster, or None if there is nothing to gain.
        """
        late: set[Op] = set()
        members = set(cluster.ops)
        for op in cluster.ops:
            if (
                op.kind in ("columns", "total", "rowred")
                or op.size != domain.size
                or any(other in late for other, _ in op.deps)
            ):
                late.add(op)
        # What only the second part reads is computed there.
        users: dict[Op, list[Op]] = {}
        for op in self.ops:
            for other, _ in op.deps:
                if other in members:
                    users.setdefault(other, []).append(op)
        for op in reversed(cluster.ops):
            if op in late or op.outputs or op.kind in ("store", "part"):
                continue
            reading = users.get(op, [])
            if reading and all(user in late for user in reading):
                late.add(op)
        early = [op for op in cluster.ops if op not in late]
        if not any(op in early for op in wanted) or not late:
            return None
        for op in early:  # an assignment must not overtake a reader in the second part
            if any(other in late for other, _ in op.deps):
                return None
        rest = [op for op in cluster.ops if op in late]
        del self.clusters[cluster.number]
        domains = []
        for ops in (early, rest):
            domain_of = ops[0].domain
            for op in ops[1:]:
                joined = join(domain_of, op.domain)
                if joined is None:
                    joined = cluster.domain
                domain_of = joined
            domains.append(domain_of)
        if any(op.kind == "rowred" or op.size != domain.size for op in rest):
            domains[1] = cluster.domain
        first = self._new(early, domains[0])
        self._new(rest, domains[1])
        self._relink()
        return first

    def _relink(self) -> None:
        """Computes the predecessors of all clusters anew."""
        for cluster in self._sorted():
            self._link(cluster)

    def _sorted(self) -> list[Cluster]:
        order: list[Cluster] = []
        state: set[int] = set()
        stack = [(cluster, False) for cluster in self.clusters.values()]
        while stack:
            cluster, done = stack.pop()
            if done:
                order.append(cluster)
                continue
            if cluster.number in state:
                continue
            state.add(cluster.number)
            stack.append((cluster, True))
            for op in cluster.ops:
                for other, _ in op.deps:
                    source = self.where[other]
                    if source.number not in state:
                        stack.append((source, False))
        return order


def rows_allowed(domain: Domain, a: Cluster, b: Cluster) -> bool:
    """Whether the operations of both can be what `domain` makes them, per element or per row.

    Panels and epilogues see whole rows only if these are short; epilogues never see all rows.
    """
    if domain.cols is not None and domain.cols > 1:
        for op in (*a.ops, *b.ops):  # random numbers are counted by element
            if op.kind == "uniform" and op.size != domain.size:
                return False
    if not domain.exact:
        return True
    gemm = a.gemm is not None or b.gemm is not None
    if not gemm and domain.cols is not None and domain.cols <= ROW_LIMIT:
        return True
    long = domain.cols is not None and domain.cols > ROW_LIMIT
    for op in (*a.ops, *b.ops):
        if op.kind in ("columns", "total"):
            if gemm:
                return False
        elif long and (op.kind == "rowred" or op.size != domain.size):
            return False
    return True


def _interleave(a: Cluster, b: Cluster) -> bool:
    """Whether both store parts of one buffer, which a program may not do if these interleave."""
    buffers = {id(op.buffer) for op in a.ops if op.buffer is not None}
    return bool(buffers) and any(id(op.buffer) in buffers for op in b.ops if op.buffer is not None)


def _reduces(cluster: Cluster, domain: Domain) -> bool:
    """Whether the cluster as it is cannot be an epilogue over `domain`."""
    long = domain.cols is not None and domain.cols > ROW_LIMIT
    return any(
        op.kind in ("columns", "total")
        or (long and (op.kind == "rowred" or op.size != domain.size))
        for op in cluster.ops
    )
