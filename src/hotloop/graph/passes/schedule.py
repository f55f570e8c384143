"""The order of the steps."""

from __future__ import annotations

import heapq

from hotloop.graph.passes.fuse import Cluster, Fusion

_SMALL = 4096  # elements up to which a step is run by one thread, without a barrier before the next


def schedule(fusion: Fusion) -> list[Cluster]:
    """The clusters, each after what it needs; small ones next to each other where possible."""
    waiting: dict[int, int] = {}
    below: dict[int, list[Cluster]] = {}
    ready: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])

    def push(cluster: Cluster) -> None:
        small = cluster.gemm is None and cluster.domain.size <= _SMALL
        heapq.heappush(ready[small], (cluster.ops[-1].number, cluster.number))

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
        cluster = fusion.clusters[heapq.heappop(ready[small])[1]]
        order.append(cluster)
        for after in below.get(cluster.number, ()):
            waiting[after.number] -= 1
            if not waiting[after.number]:
                push(after)
    if len(order) != len(fusion.clusters):
        raise AssertionError("the clusters wait for each other")
    return order
