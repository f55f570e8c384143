"""The tables of docs/keras.md, docs/keras_names.md and docs/ops.md, as data.

A table stands under a heading that begins with a name in backticks and has the columns
`names | state | meaning`: the heading names a package of Keras, the first cell public names in it,
their methods (`Layer.quantize`) or arguments (`Dense(lora_rank)`); `*` at the end is any ending. A
table with the columns `argument | state | meaning` stands under the name of a function, and lists
all of its arguments in order.
"""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("keras.md", "keras_names.md", "ops.md")

# What may stand in the second column, `refused` with the errors after it.
STATES = ("same", "more", "no-op", "differs", "refused", "ours")


@dataclass(frozen=True)
class Row:
    """One name of a table's row: `name` as Keras's, with its package; `argument` or ""."""

    name: str
    argument: str
    state: str
    error: str
    meaning: str
    place: str

    @property
    def key(self):
        return f"{self.name}({self.argument})" if self.argument else self.name


def cells_of(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def parse(page, text):
    """(rows, {function: [argument, …]}) of a page."""
    rows, complete = [], {}
    heading, columns, prefix = "", [], ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            heading = (re.findall(r"`([\w.]+)`", line) or [""])[0]
        if not line.startswith("|"):
            columns = []
            continue
        cells = cells_of(line)
        if not columns:
            columns = cells
            prefix = "" if heading == "keras" else f"{heading}."
            if columns[0] == "argument":
                complete[heading] = []
            continue
        if columns[1:2] != ["state"] or set(line) <= set("|- "):
            continue
        place = f"{page}:{number}"
        assert len(cells) == 3, f"{place}: three cells are expected"
        state, _, error = cells[1].partition(" `")
        assert state.rstrip(":") in STATES, f"{place}: unknown state {state!r}"
        rest = (state.rstrip(":"), error.rstrip("`"), cells[2], place)
        for written in re.findall(r"`([^`]+)`", cells[0]):
            if columns[0] == "argument":
                complete[heading].append(written)
                rows.append(Row(heading, written, *rest))
            else:
                name, _, argument = written.rstrip(")").partition("(")
                rows.append(Row(prefix + name, argument, *rest))
    return rows, complete


def read():
    rows, complete = [], {}
    for page in PAGES:
        more, functions = parse(page, (DOCS / page).read_text(encoding="utf-8"))
        rows += more
        complete.update(functions)
    return rows, complete
