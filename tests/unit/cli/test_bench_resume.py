"""`hotloop bench` interrupted: rows saved round by round, and gone on with."""

import json
from dataclasses import replace

import pytest

from hotloop.cli import main
from hotloop.cli.bench import machine, results
from hotloop.cli.bench.groups import Setting
from hotloop.cli.bench.keeper import Keeper
from hotloop.cli.bench.lengths import Length
from hotloop.cli.bench.results import Results, Run
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.workloads import Workload
from hotloop.graph.machine import supported_isas

MACHINE = {"cpu": "a CPU", "cpus": 2, "threads": 2, "isa": "avx2", "commit": "abc", "numpy": "2"}
RUN = Run("2026-01-01T00:00:00+00:00", MACHINE, 5, False, {"torch": "PyTorch 2"})
NAMES = ["hotloop", "torch"]


def keeper(path, run=RUN, resume=True, said=None):
    saved = results.load(path) if path.exists() else Results()
    return Keeper(saved, run, path, resume, (said if said is not None else []).append)


def setting(path, **more):
    return Setting([], [], 5, False, keeper(path, **more))


def begin(path, rounds):
    """A run that ends in the midst of the round after `rounds`."""
    here = setting(path)
    row = here.row("epochs", "a", NAMES, flop=1e9)
    for number in here.rounds_of(row):
        for name in NAMES:
            row.samples.setdefault(name, []).append(1.0 + number)
            if number == rounds:
                return


def test_every_round_is_saved_when_it_is_done(tmp_path):
    path = tmp_path / "x.json"
    begin(path, 2)
    (row,) = results.load(path).rows
    assert row.samples == {"hotloop": [1.0, 2.0], "torch": [1.0, 2.0]}
    assert (row.rounds, row.wanted, row.complete) == (2, 5, False)
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_is_gone_on_with(tmp_path):
    path, said = tmp_path / "x.json", []
    begin(path, 3)
    here = setting(path, said=said)
    row = here.row("epochs", "a", NAMES, flop=1e9)
    assert said == ["a: the file has 3 rounds of it"]
    numbers = []
    for number in here.rounds_of(row):
        numbers.append(number)
        for name in NAMES:
            row.samples[name].append(9.0)
    assert numbers == [3, 4]
    (row,) = results.load(path).rows
    assert row.samples["torch"] == [1.0, 2.0, 3.0, 9.0, 9.0]
    assert row.complete


@pytest.mark.parametrize(
    ("run", "names", "reason"),
    [
        (RUN, ["hotloop"], "of other contestants: hotloop, torch"),
        (replace(RUN, machine={**MACHINE, "commit": "b"}), NAMES, "of commit abc, not b"),
        (replace(RUN, machine={**MACHINE, "numpy": "3"}), NAMES, "of numpy 2, not 3"),
        (replace(RUN, quick=True), NAMES, "not of a quick run"),
    ],
)
def test_what_may_not_be_mixed_is_measured_anew(tmp_path, run, names, reason):
    path, said = tmp_path / "x.json", []
    begin(path, 2)
    row = setting(path, run=run, said=said).row("epochs", "a", names)
    assert row == Row("epochs", "a", wanted=5)
    assert said == [f"a: measured anew, for what the file has is {reason}"]


def test_changed_files_may_be_in_any_state(tmp_path):
    path, said = tmp_path / "x.json", []
    run = replace(RUN, machine={**MACHINE, "commit": "abc-dirty"})
    keeper(path, run=run).keep(Row("epochs", "a", samples={"hotloop": [1.0]}))
    row = setting(path, run=run, said=said).row("epochs", "a", ["hotloop"])
    assert row.samples == {}
    assert "of commit abc-dirty, which may be any state of the files" in said[0]


def test_without_the_option_rows_are_replaced(tmp_path):
    path = tmp_path / "x.json"
    begin(path, 2)
    assert setting(path, resume=False).row("epochs", "a", NAMES).samples == {}


def test_another_version_of_a_rival_is_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "x.json"
    begin(path, 2)
    before = path.read_bytes()
    here = setting(path, run=replace(RUN, about={"torch": "PyTorch 3"}))
    row = here.row("epochs", "a", NAMES)
    rounds = here.rounds_of(row)
    next(rounds)
    with pytest.raises(ValueError, match="begun with PyTorch 2, and this is PyTorch 3; leave out"):
        next(rounds)
    assert path.read_bytes() == before


def test_the_command(tmp_path, monkeypatch, capsys):
    info = {**machine.machine_info(), "commit": "abc"}
    monkeypatch.setattr(machine, "machine_info", lambda: dict(info))
    first_isa = supported_isas()[:1]
    monkeypatch.setattr("hotloop.graph.machine.supported_isas", lambda: first_isa)
    path = tmp_path / "x.json"

    def samples(*arguments):
        assert main(["bench", "peak", "--json", str(path), *arguments]) == 0
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return {row["name"]: list(*row["samples"].values()) for row in rows}

    first = samples("--rounds", "1")
    second = samples("--rounds", "2", "--resume")
    assert {name: [values[0]] for name, values in second.items()} == first
    assert all(len(values) == 2 for values in second.values())
    assert samples("--rounds", "2", "--resume") == second
    assert "the file has 2 rounds of it" in capsys.readouterr().out
    info["commit"] = "b"
    assert all(len(values) == 1 for values in samples("--rounds", "1", "--resume").values())
    assert "measured anew, for what the file has is of commit abc, not b" in capsys.readouterr().out


def test_lengths():
    work = Workload((784, 512, 10), 128, "rmsprop")
    fast = Length.of(work, 1e-4)
    assert (fast.epochs, fast.whole, fast.whole_epoch(0.3), str(fast)) == (5, True, 0.3, "5 epochs")
    middling = Length.of(work, 8e-3)
    assert (middling.epochs, middling.rows, str(middling)) == (1, 60_000, "1 epoch")
    # 4 s are 250 steps: 7 times 32 and some.
    slow = Length.of(work, 0.016)
    assert (slow.epochs, slow.steps, slow.rows, slow.whole) == (1, 224, 224 * 128, False)
    assert slow.whole_epoch(2.0) == 2.0 * 60_000 / (224 * 128)
    assert str(slow) == "224 of 469 steps"
    assert Length.of(work, 0.4).steps == 10
    assert Length.of(work, 99.0).steps == 1
    assert Length.of(work, 99.0).shorter is None
    assert Length.of(work, 0.4).shorter.steps == 2


def test_what_an_epoch_takes_once():
    length = Length.of(Workload((784, 512, 10), 128, "rmsprop"), 0.016)
    shorter = length.shorter
    assert (shorter.steps, shorter.rows) == (32, 32 * 128)
    found = length.with_once(2.74, shorter, 0.82)
    assert found.once == pytest.approx(0.5)
    assert found.whole_epoch(2.74) == pytest.approx(0.5 + 2.24 * 60_000 / (224 * 128))
    assert length.with_once(7.0, shorter, 0.5).once == 0
    # Whatever noise says, it is no more than was measured.
    assert length.with_once(1.0, shorter, 2.0).once <= 1.0
    assert found.whole_epoch(0.2) == 0.2
