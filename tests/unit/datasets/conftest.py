import gzip
import hashlib
import http.server
import shutil
import ssl
import struct
import subprocess
import threading

import numpy as np
import pytest

from hotloop.datasets import download as download_module
from hotloop.datasets.image_set import IDX_FILES, ImageSet

SHAPES = {"x_train": (30, 4, 5), "y_train": (30,), "x_test": (7, 4, 5), "y_test": (7,)}


def idx_bytes(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """All places in which data sets are looked for are empty folders, and there is no network."""
    for name in ("HOTLOOP_DATA_DIR", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("home", "cache", "data"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("HOTLOOP_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(download_module, "PATIENCE", 2.0)
    return tmp_path


@pytest.fixture
def arrays():
    rng = np.random.default_rng(5)
    return {name: rng.integers(0, 256, shape, np.uint8) for name, shape in SHAPES.items()}


@pytest.fixture
def make_set(arrays):
    """A small set of its own kind; nothing listens where it is to be downloaded from."""

    def make(mirrors=({"tiny.npz": "https://127.0.0.1:9/tiny.npz"},)):
        return ImageSet(
            title="Tiny",
            folder="tiny",
            archives=("tiny.npz",),
            shapes=SHAPES,
            checksums={name: hashlib.sha256(array).hexdigest() for name, array in arrays.items()},
            mirrors=tuple(mirrors),
        )

    return make


@pytest.fixture
def put_idx(arrays):
    """Writes the set as IDX files; `replace` gives other bytes to some of them."""

    def put(folder, compress=gzip.compress, suffix=".gz", replace=()):
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in IDX_FILES.items():
            content = dict(replace).get(name, idx_bytes(arrays[name]))
            (folder / f"{file}{suffix}").write_bytes(compress(content))
        return folder

    return put


class Server(http.server.ThreadingHTTPServer):
    """Answers with `files`: path -> bytes, or (status, headers, bytes)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.requests = []

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def answer(self, body):
        self.server.requests.append((self.command, self.path))
        entry = self.server.files.get(self.path, (404, {}, b""))
        status, headers, content = entry if isinstance(entry, tuple) else (200, {}, entry)
        self.send_response(status)
        for name, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, made for this test run."""
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate for the local server needs the openssl program")
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(files[0]), "-keyout", str(files[1])),
        ],
        check=True,
        capture_output=True,
    )
    return files


def serve(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    return thread


@pytest.fixture
def server(certificate, monkeypatch):
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.url = f"https://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    thread = serve(server)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def plain_server():
    """A server that speaks http."""
    server = Server()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = serve(server)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
