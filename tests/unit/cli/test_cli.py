"""The command line: what it prints, what it refuses, and its exit codes."""

import re
import subprocess
import sys

import pytest

import hotloop
from hotloop.cli import demo, main

SMALL = {"train": 2000, "test": 400}


@pytest.fixture
def small_digits(monkeypatch, tmp_path):
    """The embedded set, but little of it; no other set and no network."""
    from hotloop.datasets import download, synthetic_digits

    real = synthetic_digits.load_data
    monkeypatch.setattr(synthetic_digits, "load_data", lambda: real(**SMALL))
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(download, "_ask", lambda url: "Name or service not known")
    monkeypatch.chdir(tmp_path)


def test_demo(small_digits, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert (
        main(["demo", "--dataset", "synthetic_digits", "--epochs", "3", "--batch-size", "16"]) == 0
    )
    out = capsys.readouterr().out
    assert "Training 784-128-10 on synthetic digits" in out
    assert out.count("125/125 ━━━━━━━━━━━━━━━━━━━━") == 3
    assert float(re.search(r"Test accuracy: (0\.\d{4})", out)[1]) > 0.7
    speed = re.search(
        r"Speed: ([\d.]+) epochs/s, (\d+) GFLOP/s, (\d+)% of this machine's peak \((\d+) GFLOP/s",
        out,
    )
    assert float(speed[1]) > 0
    assert 0 <= int(speed[3]) <= 100
    assert int(speed[4]) > 0
    assert (tmp_path / "hotloop-demo.png").read_bytes().startswith(b"\x89PNG")


def test_demo_without_data_says_so_in_one_line(small_digits, capsys):
    pytest.importorskip("matplotlib")
    assert main(["demo", "--epochs", "1", "--out", "x.png"]) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("Fashion-MNIST: ")
    assert first.endswith("using hotloop's own synthetic digits instead.")
    assert second == "Training 784-128-10 on synthetic digits"


def test_demo_is_repeatable(small_digits, capsys):
    pytest.importorskip("matplotlib")
    outputs = []
    for seed in ("3", "3", "4"):
        assert main(["demo", "--dataset", "synthetic_digits", "--epochs", "1", "--seed", seed]) == 0
        outputs.append(re.findall(r"(?:loss|accuracy): ([\d.]+)", capsys.readouterr().out))
    assert outputs[0] == outputs[1]
    assert outputs[0] != outputs[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "missing/folder/x.png"], "there is no folder"),
        (["--out", "."], "ends in one of"),
        (["--out", "folder.png"], "is a folder"),
        (["--out", "x.doc"], "ends in one of"),
        (["--out", "folder.png/x.png"], None),
    ],
)
def test_demo_finds_a_bad_out_before_the_training(
    small_digits, monkeypatch, capsys, tmp_path, arguments, message
):
    pytest.importorskip("matplotlib")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.setattr(demo, "_load", lambda name: (_ for _ in ()).throw(RuntimeError("trained")))
    assert main(["demo", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    if message is None:
        assert "trained" in captured.err  # this one is fine: it got as far as the data
    else:
        assert re.match(rf"hotloop demo: error: --out .*{message}", captured.err)


def test_demo_leaves_an_existing_picture_alone_until_the_end(small_digits, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "x.png").write_bytes(b"old")
    monkeypatch.setattr(demo, "_load", lambda name: (_ for _ in ()).throw(RuntimeError("stop")))
    assert main(["demo", "--out", "x.png"]) == 1
    assert (tmp_path / "x.png").read_bytes() == b"old"
    assert main(["demo", "--out", "y.png"]) == 1
    assert not (tmp_path / "y.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["demo", "--epochs", "0"],
        ["demo", "--epochs", "many"],
        ["demo", "--batch-size", "-1"],
        ["demo", "--seed", "-1"],
        ["demo", "--seed", "4294967296"],
        ["demo", "--dataset", "imagenet"],
        ["demo", "--colour", "red"],
    ],
)
def test_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_demo_without_matplotlib(small_digits, monkeypatch, capsys):
    for name in [*sys.modules, "matplotlib", "matplotlib.figure"]:
        if name.startswith("matplotlib"):
            monkeypatch.setitem(sys.modules, name, None)
    assert main(["demo"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hotloop[plot]" in captured.err
    assert captured.err.count("\n") == 1


def test_demo_names_a_wrong_file(small_digits, monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("HOTLOOP_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist.npz").write_bytes(b"nonsense")
    assert main(["demo", "--dataset", "mnist"]) == 1
    assert re.match(r"hotloop demo: error: .*mnist\.npz is no usable", capsys.readouterr().err)


def test_interruption(small_digits, monkeypatch, capsys):
    pytest.importorskip("matplotlib")

    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_load", interrupt)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "hotloop demo: interrupted\n"


def test_info(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(tmp_path))
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^hotloop +{re.escape(hotloop.__version__)}$", out, re.MULTILINE)
    assert re.search(r"^instruction set +(portable|avx2|avx512|neon)$", out, re.MULTILINE)
    assert re.search(rf"^threads +{hotloop.get_num_threads()}$", out, re.MULTILINE)
    assert re.search(rf"^hotloop's cache +{re.escape(str(tmp_path))}$", out, re.MULTILINE)


def test_python_dash_m():
    result = subprocess.run(
        [sys.executable, "-m", "hotloop", "--version"],
        env={**__import__("os").environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert result.stdout == f"hotloop {hotloop.__version__}\n"


def test_output_into_a_closed_pipe():
    result = subprocess.run(
        f"{sys.executable} -m hotloop info | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        env={**__import__("os").environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""
