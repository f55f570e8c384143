"""Products of stacks and einsum against NumPy in double precision."""

import numpy as np
import pytest
from both_ways import both, compiled

from hotloop import graph, ops

RNG = np.random.default_rng(9)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def close(found, wanted):
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


SHAPES = [
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 1)),
    ((5, 1, 3), (5, 3, 1)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (1, 4, 3, 2)),
    ((6, 4, 2, 3), (4, 3, 2)),
    ((1, 1, 2, 3), (1, 3, 2)),
    ((2, 2, 2, 2, 1, 2, 2, 33), (2, 2, 2, 2, 2, 1, 33, 40)),
    ((3, 2, 0), (3, 0, 4)),
    ((0, 2, 3), (0, 3, 4)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_matmul(left, right):
    a, b = normal(*left), normal(*right)
    close(both(ops.matmul, a, b), np.matmul(a.astype(np.float64), b))


@pytest.mark.parametrize("dtype", ["int32", "bool"])
@pytest.mark.parametrize(("left", "right"), SHAPES[:14])
def test_matmul_of_whole_numbers(left, right, dtype):
    a, b = ((2 * normal(*shape)).astype(dtype) for shape in (left, right))
    np.testing.assert_array_equal(both(ops.matmul, a, b), np.matmul(a, b))


@pytest.mark.parametrize("perm", [(1, 0, 2, 3), (0, 2, 1, 3), (2, 1, 0, 3), (0, 1, 3, 2)])
def test_transposed_stacks_are_multiplied_where_they_are(perm):
    a, b = normal(2, 3, 4, 5), normal(2, 3, 4, 5)

    def function(a, b):
        a, b = ops.transpose(a, perm), ops.transpose(b, perm)
        return ops.matmul(a, ops.swapaxes(b, -1, -2))

    wanted = np.matmul(a.transpose(perm), np.swapaxes(b.transpose(perm), -1, -2))
    close(compiled(function, a, b), wanted)
    specs = [(a.shape, "float32"), (b.shape, "float32")]
    trace = graph.trace(lambda a, b: [function(a, b)], specs)
    assert graph.compile(trace, batched=False).describe().count("\n") == 0


def test_a_stack_that_meets_one_matrix_is_one_product():
    trace = graph.trace(
        lambda a, b: [ops.matmul(a, b)], [((8, 4, 5), "float32"), ((1, 5, 6), "float32")]
    )
    assert graph.compile(trace, batched=False).describe() == "gemm [32, 6, 5]"


def test_matmul_refuses_what_does_not_meet():
    for left, right in [((2, 3), (4, 2)), ((3,), (4,)), ((5, 2, 3), (5, 4, 2)), ((), (3,))]:
        with pytest.raises(ValueError, match="matmul"):
            ops.matmul(np.zeros(left), np.zeros(right))
    with pytest.raises(ValueError, match="broadcast"):
        ops.matmul(np.zeros((2, 3, 4)), np.zeros((5, 4, 3)))


def test_gradients_of_broadcast_stacks():
    a, b, w = normal(4, 1, 2, 3), normal(5, 3, 6), normal(4, 5, 2, 6)
    with graph.Scope(symbolic=False):
        x, y = graph.constant(a), graph.constant(b)
        gx, gy = graph.gradients(ops.multiply(ops.matmul(x, y), w), [x, y])
    close(gx.numpy(), np.einsum("abmn,bkn->amk", w, b)[:, None])
    close(gy.numpy(), np.einsum("abmn,acmk->bkn", w, a))


EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("ij,jk", (3, 4), (4, 5)),
    ("ji,jk->ki", (4, 3), (4, 5)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,bkj->bki", (2, 3, 4), (2, 5, 4)),
    ("bqhd,bkhd->bhqk", (2, 5, 3, 4), (2, 6, 3, 4)),
    ("bhqk,bkhd->bqhd", (2, 3, 5, 6), (2, 6, 3, 4)),
    ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
    ("abcd,dbe->ace", (2, 3, 4, 5), (5, 3, 6)),
    ("...x,xy->...y", (2, 3, 4), (4, 5)),
    ("...ij,...jk->...ik", (2, 3, 4), (5, 1, 4, 6)),
    ("...ij,...jk", (2, 3, 4), (4, 6)),
    ("i...,i->...", (3, 2, 4), (3,)),
    ("...a,...a->...", (2, 1, 3), (4, 3)),
    ("ij->ji", (3, 4)),
    ("ji", (3, 4)),
    ("ij->", (3, 4)),
    ("ii->i", (4, 4)),
    ("ii", (4, 4)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("i,j->ij", (3,), (4,)),
    ("i,j->ji", (3,), (4,)),
    ("i,i->i", (3,), (3,)),
    ("i,i->", (3,), (3,)),
    ("bi,bi->b", (3, 4), (3, 4)),
    ("ij,kl->jk", (2, 3), (4, 5)),
    ("ii,ij->j", (3, 3), (3, 4)),
    ("ij,jk,kl->il", (3, 4), (4, 5), (5, 6)),
    ("a,ab,abc->abc", (2,), (2, 3), (2, 3, 4)),
    ("ab,bc,ca->", (2, 3), (3, 4), (4, 2)),
    (" i j , j -> i ", (3, 4), (4,)),
    (",ij->ij", (), (2, 3)),
    ("...,...->...", (2, 1), (3,)),
    ("ab,b->a", (0, 3), (3,)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum(case):
    subscripts, *shapes = case
    arrays = [normal(*shape) for shape in shapes]
    arrays = [np.asarray(a, np.float32) for a in arrays]
    wanted = np.einsum(subscripts.replace(" ", ""), *(a.astype(np.float64) for a in arrays))
    close(both(lambda *x: ops.einsum(subscripts, *x), *arrays), wanted)
    whole = [(3 * a).astype(np.int32) for a in arrays]
    found = ops.einsum(subscripts, *whole).numpy()
    np.testing.assert_array_equal(found, np.einsum(subscripts.replace(" ", ""), *whole))


def test_einsum_of_bools():
    a, b = RNG.random((3, 4)) < 0.4, RNG.random((4, 5)) < 0.4
    np.testing.assert_array_equal(ops.einsum("ij,jk->ik", a, b).numpy(), a @ b)
    np.testing.assert_array_equal(ops.einsum("ij->i", a).numpy(), a.any(1))


def test_einsum_gradients():
    a, b = normal(2, 5, 3, 4), normal(2, 6, 3, 4)
    w = normal(2, 3, 5, 6)
    with graph.Scope(symbolic=False):
        x, y = graph.constant(a), graph.constant(b)
        loss = ops.multiply(ops.einsum("bqhd,bkhd->bhqk", x, y), w)
        gx, gy = graph.gradients(loss, [x, y])
    close(gx.numpy(), np.einsum("bhqk,bkhd->bqhd", w, b))
    close(gy.numpy(), np.einsum("bhqk,bqhd->bkhd", w, a))


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3)], "2 operands are described, 1 are given"),
        ("ij->i", [(2, 3, 4)], "names 2 axes"),
        ("ijk...->i", [(2, 3)], "names 3 axes"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "axis 'j' has size 3 in one place and 4 in another"),
        ("...i,...i->...", [(2, 3), (4, 3)], r"an axis of '\.\.\.' has size 2"),
        ("i1->i", [(2, 3)], "letters"),
        ("i.j->i", [(2, 3)], "letters"),
        ("ij->ii", [(2, 3)], "twice"),
        ("ij->k", [(2, 3)], "no operand has the axis 'k'"),
        ("...i->i", [(2, 3)], r"must name the axes of '\.\.\.'"),
    ],
)
def test_einsum_refuses(subscripts, shapes, message):
    with pytest.raises(ValueError, match=message):
        ops.einsum(subscripts, *(np.zeros(shape) for shape in shapes))


def test_einsum_takes_no_other_arguments():
    with pytest.raises(TypeError, match="optimize"):
        ops.einsum("i->", [1.0], optimize="greedy")
    with pytest.raises(TypeError, match="string"):
        ops.einsum([1.0], "i->")


def test_symbolic_shapes():
    a, b = ops.KerasTensor((None, 3, 4)), ops.KerasTensor((None, 4, 5))
    assert ops.matmul(a, b).shape == (None, 3, 5)
    assert ops.einsum("bij,bjk->bik", a, b).shape == (None, 3, 5)
    assert ops.einsum("...j,jk->...k", a, np.zeros((4, 7))).shape == (None, 3, 7)
