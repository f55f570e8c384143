"""The progress display reads as Keras's, to the character."""

import io
import re
import types

import pytest

from hotloop.utils import progbar
from hotloop.utils.progbar import Progbar

BAR = "━" * 20


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Latin1(io.StringIO):
    encoding = "latin-1"

    def write(self, text):
        text.encode(self.encoding)
        return super().write(text)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told to move."""

    class Clock:
        now = 1000.0

        def time(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progbar.time, "time", clock.time)
    return clock


@pytest.fixture
def out(monkeypatch):
    stream = io.StringIO()
    put_out(monkeypatch, stream)
    return stream


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    put_out(monkeypatch, stream)
    return stream


def put_out(monkeypatch, stream):
    # Not sys.stdout itself: pytest's capturing replaces that between a fixture and its test.
    monkeypatch.setattr(progbar, "sys", types.SimpleNamespace(stdout=stream, modules={}))


def plain(text):
    return re.sub(r"\x1b\[\d+m|\x08", "", text)


def test_final_line_is_the_one_keras_prints(out, clock):
    bar = Progbar(469, stateless_metrics=())
    for step in (100, 300):
        clock.now += 0.4
        bar.update(step, [("accuracy", 0.5), ("loss", 1.0)], finalize=False)
    clock.now += 0.3
    bar.update(469, [("accuracy", 0.8698), ("loss", 0.4524)], finalize=True)
    assert out.getvalue() == f"469/469 {BAR} 1s 2ms/step - accuracy: 0.8698 - loss: 0.4524\n"


def test_verbose_2_is_one_line(out, clock):
    bar = Progbar(469, verbose=2, stateless_metrics=())
    clock.now += 1.1
    bar.update(200, [("accuracy", 0.1), ("loss", 2.0)], finalize=False)
    bar.update(469, [("accuracy", 0.8698), ("loss", 0.4524)])
    assert out.getvalue() == "469/469 - 1s - 2ms/step - accuracy: 0.8698 - loss: 0.4524\n"


def test_verbose_0_is_silent(out):
    Progbar(3, verbose=0).update(3, [("loss", 1.0)])
    assert out.getvalue() == ""


def test_small_and_negative_values(out, clock):
    bar = Progbar(10, verbose=2, stateless_metrics=())
    clock.now += 0.001
    bar.update(10, [("a", 0.0), ("b", 4.2e-5), ("c", -0.5), ("d", float("nan"))])
    assert out.getvalue() == (
        "10/10 - 0s - 100us/step - a: 0.0000e+00 - b: 4.2000e-05 - c: -0.5000 - d: nan\n"
    )


def test_terminal_redraws_in_place_with_the_time_left(terminal, clock):
    bar = Progbar(100, stateless_metrics=())
    clock.now += 10
    bar.update(25, [("loss", 0.25)], finalize=False)
    first = terminal.getvalue()
    assert plain(first) == f"\r 25/100 {BAR} 30s 400ms/step - loss: 0.2500"
    assert "\x1b[1m 25/100\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━━\x1b[0m" in first
    clock.now += 30
    bar.update(100, [("loss", 0.125)], finalize=True)
    second = terminal.getvalue()[len(first) :]
    assert second.count("\b") == len(plain(first)) - 1
    assert plain(second).rstrip(" \n") == f"\r100/100 {BAR} 40s 400ms/step - loss: 0.1250"
    assert second.endswith("\n")


def test_terminal_is_not_redrawn_more_often_than_the_interval(terminal, clock):
    bar = Progbar(100, interval=0.25, stateless_metrics=())
    for step in range(1, 51):
        clock.now += 0.01
        bar.update(step, finalize=False)
    assert terminal.getvalue().count("\r") == 2


def test_a_shorter_line_wipes_the_longer_one(terminal, clock):
    bar = Progbar(10, interval=0, stateless_metrics=())
    clock.now += 100000
    bar.update(1, [("loss", 0.00001)], finalize=False)
    before = terminal.getvalue()
    bar.update(10, [("loss", 0.5)])
    line = plain(terminal.getvalue()[len(before) :]).strip("\r\n")
    assert len(line) == len(plain(before).strip("\r"))


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, " 5s "), (65, " 1:05 "), (3661, " 1:01:01 "), (0.2, " 0s ")]
)
def test_time_left(terminal, clock, seconds, text):
    bar = Progbar(2, stateless_metrics=())
    clock.now += seconds
    bar.update(1, finalize=False)
    assert text in plain(terminal.getvalue())


def test_unknown_number_of_steps(terminal, clock):
    bar = Progbar(None, stateless_metrics=())
    clock.now += 2
    bar.update(7, [("loss", 1.0)])
    assert plain(terminal.getvalue()) == "\r      7/Unknown 2s 286ms/step - loss: 1.0000"


def test_first_step_does_not_count_for_the_pace(terminal, clock):
    bar = Progbar(11, interval=0, stateless_metrics=())
    clock.now += 5
    bar.update(1, finalize=False)
    clock.now += 10
    bar.update(11)
    assert "15s 1s/step" in plain(terminal.getvalue())


def test_values_are_averaged_unless_told_otherwise(out):
    bar = Progbar(4, verbose=2, stateful_metrics=["seen"])
    bar.update(1, [("loss", 1.0), ("seen", 1)])
    bar.update(3, [("loss", 4.0), ("seen", 3)])
    assert bar._values == {"loss": (9.0, 3), "seen": (3.0, 1)}


def test_add_counts_on(out):
    bar = Progbar(4, verbose=2)
    bar.add(3)
    assert out.getvalue() == ""
    bar.add(1, [("loss", 2.0)])
    assert out.getvalue().startswith("4/4 - ")


def test_both_kinds_of_metrics_are_refused():
    with pytest.raises(ValueError, match="stateless_metrics"):
        Progbar(3, stateful_metrics=["a"], stateless_metrics=["b"])


def test_an_output_that_cannot_say_the_bar(monkeypatch):
    stream = Latin1()
    put_out(monkeypatch, stream)
    Progbar(2, stateless_metrics=()).update(2, [("é→", 1.0)])
    assert stream.getvalue().startswith("2/2 " + "=" * 20)
    assert "é?: 1.0000" in stream.getvalue()


def test_no_standard_output(monkeypatch):
    put_out(monkeypatch, None)
    Progbar(2).update(2, [("loss", 1.0)])
