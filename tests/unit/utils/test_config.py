import io

import pytest

import hotloop


def test_number_of_threads():
    before = hotloop.get_num_threads()
    try:
        hotloop.set_num_threads(3)
        assert hotloop.get_num_threads() == 3
    finally:
        hotloop.set_num_threads(before)


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", None, True])
def test_what_is_no_number_of_threads(n):
    with pytest.raises(ValueError, match="set_num_threads"):
        hotloop.set_num_threads(n)


def test_show_config(monkeypatch):
    monkeypatch.setenv("HOTLOOP_NUM_THREADS", "5")
    stream = io.StringIO()
    hotloop.show_config(file=stream)
    lines = dict(line.split("  ", 1) for line in stream.getvalue().splitlines())
    values = {name.strip(): value.strip() for name, value in lines.items()}
    assert values["hotloop"] == hotloop.__version__
    assert values["threads"] == str(hotloop.get_num_threads())
    assert values["HOTLOOP_NUM_THREADS"] == "5"
