"""Prints above the numbers: the machine, the threads and the instruction set."""


def pytest_report_header(config):
    import contextlib
    import io

    import hotloop

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        hotloop.show_config()
    return text.getvalue().splitlines()
