"""`hotloop bench`: figures, rivals and their protocol, gates, refusals."""

import json
import sys

import pytest

from hotloop.cli import main
from hotloop.cli.bench import peers, report
from hotloop.cli.bench.measure import Row
from hotloop.cli.bench.peers import Peer
from hotloop.cli.bench.processes import Process, Unsupported, WorkerError
from hotloop.cli.bench.workloads import WORKLOADS, Workload, products_of

FAKE = """
import os, sys, time

class Library:
    def __init__(self, slow=0.0):
        self.about = "fake 1.0"
        self.slow = slow
        print("a library that talks")

    def prepare(self, workload, data):
        assert workload["units"] == [20, 64, 64, 1]
        assert workload["task"] == "regress"
        assert data["x_train"].shape == (5000, 20) and data["y_test"].shape == (5000, 1)
        assert data["x_train"].dtype == "float32"
        return "as it is"

    def epochs(self, count):
        time.sleep(count * self.slow)

    def evaluate(self):
        raise ZeroDivisionError("one over zero")

    def predict(self):
        raise NotImplementedError("no crystal ball")

    def predict_one(self):
        os.write(2, b"going down\\n")
        os._exit(3)
"""
SMALL = ["--quick", "--workload", "20-64-64-1"]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A folder with a rival that sleeps, and nobody else."""
    (tmp_path / "fake.py").write_text(FAKE)
    rival = Peer("fake.py", ("json",), {"slow": 0.5})
    monkeypatch.setattr(peers, "PEERS", {"fake": rival})
    monkeypatch.delenv("HOTLOOP_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def worker(fake):
    process = Process(sys.executable, fake / "fake.py", {}, {})
    yield process
    process.close()


def test_side_by_side(fake, capsys):
    arguments = ["bench", "epochs", "inference", *SMALL, "--peers", "--peers-dir", str(fake)]
    where = fake / "out.json"
    assert main([*arguments, "--json", str(where), "--gate", "fake=1"]) == 0
    out = capsys.readouterr().out
    assert "fake: as it is" in out
    assert "× as fast" in out
    assert "failed: ZeroDivisionError: one over zero" in out
    assert "not supported: no crystal ball" in out
    saved = json.loads(where.read_text(encoding="utf-8"))
    assert saved["about"]["fake"] == "fake 1.0"
    assert {"cpu", "isa", "threads", "compiler", "commit", "numpy"} <= set(saved["machine"])
    epoch = saved["rows"][0]
    assert epoch["name"] == "20-64-64-1, batch 32, adam: epoch"
    assert epoch["medians"]["fake"] == pytest.approx(0.5, rel=0.5)
    assert 0 < epoch["medians"]["hotloop"] == epoch["seconds"]["hotloop"][0]


def test_gate_that_is_missed(fake, capsys):
    arguments = ["bench", "epochs", *SMALL, "--peers", "fake", "--peers-dir", str(fake)]
    assert main([*arguments, "--gate", "fake=1e6"]) == 1
    assert "missed: 20-64-64-1, batch 32, adam: epoch: " in capsys.readouterr().out


def test_products_and_picture(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    from hotloop.cli import bench
    from hotloop.cli.bench import workloads

    monkeypatch.setattr(workloads, "_SQUARE", 64)
    picture = tmp_path / "bench.png"
    assert main(["bench", "products", *SMALL, "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "dX 64×64, batch 32\n  hotloop" in out
    assert "dX 20×64" not in out  # nobody needs the gradient of the data
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "peak" in bench.SECTIONS


def test_protocol(worker):
    assert worker.ask(do="hello") == {"about": "fake 1.0"}
    assert worker.ask(do="measure", what="epochs", count=4)["seconds"] < 0.1
    with pytest.raises(Unsupported, match="no crystal ball"):
        worker.ask(do="measure", what="predict", count=1)
    with pytest.raises(Unsupported, match="no call_one"):
        worker.ask(do="measure", what="call_one", count=1)
    with pytest.raises(WorkerError, match="unknown request 'sing'"):
        worker.ask(do="sing")
    with pytest.raises(WorkerError, match="ended with exit code 3: going down"):
        worker.ask(do="measure", what="predict_one", count=1)
    assert not worker.alive


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["epoch"], "unknown section 'epoch'; expected any of peak"),
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


def test_flop():
    work = Workload((784, 512, 10), 128, "rmsprop")
    assert work.flop("epochs") == 60_000 * 2 * (2 * 784 * 512 + 3 * 512 * 10)
    assert work.flop("predict") == 10_000 * 2 * (784 * 512 + 512 * 10)
    assert work.flop("call_one") == 0
    names = [product.name for product in products_of(WORKLOADS)]
    assert len(names) == len(set(names))


def test_seconds_are_readable():
    shown = [report.show_seconds(seconds) for seconds in (123.4, 1.5, 0.25, 0.0123, 4.5e-5, 0.0)]
    assert shown == ["123 s", "1.5 s", "0.25 s", "12.3 ms", "45 µs", "0 µs"]


def test_median_of_rounds():
    assert Row("epochs", "x", rounds={"hotloop": [3.0, 1.0, 2.0]}).seconds("hotloop") == 2.0
