"""Products of the training steps that `hotloop bench` measures, with each instruction set."""

import pytest

from hotloop.cli.bench.hotloop_library import Library
from hotloop.cli.bench.workloads import WORKLOADS, products_of

PRODUCTS = {product.name: product for product in products_of(WORKLOADS)}


@pytest.mark.parametrize("name", PRODUCTS)
def test_product(benchmark, say_rate, isa, name):
    product = PRODUCTS[name]
    call = Library().product(product.m, product.n, product.k, product.ta, product.tb)
    benchmark(call)
    say_rate(product.flop, "GFLOP/s")
