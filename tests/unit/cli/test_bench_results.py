"""What `hotloop bench` makes of its samples: ratios, verdicts, tables, files."""

import dataclasses
from dataclasses import asdict

import pytest

from hotloop.cli.bench import report, results, targets
from hotloop.cli.bench.groups import GROUPS
from hotloop.cli.bench.groups.fit import BARE
from hotloop.cli.bench.groups.neighbour import ALONE, BESIDE
from hotloop.cli.bench.lengths import Length
from hotloop.cli.bench.results import Results, Run
from hotloop.cli.bench.rows import Row
from hotloop.cli.bench.show import lines_of, show
from hotloop.cli.bench.targets import TARGETS, Verdict

MACHINE = {
    "cpu": "a CPU",
    "cpus": 2,
    "system": "Linux",
    "isa": "avx2",
    "threads": 2,
    "compiler": "cc",
    "commit": "abc",
    "python": "3",
    "numpy": "2",
}
WIDE = "784-512-10, batch 128, rmsprop: epoch"
PART = asdict(Length(1, 64, 469, 64 * 128, 60_000))


def row(group="epochs", name=WIDE, **more):
    samples = {"hotloop": [2.0, 1.0, 4.0], "torch": [4.0, 4.0, 4.0], "jax": [3.0, 2.0, 9.0]}
    values = {"flop": 4e9, "samples": samples, "peaks": {"hotloop": [4.0, 8.0, 2.0]}, **more}
    return Row(group, name, **values)


def run(**more):
    return Run("2026-01-01T00:00:00+00:00", MACHINE, 3, False, {"torch": "PyTorch 2"}, **more)


def verdict_of(text, *rows):
    (found,) = [target for target in TARGETS if target.text == text]
    return found.verdict(rows)


def test_medians_and_ratios_of_rounds():
    one = row()
    assert one.median("hotloop") == 2.0
    assert one.extremes("hotloop") == (1.0, 4.0)
    # 2, 4 and 1: not the ratio of the medians, which would be 2 by accident only.
    assert one.ratio("torch", "hotloop") == 2.0
    assert one.ratio("jax", "hotloop") == 2.0
    assert one.ratio("jax", "torch") == 0.75
    assert one.best_rival() == "jax"
    assert one.best_rival("tor") == "torch"
    assert one.best_rival("keras") is None
    # Somebody who fails in the second round has a first one.
    one.samples["sklearn"] = [8.0]
    assert one.ratio("sklearn", "hotloop") == 4.0


def test_share_of_the_peak_beside_it():
    one = row()
    # 2, 4 and 1 GFLOP/s, where the peaks were 4, 8 and 2.
    assert one.share("hotloop") == 0.5
    assert one.share("torch") == pytest.approx(0.25)  # of hotloop's
    one.samples["hotloop, avx2"], one.peaks["hotloop, avx2"] = [4.0], [2.0]
    assert one.share("hotloop, avx2") == 0.5
    assert row(flop=0.0).share("hotloop") is None
    assert row(peaks={}).share("hotloop") is None


def test_share_and_lead():
    missed = verdict_of("≥ 6 × Keras-TensorFlow", row())
    assert (missed.rival, missed.ratio, missed.holds) == ("not measured", "", None)
    rivals = {"hotloop": [1.0], "keras-tensorflow": [3.0], "keras-tensorflow-defaults": [6.5]}
    missed = verdict_of("≥ 6 × Keras-TensorFlow", row(samples=rivals))
    assert (missed.rival, missed.ratio, missed.holds) == ("keras-tensorflow: 3 s", "3.00 ×", False)
    part = {"keras-tensorflow-defaults": PART}
    held = verdict_of(
        "≥ 6 × Keras-TensorFlow as tutorials write it", row(samples=rivals, lengths=part)
    )
    assert held.rival == "keras-tensorflow-defaults: 6.5 s (by 64 of 469 steps)"
    assert (held.ratio, held.holds) == ("6.50 ×", True)
    epoch = [target for target in TARGETS if target.name == WIDE and target.group == "epochs"]
    share = epoch[0].verdict([row(samples={"hotloop, dense": [2.0, 1.0, 4.0]})])
    assert share.measured == "2 s, 50.0% of peak"
    assert share.spread == "1 s … 4 s"
    assert share.holds is False
    assert epoch[0].verdict([row()]).holds is None
    best = epoch[1].verdict([row()])
    assert (best.rival, best.ratio, best.holds) == ("jax: 3 s", "2.00 ×", True)


def test_nothing_measured_is_neither_held_nor_missed():
    for target in TARGETS:
        assert target.verdict([]) == Verdict(target.work or target.name, target.text)
        found = target.verdict([Row(target.group, target.name or "x", notes={"hotloop": "failed"})])
        assert found.holds is None


def test_limits():
    name = "784-128-10: model(x), one row"
    found = verdict_of("≤ 8 µs", row("latency", name, flop=0, samples={"hotloop": [7e-6]}))
    assert (found.measured, found.rival, found.holds) == ("7 µs", "", True)
    slow = {"hotloop": [9e-6], "torch": [18e-6]}
    found = verdict_of("≤ 8 µs", row("latency", name, flop=0, samples=slow))
    assert (found.rival, found.ratio, found.holds) == ("torch: 18 µs", "2.00 ×", False)
    quiet = Row("start", "import: characters printed, threads started", "")
    quiet.samples["hotloop"] = [0, 0]
    assert verdict_of("none", quiet).holds
    quiet.samples["hotloop"] = [1]
    assert verdict_of("none", quiet).holds is False


def test_against_own_configurations():
    name = "784-128-10: fit as the tutorial calls it, an epoch"
    samples = {"hotloop": [1.2, 1.0], BARE: [1.0, 1.0]}
    found = verdict_of("≤ 1.15 × the bare epoch", row("fit", name, samples=samples))
    assert (found.rival, found.ratio, found.holds) == (f"{BARE}: 1 s", "1.10 ×", True)
    one = {"hotloop": [1.0], "hotloop, 1 thread": [1.8]}
    found = verdict_of("≥ 1.85 × one thread", row("threads", samples=one))
    assert (found.ratio, found.holds) == ("1.80 ×", False)
    burnt = {"hotloop": [1.0], ALONE: [2.0], BESIDE: [2.5], "hotloop, fewer threads beside it": [2]}
    (wide, _) = [target for target in TARGETS if target.group == "neighbour"]
    found = wide.verdict([row("neighbour", samples=burnt)])
    assert (found.measured, found.ratio, found.holds) == ("2.5 s", "1.25 ×", True)


def test_everywhere():
    rows = [
        row("products", "2048³", samples={"hotloop": [2.0], "numpy": [1.0]}),
        row("products", "a", samples={"hotloop": [1.0], "numpy": [1.5], "torch": [1.2]}),
        row("products", "b", samples={"hotloop": [1.0], "numpy": [0.9]}),
        row("products", "c", samples={"hotloop": [1.0]}),
    ]
    found = verdict_of("≥ 1 × the fastest of NumPy and PyTorch", *rows)
    assert found.measured == "at 1 of 2; least at b"
    assert (found.spread, found.ratio, found.holds) == ("0.90 × … 1.20 ×", "0.90 ×", False)
    samples = {"hotloop": [1.01], "hotloop, 1 thread": [1.0]}
    assert verdict_of("never slower (3% is noise)", row("threads", samples=samples)).holds


def test_targets_are_of_rows_that_are_measured():
    assert {target.group for target in TARGETS} == set(GROUPS) - {"peak"}
    pairs = [(target.work or target.name, target.text) for target in TARGETS]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (123.4, "s", "123 s"),
        (1.5, "s", "1.5 s"),
        (0.25, "s", "0.25 s"),
        (0.0123, "s", "12.3 ms"),
        (4.5e-5, "s", "45 µs"),
        (0.0, "s", "0 µs"),
        (57.6e6, "B", "57.6 MB"),
        (-4096, "B", "-4.1 kB"),
        (0, "B", "0 B"),
        (276.6, "GFLOP/s", "277 GFLOP/s"),
        (3, "", "3"),
    ],
)
def test_figures_are_readable(value, unit, text):
    assert show(value, unit) == text


def test_lines_of_a_row():
    title, own, torch, jax, note = lines_of(row(notes={"sklearn": "not supported: dropout"}))
    assert title == WIDE
    assert own.split() == "hotloop 2 s (1 s … 4 s) 2.0 GFLOP/s 50.0% of peak".split()
    assert torch.endswith("hotloop is 2.00 × as fast")
    assert "jax" in jax
    *_, last = lines_of(row(lengths={"jax": PART}))
    assert last.endswith("by 64 of 469 steps")
    assert note.split(maxsplit=1) == ["sklearn", "not supported: dropout"]


def test_table_is_aligned():
    head, *lines = report.table(
        [Verdict("work", "≥ 1", "2", "", "", "2 ×", True), Verdict("w", "t")]
    )
    assert [line.index(cell) for line, cell in zip(lines, ("≥ 1", "t "), strict=True)] == [
        head.index("target")
    ] * 2
    assert lines[0].startswith("yes") and lines[1].startswith("–")


def test_a_file_keeps_what_other_runs_measured(tmp_path):
    path = tmp_path / "x.json"
    first, second = run(), run()
    second.date = "2026-01-02T00:00:00+00:00"
    saved = Results()
    saved.add(row(), first)
    saved.add(row(name="other"), first)
    saved.save(path)
    loaded = results.load(path)
    assert loaded.rows == [row(), row(name="other")]
    loaded.check(MACHINE, path)
    loaded.add(row(notes={"jax": "gone"}), second)
    loaded.save(path)
    again = results.load(path)
    assert again.rows == [row(notes={"jax": "gone"}), row(name="other")]
    assert [one.date for one in again.runs] == [first.date, second.date]
    assert again.groups_of(again.runs[0]) == ["epochs"]
    # A run of which nothing is left is forgotten.
    again.add(row(name="other"), again.runs[1])
    assert len(again.runs) == 1


def test_another_machine_is_refused(tmp_path):
    saved = Results()
    saved.add(row(), run())
    with pytest.raises(ValueError, match="figures of threads 2, and this is threads 8"):
        saved.check({**MACHINE, "threads": 8}, tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 9}', '{"format": 1, "rows": []}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not what hotloop bench --json writes"):
        results.load(path)


def test_markdown():
    saved = Results()
    lost = {"hotloop": [1.0], "numpy": [0.5]}
    dense = {**row().samples, "hotloop, dense": [2.0, 1.0, 4.0]}
    saved.add(row(samples=dense, wanted=5), run())
    saved.add(row("products", "forward 1×1, batch 1", samples=lost, flop=1e9, peaks={}), run())
    saved.add(Row("peak", "1 thread", "GFLOP/s", samples={"hotloop": [99.0]}), run())
    text = report.markdown(saved, "The profile blames the caches.\n")
    lines = text.splitlines()
    assert (
        f"| {WIDE} | ≥ 1.7 × the best rival | 2 s | 1 s … 4 s | jax: 3 s | 2.00 × | yes |" in lines
    )
    assert (
        f"- {WIDE}, dense: 2 s, 50.0% of peak, where the target is ≥ 80% of the FMA peak." in lines
    )
    assert "| 1 thread | 99 GFLOP/s | 99 GFLOP/s … 99 GFLOP/s |" in lines
    assert f"**{WIDE}** (3 of 5 rounds)" in lines
    assert "| torch | 4 s | 4 s … 4 s | 1.0 | 25.0% | 2.00 |" in lines
    assert "The profile blames the caches." in lines
    assert "- forward 1×1, batch 1: numpy takes 0.5 s, hotloop 1 s (0.50 ×)." in lines
    assert "| forward 1×1, batch 1 | 1.0 | 2.0 | 0.50 × (numpy) |" in lines
    assert "- torch: PyTorch 2" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    assert "Nothing yet." in report.markdown(Results())
    assert "In none of the rows measured." in report.markdown(Results())


def test_nowhere_short(monkeypatch):
    held = dataclasses.replace(Verdict("w", "t"), holds=True)
    monkeypatch.setattr(report, "verdicts", lambda rows, groups: [held])
    assert "Nowhere: every target holds." in report.markdown(Results())
    assert targets.verdicts([], ["epochs"])
