"""From a trace to a native plan: the passes in order, then the steps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.graph.layout import spread_intermediates
from hotloop.graph.order import sort_topologically
from hotloop.graph.passes.canonical import Canonical
from hotloop.graph.passes.domain import ROW_LIMIT
from hotloop.graph.passes.fuse import Cluster, Fusion
from hotloop.graph.passes.memory import UNIT, place
from hotloop.graph.passes.node import Node
from hotloop.graph.passes.operations import Buffer, Leaf, Matrix, Op, Splat
from hotloop.graph.passes.refine import recompute_cheap, spread_panels
from hotloop.graph.passes.schedule import schedule
from hotloop.graph.passes.simplify import Evaluate, simplify
from hotloop.graph.program import COMBINES, Program
from hotloop.graph.trace import Trace
from hotloop.graph.variable import PANEL

if TYPE_CHECKING:
    from hotloop.graph import profile
else:
    profile = Later("hotloop.graph.profile")


class Recipe:
    """Everything needed to make plans for a trace, any number of times.

    A plan is given the `variables` (with their layouts), then the inputs and outputs whose numbers
    are in `used_inputs` and `used_outputs`: as bound arrays, or batched as arrays of rows.
    """

    def __init__(self, batch: int, batched: bool):
        self.batch = batch
        self.batched = batched
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.variables: list[tuple[Any, str]] = []
        self.used_inputs: list[int] = []
        self.used_outputs: list[int] = []
        self.text: list[str] = []

    def make(self, plan_type: Any) -> Any:
        """A finished plan."""
        plan = plan_type(self.batch)
        for name, args in self.calls:
            getattr(plan, name)(*args)
        plan.finish()
        if os.environ.get("HOTLOOP_PROFILE"):
            profile.watch(self, plan)
        return plan


def lower(trace: Trace, batched: bool, evaluate: Evaluate, reference: Evaluate) -> Recipe:
    """The steps that compute `trace`."""
    updates = list(trace.updates.items())
    roots = [*trace.outputs, *(value for _, value in updates)]
    nodes = simplify(roots, evaluate, reference)
    count = len(trace.outputs)
    batch = trace.inputs[0].shape[0] if batched else 1
    order = sort_topologically(nodes)
    program = Canonical(batch)
    program.build(
        nodes[:count],
        [(variable, node) for (variable, _), node in zip(updates, nodes[count:], strict=True)],
        order,
        _panels(order),
        batched,
    )
    fusion = Fusion(program)
    fusion.run()
    spread_panels(fusion)
    recompute_cheap(fusion)
    recipe = _Lowering(program, fusion, schedule(fusion), trace, batched).recipe
    recipe.calls = spread_intermediates(recipe.calls)
    return recipe


def _panels(order: list[Node]) -> set[int]:
    """The ids of variables in panels: right operands of products, and any that are already."""
    panels = set()
    for node in order:
        if node.op == "matmul" and node.inputs[1].op == "variable":
            panels.add(id(node.inputs[1].attrs["variable"]))
        elif node.op == "variable" and node.attrs["variable"].layout == "panel":
            panels.add(id(node.attrs["variable"]))
    return panels


class _Lowering:
    def __init__(
        self,
        program: Canonical,
        fusion: Fusion,
        order: list[Cluster],
        trace: Trace,
        batched: bool,
    ):
        self.program = program
        self.fusion = fusion
        self.order = order
        self.batched = batched
        self.recipe = Recipe(program.batch, batched)
        self._slots = 0
        self._leaf_slots: dict[Leaf, int] = {}
        self._const_slots: dict[int, int] = {}
        self._homes: dict[Any, list[tuple[int, int]]] = {}  # (slot, batch size if in an output)
        self._scratch: dict[Op, int] = {}
        self._declare(trace)
        self._allocate()
        for cluster in order:
            self._step(cluster)

    # -- slots -------------------------------------------------------------------------------------

    def _slot(self, name: str, *args: Any) -> int:
        self.recipe.calls.append((name, args))
        self._slots += 1
        return self._slots - 1

    def _declare(self, trace: Trace) -> None:
        """Slots of everything that each run provides."""
        recipe, program = self.recipe, self.program
        for leaf in program.variables.values():
            size = leaf.size
            if leaf.panel:
                size = leaf.shape[0] * -(-leaf.shape[1] // PANEL) * PANEL
            self._leaf_slots[leaf] = self._slot("add_bound", size)
            recipe.variables.append((leaf.what, "panel" if leaf.panel else "row"))
        for index in sorted(program.inputs):
            leaf = program.inputs[index]
            if self.batched:
                slot = self._slot("add_input", leaf.size // program.batch)
            else:
                slot = self._slot("add_bound", leaf.size)
            self._leaf_slots[leaf] = slot
            recipe.used_inputs.append(index)
        writers = {index: op for op in program.ops for index in op.outputs}
        for index, tensor in enumerate(trace.outputs):
            op = writers.get(index)
            if op is None:
                continue  # no elements
            if self.batched:
                slot = self._slot("add_output", tensor.size // program.batch)
                self._homes.setdefault(op, []).append((slot, program.batch))
            else:
                slot = self._slot("add_bound", tensor.size)
                self._homes.setdefault(op, []).append((slot, 0))
            recipe.used_outputs.append(index)

    def _allocate(self) -> None:
        """Arena slots of what one step computes and another reads."""
        where = self.fusion.where
        born: dict[Any, int] = {}
        died: dict[Any, int] = {}
        for step, cluster in enumerate(self.order):
            for op in cluster.ops:
                if op.kind in ("columns", "total"):
                    born[op] = step
                    died.setdefault(op, step)
                elif op.kind == "part":
                    born.setdefault(op.buffer, step)
                    died[op.buffer] = step
                for arg in op.args:
                    if isinstance(arg, Splat) or isinstance(arg.root, Leaf):
                        continue
                    root = arg.root
                    if isinstance(root, Buffer) or root.kind in ("columns", "total"):
                        died[root] = step
                    elif where[root] is not cluster:
                        born.setdefault(root, -1)
                        died[root] = step
        for step, cluster in enumerate(self.order):
            for op in cluster.ops:
                if born.get(op) == -1:
                    born[op] = step
        values = []
        for value in born:
            homes = self._homes.get(value, [])
            if any(batch == 0 for _, batch in homes):
                continue  # read from the output it is stored to
            values.append(value)
        lives = [(value.size, born[value], died[value]) for value in values]
        for step, cluster in enumerate(self.order):
            for op in cluster.ops:
                if _needs_columns_first(cluster, op):
                    assert cluster.domain.cols is not None
                    lives.append((cluster.domain.cols, step, step))
                    values.append(("columns", op))
        offsets, _ = place(lives)
        for value, (size, _, _), offset in zip(values, lives, offsets, strict=True):
            slot = self._slot("add_arena", -(-size // UNIT) * UNIT, offset)
            if isinstance(value, tuple):
                self._scratch[value[1]] = slot
            else:
                self._homes.setdefault(value, []).append((slot, 0))

    def _slot_of(self, root: Any) -> int:
        """The slot a value is read from."""
        if isinstance(root, Leaf):
            slot = self._leaf_slots.get(root)
            if slot is None:
                slot = self._const_slot(root)
            return slot
        return next(slot for slot, batch in self._homes[root] if batch == 0)

    def _const_slot(self, leaf: Leaf) -> int:
        array = leaf.what
        slot = self._const_slots.get(id(array))
        if slot is None:
            lanes = array.astype(np.int32) if array.dtype == np.bool_ else array
            slot = self._slot("add_const", np.ascontiguousarray(lanes).reshape(-1))
            self._const_slots[id(array)] = slot
        self._leaf_slots[leaf] = slot
        return slot

    # -- steps -------------------------------------------------------------------------------------

    def _step(self, cluster: Cluster) -> None:
        if not cluster.ops:
            return
        gemm = cluster.gemm
        if gemm is not None and len(cluster.ops) == 1 and not self._in_rows(gemm):
            self._gemm(cluster, gemm, None)
            return
        if cluster.alone:
            self._block(cluster.ops[0])
            return
        program = Program(cluster, self._slot_of)
        program.write(
            lambda op: self._homes.get(op, []),
            lambda leaf: self._leaf_slots[leaf],
        )
        if gemm is not None:
            self._gemm(cluster, gemm, program)
            return
        second = []
        for op, value in program.columns_first:
            combine = f"{COMBINES[op.name]}_{'f' if op.dtype == 'float32' else 'i'}"
            scratch = self._scratch[op]
            program.reductions.append((combine, value, scratch, 0))
            second.append((scratch, program.cols, combine, self._homes[op]))
        self._add(
            "add_tile",
            (
                program.outer,
                program.cols,
                "".join(program.registers),
                program.operands,
                program.instructions,
                program.reductions,
            ),
            _describe(cluster, program),
        )
        for scratch, cols, combine, homes in second:
            load = ("load", 0, 0, 0, 0, 0)
            operand = (scratch, 0, (1,), 0, False)
            self._add(
                "add_tile",
                ((cols,), 1, "R", [operand], [load], [(combine, 0, slot, 0) for slot, _ in homes]),
                f"tile [{cols}, 1] {combine}",
            )

    def _in_rows(self, op: Op) -> bool:
        """Whether the result goes anywhere but to one place in memory."""
        homes = self._homes.get(op, [])
        return len(homes) != 1 or homes[0][1] != 0

    def _gemm(self, cluster: Cluster, gemm: Op, program: Program | None) -> None:
        a, b = gemm.args
        n = cluster.domain.cols
        assert n is not None
        assert isinstance(a, Matrix)
        assert isinstance(b, Matrix)
        m = gemm.size // n
        left = (self._slot_of(a.root), a.offset, a.ld, a.trans, False)
        right = (self._slot_of(b.root), b.offset, b.ld, b.trans, b.panel)
        epilogue = target = None
        text = f"gemm [{m}, {n}, {gemm.imm}]"
        if program is None:
            target = (self._slot_of(gemm), 0, n, False)
        else:
            epilogue = ("".join(program.registers), program.operands, program.instructions)
            text += " " + _names(cluster)
        self._add("add_gemm", (m, n, gemm.imm, left, right, target, epilogue), text)

    def _block(self, op: Op) -> None:
        (home,) = self._homes[op]
        sources = []
        for arg in op.args:
            panel = isinstance(arg.root, Leaf) and arg.root.panel
            sources.append((self._slot_of(arg.root), arg.offset, panel))
        sizes = ", ".join(map(str, op.imm))
        self._add("add_block", (op.name, (home[0], 0), sources, op.imm), f"{op.name} [{sizes}]")

    def _add(self, name: str, args: tuple[Any, ...], text: str) -> None:
        self.recipe.calls.append((name, args))
        self.recipe.text.append(text)


def _needs_columns_first(cluster: Cluster, op: Op) -> bool:
    domain = cluster.domain
    return (
        op.kind == "total"
        and domain.exact
        and domain.cols is not None
        and domain.cols > ROW_LIMIT
        and cluster.full(op)
    )


def _names(cluster: Cluster) -> str:
    names = []
    for op in cluster.ops:
        if op.kind == "gemm":
            continue
        if op.kind == "store":
            assert op.variable is not None
            names.append(f"{op.variable.what.name}:=")
        elif op.kind == "columns":
            names.append(f"{op.name}_of_columns")
        elif op.kind == "total":
            names.append(f"total_{op.name}")
        else:
            names.append(op.name)
    return " ".join(names)


def _describe(cluster: Cluster, program: Program) -> str:
    domain = ", ".join(map(str, (*program.outer, program.cols)))
    return f"tile [{domain}] {_names(cluster)}"
