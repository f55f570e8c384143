"""After fusion: which variables live in panels, and what is cheaper done twice than stored."""

from __future__ import annotations

from hotloop.graph.passes.domain import Domain, join
from hotloop.graph.passes.fuse import Cluster, Fusion, rows_allowed
from hotloop.graph.passes.operations import FLAT, Leaf, Op, Ref, Splat

_CHEAP = frozenset(("lt", "le", "eq", "ne", "not", "cast"))


def spread_panels(fusion: Fusion) -> None:
    """Optimizer slots live in panels if the weight they belong to does."""
    uses: dict[int, list[tuple[Cluster, Op]]] = {}
    leaves: dict[int, Leaf] = {}
    for cluster in fusion.clusters.values():
        for op in cluster.ops:
            for leaf in _variables(op):
                leaves[id(leaf)] = leaf
                uses.setdefault(id(leaf), []).append((cluster, op))
    shapes = {
        (cluster.number, leaf.shape)
        for key, leaf in leaves.items()
        if leaf.panel
        for cluster, _ in uses[key]
    }
    for key, leaf in leaves.items():
        if leaf.panel or len(leaf.shape) != 2:
            continue
        if not any((cluster.number, leaf.shape) in shapes for cluster, _ in uses[key]):
            continue
        panel = Domain(leaf.size, leaf.shape[1], frozenset(), True, 0)
        joined = {}
        for cluster, op in uses[key]:
            domain = join(cluster.domain, panel) if _walks_in_order(op, leaf) else None
            if domain is None or not rows_allowed(domain, cluster, cluster):
                break
            joined[cluster.number] = domain
        else:
            leaf.panel = True
            for number, domain in joined.items():
                fusion.clusters[number].domain = domain


def recompute_cheap(fusion: Fusion) -> None:
    """Cheap operations on values that are in memory anyway are done where they are needed."""
    stored: set[Op] = set()
    outside: dict[Op, set[int]] = {}
    for op in fusion.ops:
        here = fusion.where[op]
        for arg in op.args:
            if isinstance(arg, Splat) or not isinstance(arg.root, Op):
                continue
            if fusion.where[arg.root] is not here:
                stored.add(arg.root)
                outside.setdefault(arg.root, set()).add(here.number)
    for op in list(outside):
        if op.kind != "map" or op.name not in _CHEAP:
            continue
        sources = [arg for arg in op.args if not isinstance(arg, Splat)]
        if len(sources) != 1 or sources[0].kind != FLAT or sources[0].root not in stored:
            continue
        for number in outside[op]:
            _copy_into(fusion, op, fusion.clusters[number])
    _drop_unused(fusion)


def _drop_unused(fusion: Fusion) -> None:
    used = set()
    for cluster in fusion.clusters.values():
        for op in cluster.ops:
            for arg in op.args:
                if not isinstance(arg, Splat):
                    used.add(arg.root)
    for op in fusion.ops:
        if op.kind == "map" and op not in used and not op.outputs:
            fusion.where[op].ops.remove(op)


def _copy_into(fusion: Fusion, op: Op, cluster: Cluster) -> None:
    twin = Op(op.kind, op.name, op.args, op.size, op.dtype, op.domain)
    twin.deps = op.deps
    users = []
    for user in cluster.ops:
        for arg in user.args:
            if not isinstance(arg, Splat) and arg.root is op:
                if not isinstance(arg, Ref) or arg.kind != FLAT:
                    return  # read in another order: it must be in memory
                users.append(user)
    joined = join(cluster.domain, op.domain)
    if joined is None or joined != cluster.domain:
        return
    for user in users:
        user.args = [
            Ref(twin, a.dims, a.strides, a.offset, a.size, a.kind)
            if isinstance(a, Ref) and a.root is op
            else a
            for a in user.args
        ]
        user.deps = [(twin if other is op else other, kind) for other, kind in user.deps]
    first = min(user.number for user in users)
    twin.number = first
    at = next(i for i, user in enumerate(cluster.ops) if user.number == first)
    cluster.ops.insert(at, twin)
    fusion.where[twin] = cluster


def _variables(op: Op) -> list[Leaf]:
    leaves = [
        arg.root
        for arg in op.args
        if not isinstance(arg, Splat) and isinstance(arg.root, Leaf) and arg.root.kind == "variable"
    ]
    if op.variable is not None:
        leaves.append(op.variable)
    return leaves


def _walks_in_order(op: Op, leaf: Leaf) -> bool:
    return (
        op.kind != "gemm"
        and op.kind != "uniform"
        and all(
            isinstance(arg, Splat) or arg.root is not leaf or arg.kind == FLAT for arg in op.args
        )
    )
