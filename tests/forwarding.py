"""A way to a server through a port of the test's own, which may come late or stall."""

from __future__ import annotations

import socket
import threading


class Forwarder:
    """Passes on what clients say to a server, and so many bytes of its answers."""

    def __init__(self, url: str, *, answers: int | None = None, port: int = 0) -> None:
        host, _, number = url.partition("://")[2].rpartition(":")
        self._target, self._left = (host, int(number)), answers
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address by which it is reached."""
        return f"bolt://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Close all that is open."""
        # A thread that waits for a connection does not notice that it is closed.
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            for ends, counted in (((client, server), False), ((server, client), True)):
                threading.Thread(
                    target=self._pass_on, args=(*ends, counted), daemon=True
                ).start()

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, counted: bool
    ) -> None:
        try:
            while data := source.recv(4096):
                if counted and self._left is not None:
                    data = data[: max(self._left, 0)]
                    self._left -= len(data)
                sink.sendall(data)
        except OSError:
            return
