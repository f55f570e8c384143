"""`hotloop bench`: groups, rivals and their protocol, gates, refusals."""

import json
import re
import sys

import pytest

from hotloop.cli import main
from hotloop.cli.bench import contest, groups, lengths, peers, workloads
from hotloop.cli.bench.groups import neighbour, process
from hotloop.cli.bench.peers import Peer
from hotloop.cli.bench.processes import Process, Unsupported, WorkerError
from hotloop.cli.bench.workloads import WORKLOADS, Workload, products_of

FAKE = """
import os, sys, time

class Library:
    def __init__(self, slow=0.0):
        self.about = "fake 1.0"
        self.slow = slow
        self.calls = []
        print("a library that talks")

    def prepare(self, workload, data, purpose):
        assert purpose in ("epochs", "latency")
        assert workload["task"] == "regress" or workload["units"][-1] == 10
        assert data["x_train"].dtype == "float32" and len(data["x_train"]) == len(data["y_train"])
        self.rows = len(data["x_train"])
        self.choice = workload.get("choice") or [1]
        return "as it is"

    def take(self, rows):
        assert rows <= self.rows
        self.rows_taken = rows

    def epochs(self, count):
        time.sleep(count * self.slow * self.rows_taken)

    def call_one(self):
        raise ZeroDivisionError("one over zero")

    def predict_one(self):
        raise NotImplementedError("no crystal ball")

    def train_on_batch(self):
        os.write(2, b"going down\\n")
        os._exit(3)

    def evaluate(self):
        self.calls.append(0)

    def counted(self):
        return len(self.calls)

    def hoard(self):
        self.calls.append(bytes(range(256)) * 4096)

    def first_step(self, workload):
        return lambda: self.calls.append(workload["units"])
"""
SMALL = ["--quick", "--workload", "20-64-64-1"]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A folder with a rival that sleeps, and nobody else."""
    (tmp_path / "fake.py").write_text(FAKE)
    rival = Peer(
        "fake.py",
        ("json",),
        ("epochs", "latency", "start"),
        {"slow": 1e-4},
        imports="this",
        once=True,
    )
    monkeypatch.setattr(peers, "PEERS", {"fake": rival})
    monkeypatch.delenv("HOTLOOP_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def worker(fake):
    process = Process(sys.executable, fake / "fake.py", {}, {})
    yield process
    process.close()


def test_side_by_side(fake, capsys):
    arguments = ["bench", "epochs", *SMALL, "--peers", "--peers-dir", str(fake)]
    where = fake / "out.json"
    assert main([*arguments, "--json", str(where), "--gate", "fake=1"]) == 0
    out = capsys.readouterr().out
    assert re.search("fake: as it is; samples of [12] epoch", out)
    assert "× as fast" in out
    assert "≥ 4 × the best rival" in out
    saved = json.loads(where.read_text(encoding="utf-8"))
    (run,) = saved["runs"]
    assert run["about"]["fake"] == "fake 1.0" and run["quick"]
    assert {"cpu", "isa", "threads", "compiler", "commit", "numpy"} <= set(run["machine"])
    (epoch,) = saved["rows"]
    assert epoch["name"] == "20-64-64-1, batch 32, adam: epoch"
    assert epoch["medians"]["fake"] == pytest.approx(0.5, rel=0.5)
    assert 0 < epoch["medians"]["hotloop"] == epoch["samples"]["hotloop"][0]
    assert len(epoch["peaks"]["hotloop"]) == 1
    assert epoch["lengths"]["fake"]["rows"] == epoch["lengths"]["hotloop"]["all_rows"] == 5000


def test_who_is_slow_does_a_part_of_the_epoch(fake, capsys, monkeypatch):
    monkeypatch.setattr(lengths, "_LONG", 0.25)  # half of what the rival takes for 157 steps
    arguments = ["bench", "epochs", *SMALL, "--peers", "--peers-dir", str(fake)]
    where = fake / "out.json"
    assert main([*arguments, "--json", str(where)]) == 0
    out = capsys.readouterr().out
    (steps,) = re.findall(r"fake: as it is; samples of (\d+) of 157 steps", out)
    assert 1 <= int(steps) <= 64  # fewer if the machine is busy
    assert f"by {steps} of 157 steps" in out.partition(": epoch\n")[2]
    (epoch,) = json.loads(where.read_text(encoding="utf-8"))["rows"]
    assert epoch["choices"] == {"fake": [1]}
    # It sleeps for 3.2 ms a step, or longer. What it takes once can be all of that by mistake only.
    assert epoch["medians"]["fake"] >= int(steps) * 3.2e-3


def test_what_an_epoch_takes_once_is_counted_once(fake, monkeypatch):
    code = FAKE.replace("self.slow * self.rows_taken", "(self.slow * self.rows_taken + 0.4)")
    (fake / "fake.py").write_text(code)
    monkeypatch.setattr(lengths, "_LONG", 0.3)
    where = fake / "out.json"
    arguments = ["bench", "epochs", *SMALL, "--peers", "--peers-dir", str(fake)]
    assert main([*arguments, "--json", str(where)]) == 0
    (epoch,) = json.loads(where.read_text(encoding="utf-8"))["rows"]
    length = epoch["lengths"]["fake"]
    assert length["steps"] < 157
    assert length["once"] > 0


def test_gate_that_is_missed(fake, capsys):
    arguments = ["bench", "epochs", *SMALL, "--peers", "fake", "--peers-dir", str(fake)]
    assert main([*arguments, "--gate", "fake=1e6"]) == 1
    assert "missed: 20-64-64-1, batch 32, adam: epoch: " in capsys.readouterr().out


def test_who_fails_is_noted_and_the_others_go_on(fake, capsys):
    arguments = ["bench", "latency", "--quick", "--peers", "--peers-dir", str(fake)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "failed: ZeroDivisionError: one over zero" in out
    assert "not supported: no crystal ball" in out
    assert "failed: ended with exit code 3: going down" in out
    assert out.count("  hotloop  ") == 3


def test_groups_are_added_to_a_file(fake, capsys):
    where = str(fake / "out.json")
    assert main(["bench", "peak", "--quick", "--json", where]) == 0
    assert main(["bench", "fit", "start", "--quick", "--json", where]) == 0
    out = capsys.readouterr().out
    assert "≤ 1.15 × the bare epoch" in out
    saved = json.loads((fake / "out.json").read_text(encoding="utf-8"))
    assert {row["group"] for row in saved["rows"]} == {"peak", "fit", "start"}
    assert len(saved["runs"]) == 2
    assert main(["bench", "--report", where]) == 0
    report = capsys.readouterr().out
    assert "| work | target | measured | spread | best rival | ratio | holds |" in report
    assert "### start: " in report
    assert "### epochs: " not in report


def test_a_rival_starts_too(fake, capsys):
    assert main(["bench", "start", "--quick", "--peers", "--peers-dir", str(fake)]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("784-128-10: build, compile and first step after import")
    assert lines[first + 1].split()[0] == "hotloop"
    assert lines[first + 2].split()[0] == "fake"


def test_products_and_picture(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(workloads, "SQUARE", 64)
    picture = tmp_path / "bench.png"
    assert main(["bench", "products", *SMALL, "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "dX 64×64, batch 32\n  hotloop" in out
    assert "dX 20×64" not in out  # nobody needs the gradient of the data
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_protocol(worker):
    assert worker.ask(do="hello") == {"about": "fake 1.0"}
    assert worker.ask(do="measure", what="evaluate", how="median", count=6)["value"] < 0.1
    first = {"what": "first_step", "how": "first", "arguments": [{"units": [1]}]}
    assert worker.ask(do="measure", **first)["value"] < 0.1
    # One call that does not count, six that do, one first step.
    assert worker.ask(do="report", what="counted") == {"value": 8}
    with pytest.raises(Unsupported, match="no crystal ball"):
        worker.ask(do="measure", what="predict_one", how="median")
    with pytest.raises(Unsupported, match="no sing of this library"):
        worker.ask(do="measure", what="sing", how="median")
    with pytest.raises(WorkerError, match="unknown request 'sing'"):
        worker.ask(do="sing")
    with pytest.raises(WorkerError, match="unknown way to measure 'loudly'"):
        worker.ask(do="measure", what="evaluate", how="loudly")
    with pytest.raises(WorkerError, match="ended with exit code 3: going down"):
        worker.ask(do="measure", what="train_on_batch", how="median")
    assert not worker.alive


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory(worker):
    before = worker.ask(do="memory")["value"]
    assert worker.ask(do="growth", what="evaluate", warm_up=9, count=9)["value"] < 1e6
    grown = worker.ask(do="growth", what="hoard", warm_up=2, count=20)["value"]
    assert grown == pytest.approx(20 * 2**20, rel=0.2)
    assert worker.ask(do="memory")["value"] - before >= grown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["epoch"], "unknown group 'epoch'; expected any of peak, products"),
        (["--workload", "1-2-3"], "--workload 1-2-3 is in none of: 784-512-10, batch 128"),
        (["--rounds", "0"], "expected a whole number of at least 1"),
        (["--peer-python", "torch=python"], "--peer-python needs --peers"),
        (["--peers", "caffe"], "'caffe' is none of keras-tensorflow"),
        (["--peers", "--peer-python", "torch"], "expected NAME=PYTHON"),
        (["--peers", "--peer-python", "caffe=python"], "caffe is none of"),
        (["--peers", "--peer-python", "torch=/none"], "there is no program /none"),
        (["--peers", "--peers-dir", "/none"], "expected a folder with jax_scan.py"),
        (["--gate", "torch=2"], "torch does not take part"),
        (["--gate", "torch"], "expected PEER=RATIO"),
        (["--json", "/none/x.json"], "there is no folder /none"),
        (["--notes", "x.md"], "--notes needs --report"),
        (["--resume"], "--resume needs --json"),
        (["--report", "/none/x.json"], "No such file or directory"),
    ],
)
def test_refusals(arguments, said, repo_peers, capsys):
    assert main(["bench", *arguments]) == 1
    assert said in capsys.readouterr().err


@pytest.fixture
def repo_peers(monkeypatch, tmp_path):
    """The rivals' files exist, as in a checkout, wherever hotloop is installed."""
    folder = tmp_path / "benchmarks/peers"
    folder.mkdir(parents=True)
    for peer in peers.PEERS.values():
        (folder / peer.file).touch()
    monkeypatch.chdir(tmp_path)


def test_without_a_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(peers, "_HERE", tmp_path / "a/b/c/d")
    with pytest.raises(FileNotFoundError, match=r"source tree .* name the folder with --peers-dir"):
        peers.find_peers_dir(None)


def test_every_group_has_its_module_and_every_rival_known_groups():
    from importlib import import_module

    for group in groups.GROUPS:
        assert callable(import_module(f"hotloop.cli.bench.groups.{group}").measure)
    for peer in peers.PEERS.values():
        assert set(peer.groups) <= set(groups.GROUPS)
        assert peer.imports or "start" not in peer.groups
        assert peer.tutorial_import or "process" not in peer.groups


def test_turns():
    assert [contest.rotated("abc", number) for number in (-1, 0, 1, 3)] == [
        ["c", "a", "b"],
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["a", "b", "c"],
    ]
    assert contest.rotated([], 1) == []


def test_configurations():
    one = contest.configured(threads=1)
    assert one.name == "hotloop, 1 thread"
    assert one.peer.environment["HOTLOOP_NUM_THREADS"] == "1"
    assert contest.configured(threads=2, isa="avx2").name == "hotloop, 2 threads, avx2"
    dense = contest.configured(dense=True)
    assert (dense.name, dense.peer.environment["HOTLOOP_SPARSE"]) == ("hotloop, dense", "0")
    assert "HOTLOOP_ISA" not in contest.configured().peer.environment


def test_the_tutorial_is_the_same_for_all():
    own, other = process._program("import hotloop as keras"), process._program("import keras")
    different = [
        pair
        for pair in zip(own.splitlines(), other.splitlines(), strict=True)
        if pair[0] != pair[1]
    ]
    assert different == [("import hotloop as keras", "import keras")]


def test_a_neighbour_burns_and_goes():
    with neighbour.burning() as process:
        assert process.poll() is None
    assert process.poll() is not None


def test_flop():
    work = Workload((784, 512, 10), 128, "rmsprop")
    assert work.flop("epochs") == 60_000 * 2 * (2 * 784 * 512 + 3 * 512 * 10)
    assert work.flop("predict") == 10_000 * 2 * (784 * 512 + 512 * 10)
    assert work.flop("call_one") == 0
    assert work.steps == 469
    assert work.trial_rows == 128 * 128
    assert work.resized(3000).trial_rows == 3000
    assert workloads.DEEP.trial_rows == 32 * 256
    names = [product.name for product in products_of(WORKLOADS)]
    assert len(names) == len(set(names))
