"""The driver's end of the workers: starts them, asks them, keeps all but one of them asleep."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Process", "Unsupported", "WorkerError", "last_line", "quiet_environment"]

_WORKER = Path(__file__).with_name("worker.py")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}


class WorkerError(RuntimeError):
    """A worker failed or ended; the text says how."""


class Unsupported(Exception):  # noqa: N818
    """A worker's library cannot do what was asked; the text says what."""


class Process:
    """A worker process. Between requests it is stopped: its threads may not disturb the others'.

    Args:
        python: the interpreter.
        library: the file with its class `Library`.
        options: the arguments of that class.
        environment: additions to this process's environment.
    """

    def __init__(
        self,
        python: str,
        library: Path,
        options: Mapping[str, Any],
        environment: Mapping[str, str],
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, str(_WORKER), str(library), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**quiet_environment(), **environment},
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            Unsupported: the library cannot do it.
            WorkerError: it failed, or the process ended.
        """
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        self._signal("SIGCONT")
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise WorkerError(f"ended with exit code {process.wait()}: {self._last_error()}")
        self._signal("SIGSTOP")
        reply = json.loads(line)
        if "unsupported" in reply:
            raise Unsupported(reply["unsupported"])
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _signal(self, name: str) -> None:
        if hasattr(signal, name):  # Windows has neither
            self._process.send_signal(getattr(signal, name))

    def _last_error(self) -> str:
        self._errors.seek(0)
        return last_line(self._errors.read().decode(errors="replace"))


def quiet_environment() -> dict[str, str]:
    """Of this process; in it libraries talk less, and keep their bytecode as installed ones do."""
    environment = {**os.environ, **_QUIET}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def last_line(text: str) -> str:
    """Where Python and most programs say why they ended."""
    return (text.strip().splitlines() or ["it printed nothing"])[-1]
