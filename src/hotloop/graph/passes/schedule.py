"""The order of the steps."""

from __future__ import annotations

import bisect

from hotloop.graph.passes.fuse import Cluster, Fusion

# Up to about this much work a step is run by one thread, without a barrier before the next.
_SMALL_PRODUCT = 1 << 20  # multiplications
_SMALL_PROGRAM = 1 << 16  # elements times operations


def _small(cluster: Cluster) -> bool:
    if cluster.gemm is not None:
        return cluster.domain.size * cluster.gemm.imm <= _SMALL_PRODUCT
    return cluster.domain.size * len(cluster.ops) <= _SMALL_PROGRAM


def schedule(fusion: Fusion) -> list[Cluster]:
    """The clusters, each after what it needs; small ones next to each other where possible."""
    waiting: dict[int, int] = {}
    below: dict[int, list[Cluster]] = {}
    ready: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])

    def push(cluster: Cluster) -> None:
        # The first of all is the last of the list.
        bisect.insort(ready[_small(cluster)], (-cluster.ops[-1].number, -cluster.number))

    for cluster in fusion.clusters.values():
        sources = set()
        for op in cluster.ops:
            for other, _ in op.deps:
                source = fusion.where[other]
                if source is not cluster:
                    sources.add(source.number)
        waiting[cluster.number] = len(sources)
        for number in sources:
            below.setdefault(number, []).append(cluster)
        if not sources:
            push(cluster)
    order: list[Cluster] = []
    small = False
    while ready[0] or ready[1]:
        if not ready[small]:
            small = not small
        cluster = fusion.clusters[-ready[small].pop()[1]]
        order.append(cluster)
        for after in below.get(cluster.number, ()):
            waiting[after.number] -= 1
            if not waiting[after.number]:
                push(after)
    if len(order) != len(fusion.clusters):
        raise AssertionError("the clusters wait for each other")
    return order
