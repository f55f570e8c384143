"""Matrix products alone, each in every contestant's best form."""

from collections.abc import Iterator, Sequence

from hotloop.cli.bench.contest import Contest, Contestant, configured
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import products_of

_SECONDS = 0.1  # that a round of one product takes, about
_RATE = 200e9  # floating-point operations a second, to guess that


def measure(setting: Setting) -> Iterator[Row]:
    from hotloop.graph.machine import supported_isas

    contestants = [configured(), *setting.rivals_in("products")]
    if "avx2" in supported_isas():
        contestants.insert(1, configured(isa="avx2"))
    yield from measure_products(setting, "products", contestants)


def measure_products(
    setting: Setting, group: str, contestants: Sequence[Contestant]
) -> Iterator[Row]:
    names = [one.name for one in contestants]
    rows = {
        product: setting.row(group, product.name, names, flop=product.flop)
        for product in products_of(setting.workloads)
    }
    with Contest(setting.about) as contest:
        for one in contestants:
            contest.start(one)
        for product, row in rows.items():
            count = int(_SECONDS * _RATE / product.flop)
            yield contest.measure(
                row,
                setting.rounds_of(row),
                what="product",
                how="median",
                count=setting.repetitions(min(max(count, 2), 5000)),
                arguments=[product.m, product.n, product.k, product.ta, product.tb],
            )
