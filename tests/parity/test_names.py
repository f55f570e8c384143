"""Every public name, method and argument of Keras is here or in the tables of the documentation.

`golden/names.json` has what the installed Keras offers, recorded by record.py. Each of its names
has a row in docs/keras.md, docs/keras_names.md or docs/ops.md, and the row's state has to be true.
Rows that nothing needs are found, too.
"""

import fnmatch
import importlib
import inspect
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import hotloop
from hotloop.layers import refused_methods

import refusals  # isort: skip
import signatures  # isort: skip
import tables  # isort: skip

KERAS = json.loads(
    Path(__file__).with_name("golden").joinpath("names.json").read_text(encoding="utf-8")
)
ROWS, COMPLETE = tables.read()
EXPLICIT = {row.key: row for row in ROWS if not row.name.endswith("*")}
PATTERNS = [row for row in ROWS if row.name.endswith("*")]
GENERIC = "(*args, **kwargs)"
PACKAGES = sorted({name.rpartition(".")[0] for name in KERAS})


def canonical(name):
    """The name that an alias is recorded under."""
    described = KERAS[name]
    return described[2:] if isinstance(described, str) and described[:2] == "= " else name


def row_of(name):
    """The row of a public name: its own, else that of a package which is not there as a whole,
    else that of its other name, else of a pattern."""
    fitting = [row for row in PATTERNS if fnmatch.fnmatchcase(name, row.name)]
    absent = next((row for row in fitting if row.state == "refused"), None)
    own, other = EXPLICIT.get(name), EXPLICIT.get(canonical(name))
    return own or absent or other or next(iter(fitting), None)


def found(name):
    """(object, None), or (None, the error that asking for it raises)."""
    try:
        return signatures.lookup(hotloop, name), None
    except (AttributeError, NotImplementedError) as error:
        return None, error


def split_member(name):
    """("layers.Layer", "quantize") of a recorded class's member, None of everything else."""
    owner, _, member = name.rpartition(".")
    described = KERAS.get(owner)
    return (owner, member) if isinstance(described, dict) and member else None


def is_refusing(cls, member):
    """Whether a method is one that only raises."""
    return getattr(getattr(cls, member, None), "__module__", "") == refused_methods.__name__


class Comparison:
    """What differs, and which rows explained it."""

    def __init__(self):
        self.problems = []
        self.used = set()

    def explained(self, names, argument="", states=tables.STATES):
        """Whether a row of one of the names, or of the argument there, allows a difference."""
        for name in names:
            row = EXPLICIT.get(f"{name}({argument})" if argument else name)
            if row is not None and row.state in states:
                self.used.add(row.key)
                return True
        return False

    def parameters(self, names, want, have):
        """Compares signatures; `names` are those under which a row may stand."""
        want, have = signatures.parameters(want), signatures.parameters(have)
        for argument in want.keys() - have.keys():
            if not self.explained(names, argument, ("refused", "differs")):
                self.problems.append(f"{names[0]}({argument}) is not there, without a row")
        for argument in have.keys() - want.keys():
            if not self.explained(names, argument, ("more",)):
                self.problems.append(f"{names[0]}({argument}) is not Keras's, without a row")
        common = [argument for argument in want if argument in have]
        for argument in common:
            if want[argument] != have[argument] and not self.explained(
                names, argument, ("differs", "refused")
            ):
                was = f"Keras has {want[argument]}, hotloop {have[argument]}"
                self.problems.append(f"{names[0]}({argument}): {was}, without a row")
        order = [argument for argument in have if argument in want]
        if order != common:
            self.problems.append(f"{names[0]}: Keras's order is {common}, hotloop's {order}")

    def function(self, name, want, value):
        if not callable(value):
            self.problems.append(f"{name} is not callable")
        else:
            self.parameters([name, canonical(name)], want, signatures.describe(value))

    def class_(self, name, want, value):
        if not inspect.isclass(value):
            self.problems.append(f"{name} is no class")
            return
        bases = [base for base in want["bases"] if inspect.isclass(found(base)[0])]
        for base in bases:
            if not issubclass(value, found(base)[0]):
                self.problems.append(f"{name} is not derived from {base}")
        self.parameters([name], want["class"], signatures.describe_constructor(value))
        members = dict(want["members"])
        for base in bases:
            for member, described in KERAS[base]["members"].items():
                members.setdefault(member, described)
        for member, described in members.items():
            self.member([f"{owner}.{member}" for owner in (name, *want["bases"])], described, value)
        self.attributes(name, want["bases"])

    def attributes(self, name, bases):
        """What objects have, once they are in use."""
        for attribute in sorted(signatures.attributes_of(KERAS, name)):
            if any(self.is_refused(f"{o}.{attribute}", None, attribute) for o in (name, *bases)):
                continue
            if not hasattr(refusals.instance(name, tuple(bases)), attribute):
                self.problems.append(f"{name}.{attribute} is not there, without a row")

    def is_refused(self, name, cls, member):
        """Whether a row refuses a member where `cls` has it from; one of a base may be another."""
        row = EXPLICIT.get(name)
        if row is None or row.state != "refused":
            return False
        owner = found(name.rpartition(".")[0])[0]
        if cls is None:
            return True
        return inspect.getattr_static(owner, member, None) is inspect.getattr_static(
            cls, member, None
        )

    def member(self, names, want, cls):
        """A method or property of `cls`; `names` are its own name and those in Keras's bases."""
        member = names[0].rpartition(".")[2]
        if any(self.is_refused(name, cls, member) for name in names):
            return
        if is_refusing(cls, member):
            self.problems.append(f"{names[0]} is refused, without a row")
            return
        if not hasattr(cls, member):
            instance = refusals.instance(*(name.rpartition(".")[0] for name in names[:1]))
            if want != "property" or instance is None or not hasattr(instance, member):
                self.problems.append(f"{names[0]} is not there, without a row")
            return
        have = signatures.describe_member(cls, member)
        if "property" in (want, have):
            if want != have and not self.explained(names):
                self.problems.append(f"{names[0]}: Keras has {want}, hotloop {have}")
        elif want != GENERIC and (have != GENERIC or member != "__call__"):
            # A call says in `call` what it takes, a base class may leave it to derived ones.
            self.parameters(names, want, have)


def compare(package):
    """The comparison of the public names right inside a package of Keras."""
    comparison = Comparison()
    for name, described in KERAS.items():
        if name.rpartition(".")[0] != package:
            continue
        row = row_of(name)
        if row is None:
            comparison.problems.append(f"{name} is in no table")
            continue
        value, error = found(name)
        if row.state == "ours":
            comparison.problems.append(f"{row.place}: {name} is Keras's")
        elif row.state == "refused":
            if error is not None and type(error).__name__ != row.error:
                comparison.problems.append(f"{row.place}: {name} raises {error!r}")
        elif error is not None:
            comparison.problems.append(f"{row.place}: {name} is {row.state}, but {error!r}")
        elif canonical(name) != name:
            if value is not found(canonical(name))[0]:
                comparison.problems.append(f"{name} is not {canonical(name)}")
        elif isinstance(described, dict):
            comparison.class_(name, described, value)
        elif described != "value":
            comparison.function(name, described, value)
    return comparison


@pytest.mark.parametrize("package", PACKAGES)
def test_every_difference_is_explained(package):
    assert compare(package).problems == []


def test_no_name_has_two_rows():
    assert [key for key, count in Counter(row.key for row in ROWS).items() if count > 1] == []


def exists_in_keras(name):
    """What Keras has under the name of a row: a signature, "property", a class, or None."""
    if name in KERAS:
        return KERAS[canonical(name)]
    member = split_member(name)
    if member is None:
        return None
    if member[1] in signatures.attributes_of(KERAS, member[0]):
        return "property"
    owners = [member[0], *KERAS[member[0]]["bases"]]
    return next((c for o in owners if (c := KERAS[o]["members"].get(member[1])) is not None), None)


def ours():
    """The public names of hotloop that Keras does not have, in Keras's packages and beside them."""
    names = []
    pending = ["hotloop"]
    while pending:
        path = pending.pop()
        module = importlib.import_module(path)
        for name in getattr(module, "__all__", ()):
            full = f"{path}.{name}".removeprefix("hotloop.")
            value = getattr(module, name)
            if not inspect.ismodule(value):
                names.append(full)
            elif any(known.startswith(f"{full}.") for known in KERAS):
                pending.append(f"hotloop.{full}")
            else:
                names.append(full)
    return [name for name in names if name not in KERAS and name != "__version__"]


def test_names_that_keras_does_not_have_are_listed():
    assert sorted(ours()) == sorted(row.key for row in ROWS if row.state == "ours")


def is_needed(row, used):
    """Whether a row explains something: a name, a difference, or what an argument does."""
    if row.state == "ours":
        return True  # test_names_that_keras_does_not_have_are_listed
    if row.name.endswith("*"):
        return any(row_of(name) is row for name in KERAS)
    if row.key in used and row.argument:
        return True
    described = exists_in_keras(row.name)
    if described is None:
        return False
    if not row.argument and row.name not in KERAS:
        # A member: unless a base class's row says it.
        owner, member = split_member(row.name)
        above = (EXPLICIT.get(f"{base}.{member}") for base in KERAS[owner]["bases"])
        said = {(other.state, other.error) for other in above if other is not None}
        return (row.state, row.error) not in said
    if not row.argument:
        # An alias: if it differs from its other name.
        return canonical(row.name) == row.name or canonical(row.name) not in EXPLICIT
    text = described["class"] if isinstance(described, dict) else described
    return row.argument in signatures.parameters(text)


def test_every_row_is_needed():
    used = set().union(*(compare(package).used for package in PACKAGES))
    assert [f"{row.place}: {row.key}" for row in ROWS if not is_needed(row, used)] == []


REFUSED = [
    row
    for row in ROWS
    if row.state == "refused" and (row.argument or row.name not in KERAS or found(row.name)[0])
    if not row.name.endswith("*")
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.key)
def test_refusals(row):
    """What is called, and said to be refused, raises the error of the row, with its name in it."""
    refused = refusals.CALLS.get(row.key)
    if refused is None:
        assert not row.argument, f"{row.place}: tests/parity/refusals.py has no call for {row.key}"
        refused = refusals.method_call(row.name)
    with pytest.raises(Exception) as caught:
        refused()
    assert type(caught.value).__name__ == row.error, repr(caught.value)
    words = {row.argument, row.name.rpartition(".")[2]} - {""}
    assert any(word in str(caught.value) for word in words) or row.argument.startswith("*")


def test_every_refusal_has_a_row():
    keys = {row.key for row in REFUSED}
    assert [key for key in refusals.CALLS if key not in keys] == []


@pytest.mark.parametrize("function", COMPLETE)
def test_tables_of_arguments_are_complete(function):
    described = exists_in_keras(function)
    expected = list(signatures.parameters(described))
    listed = COMPLETE[function]
    assert [a for a in listed if a in expected] == expected
    ours = [EXPLICIT[f"{function}({a})"].state for a in listed if a not in expected]
    assert set(ours) <= {"more"}


TRAINING = [
    "compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch",
    "predict_on_batch", "compute_loss", "compute_metrics", "save_weights", "load_weights",
    "summary",
]  # fmt: skip


def test_the_training_functions_have_such_tables():
    assert {f"models.Model.{name}" for name in TRAINING} <= set(COMPLETE)


def test_the_reasons_in_the_code_are_those_of_names_in_keras():
    """`hotloop._absent` refuses exactly what Keras has and hotloop has not."""
    from hotloop import _absent

    for module, reasons in _absent._REASONS.items():
        package = module.removeprefix("hotloop").lstrip(".")
        for name in (name for names in reasons.values() for name in names.split()):
            full = f"{package}.{name}".lstrip(".")
            assert any(known == full or known.startswith(f"{full}.") for known in KERAS), full
            assert name not in importlib.import_module(module).__all__, full


WANT = "(x, y=None, *, sign=1, **kwargs)"


@pytest.mark.parametrize(
    ("have", "problem"),
    [
        (WANT, None),
        ("(y=None, x=None, *, sign=1, **kwargs)", "order"),
        ("(x, *, sign=1, **kwargs)", r"f\(y\) is not there"),
        ("(x, y=0, *, sign=1, **kwargs)", r"f\(y\): Keras has .*None.*, hotloop .*0"),
        ("(x, y=None, sign=1, **kwargs)", r"f\(sign\): Keras has .*keyword only"),
        ("(x, y=None, *, sign=1, other=2, **kwargs)", r"f\(other\) is not Keras's"),
        ("(x, y=None, *, sign=1)", r"f\(\*\*kwargs\) is not there"),
    ],
)
def test_differences_are_seen(have, problem):
    comparison = Comparison()
    comparison.parameters(["f"], WANT, have)
    text = "\n".join(comparison.problems)
    assert bool(text) is bool(problem)
    assert re.search(problem or "", text)


def test_what_disappears_is_seen(monkeypatch):
    monkeypatch.delattr(hotloop.losses.Huber, "__init__")
    monkeypatch.delattr(hotloop.losses, "tversky")
    monkeypatch.delitem(hotloop.losses._LATER, "tversky")  # else it would be loaded again
    text = "\n".join(compare("losses").problems)
    assert "losses.Huber(delta) is not there" in text
    assert "losses.tversky is same, but" in text


@pytest.mark.parametrize(
    ("key", "package"),
    [("layers.Dense", "layers"), ("models.Model.save", "models"), ("Function", "")],
)
def test_a_row_that_is_missing_is_seen(monkeypatch, key, package):
    monkeypatch.delitem(EXPLICIT, key)
    assert any(problem.startswith(key) for problem in compare(package).problems)


def test_rows_that_nothing_needs_are_seen():
    for key, argument in [("layers.Dense", "unit"), ("layers.Densee", ""), ("losses.hinge.x", "")]:
        row = tables.Row(key, argument, "differs", "", "", "")
        assert not is_needed(row, set())
