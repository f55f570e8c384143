"""The epochs' metrics, sent to a server."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from hotloop.callbacks.callback import Callback, Logs

_TIMEOUT = 10.0  # seconds; training waits


class RemoteMonitor(Callback):
    """Sends the metrics of each epoch to a server, as a POST request.

    A server that cannot be reached, or that refuses, is warned about; training goes on.

    Args:
        root: URL of the server, `http://` or `https://`.
        path: what follows it.
        field: name of the form's field that carries the JSON text.
        headers: dictionary of more HTTP headers, or None.
        send_as_json: whether the body is the JSON text itself instead of a form.

    Raises:
        ValueError: `root` is no such URL.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(
                f"RemoteMonitor expects `root` to begin with http:// or https://. Received: "
                f"root={root!r}"
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        from urllib.error import HTTPError
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        text = json.dumps({"epoch": epoch, **{k: _plain(v) for k, v in (logs or {}).items()}})
        if self.send_as_json:
            body, kind = text, "application/json"
        else:
            body, kind = urlencode({self.field: text}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=_TIMEOUT) as answer:
                answer.read()
        except HTTPError as error:
            error.close()
            warnings.warn(
                f"RemoteMonitor: the server at {self.root} answered {error.code} {error.reason}",
                stacklevel=2,
            )
        except OSError:
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}", stacklevel=2)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
