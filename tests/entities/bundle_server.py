"""A real server on this machine that keeps files, with ETags and what may go wrong."""

from __future__ import annotations

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Fault = Callable[[BaseHTTPRequestHandler], None]


class BundleServer:
    """Keeps what is put, each write whole, and only where its condition holds.

    `account` is who is let in, `faults` are taken in turn instead of an answer to a
    GET, or to a PUT before it is done; those of `late` answer a PUT that was done.
    `received` has every byte that came, headers included.
    """

    def __init__(
        self,
        account: tuple[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.received: list[bytes] = []
        self.faults: list[Fault] = []
        self.late: list[Fault] = []
        self.tag = '"{}"'
        self.account = account
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def do_PUT(self) -> None:
                owner.answer(self)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/entities.age"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(size)
        self.asked.append(f"{request.command} {request.path}")
        self.received.append(f"{request.requestline}\n{request.headers}".encode())
        self.received.append(body)
        if self.faults:
            self.faults.pop(0)(request)
        elif not self._lets_in(request):
            reply(request, 401)
        elif request.command == "GET":
            content = self.files.get(request.path)
            if content is None:
                reply(request, 404)
            else:
                reply(request, 200, content, ETag=self.tag.format(_tag(content)))
        else:
            self._put(request, body)

    def _put(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        with self._lock:
            there = self.files.get(request.path)
            wanted = request.headers.get("If-Match")
            tag = None if there is None else self.tag.format(_tag(there))
            unless = request.headers.get("If-None-Match") == "*"
            fits = wanted == tag if wanted else not (unless and there is not None)
            if fits:
                self.files[request.path] = body
        if not fits:
            reply(request, 412)
        elif self.late:
            self.late.pop(0)(request)
        else:
            reply(request, 204 if there else 201)

    def _lets_in(self, request: BaseHTTPRequestHandler) -> bool:
        if self.account is None:
            return True
        given = base64.b64encode(":".join(self.account).encode()).decode()
        return request.headers.get("Authorization") == f"Basic {given}"

    def __enter__(self) -> BundleServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def reply(
    request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str
) -> None:
    """Answer with a status, a body and headers."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if status != 204:
        request.wfile.write(body)


def status(number: int) -> Fault:
    """Answer with a status and nothing else."""
    return lambda request: reply(request, number, b"the server's own words")


def cut_off(request: BaseHTTPRequestHandler) -> None:
    """Say that more comes than does, and hang up."""
    request.send_response(200)
    request.send_header("ETag", '"x"')
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"age-encryption.org/v1\n")
    request.close_connection = True


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """Hang up without an answer."""
    request.close_connection = True
    request.connection.shutdown(2)


def silent(until: threading.Event) -> Fault:
    """Answer nothing until something happens."""

    def wait(request: BaseHTTPRequestHandler) -> None:
        until.wait(30)
        request.close_connection = True

    return wait


def redirect(to: str, number: int = 307) -> Fault:
    """Lead elsewhere."""
    return lambda request: reply(request, number, Location=to)
