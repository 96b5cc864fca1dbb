"""A bundle on a server that speaks HTTP with ETags, such as any WebDAV server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from alembic_neo4j.entities.transport import (
    ChangedMeanwhile,
    Held,
    check_size,
    shown_location,
)
from alembic_neo4j.errors import MissingExtra, StoreError, ValidationError
from alembic_neo4j.waiting import waiting_for

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_ATTEMPTS = 4
"""How often a request is sent that the network or the server has failed."""

_PAUSE_SECONDS = 0.5
"""What is waited before the second attempt, and twice as long before each further."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CHUNK = 1 << 16

_ADVICE = {
    401: "Correct the account's address and password",
    403: "Let the account read and write it",
    404: "Correct the URL",
    405: "Give a URL that the server lets be written to",
    409: "Create the collection that it is to be in",
    413: "Let the server take more",
    423: "Have it unlocked there",
    428: "Have the server take If-Match and If-None-Match",
    507: "Make room on the server",
}


class HttpFile:
    """A bundle at a URL, read by GET and written by PUT with If-Match.

    `account` are user name and password, sent as they are to that server alone: a
    redirect is followed nowhere. `token` is sent as a bearer's instead. Without
    encryption of the connection neither is sent but to this machine.

    Raises ValidationError where the URL is none for that, MissingExtra where requests
    is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        account: tuple[str, str] | None = None,
        token: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        parts = checked_url(url)
        self.name = shown_location(url)
        if (
            (account or token)
            and parts.scheme != "https"
            and parts.hostname not in _LOOPBACK
        ):
            raise ValidationError(
                f"expected an https:// URL, found {self.name}: password or token would "
                "be read by everybody on the way. Give the server a certificate"
            )
        self._url = url
        self._timeout = timeout
        self._auth = _Auth(account, token)
        _requests()

    def read(self) -> Held | None:
        """Return what is there and its ETag; a server that fails is asked again."""
        attempt = 1
        while True:
            try:
                held = self._get()
            except _Failed as failed:
                if not failed.may_pass or attempt == _ATTEMPTS:
                    raise self._told("read", failed) from None
            else:
                # A weak one is what some servers give for what was just written.
                if held is None or held.tag is not None or attempt == _ATTEMPTS:
                    return held
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            attempt += 1

    def write(self, content: bytes, before: Held | None) -> None:
        """Write it where the server still has what was read, or nothing.

        Where it is not known whether that was done it counts as changed meanwhile.
        """
        if before is not None and before.tag is None:
            raise StoreError(
                f"the bundle {self.name} can't be written: the server gives no strong "
                "ETag, by which two who write at once do not lose each other's. "
                "Nothing has been sent. Use a server that does, such as a WebDAV server"
            )
        condition = {"If-None-Match": "*"}
        if before is not None and before.tag is not None:
            condition = {"If-Match": before.tag}
        headers = {"Content-Type": "application/octet-stream", **condition}
        try:
            status = self._send("PUT", headers, content)[0]
            if status == 412:
                raise ChangedMeanwhile
            if status not in (200, 201, 204):
                raise _Failed(_answered(status), status)
        except _Failed as failed:
            if failed.may_pass:
                raise ChangedMeanwhile(str(self._told("written", failed))) from None
            raise self._told("written", failed) from None

    def _get(self) -> Held | None:
        headers = {"Cache-Control": "no-cache"}
        status, content, tag = self._send("GET", headers, None)
        if status in (404, 410):
            return None
        if status != 200:
            raise _Failed(_answered(status), status)
        is_strong = tag is not None and tag.startswith('"')
        return Held(content, tag if is_strong else None)

    def _send(
        self, method: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, bytes, str | None]:
        requests = _requests()
        # The bytes as they are: an ETag is of them.
        headers = {**headers, "Accept-Encoding": "identity"}
        try:
            with (
                waiting_for(self.name, limit=self._timeout),
                requests.Session() as session,
                session.request(
                    *(method, self._url),
                    headers=headers,
                    data=content,
                    auth=self._auth,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as answer,
            ):
                if 300 <= answer.status_code < 400:
                    raise _Failed(self._redirected(answer))
                body = self._body(answer) if answer.status_code == 200 else b""
                return answer.status_code, body, answer.headers.get("ETag")
        except (requests.RequestException, ValueError) as error:
            raise _failure(error) from None

    def _body(self, answer: Response) -> bytes:
        """Return what arrives; of an answer that is cut off nothing."""
        until = time.monotonic() + max(self._timeout * 20, 600)
        parts, size = [], 0
        for part in answer.iter_content(_CHUNK):
            size += len(part)
            check_size(self.name, size)
            if time.monotonic() > until:
                raise _Failed("it arrives too slowly")
            parts.append(part)
        return b"".join(parts)

    def _redirected(self, answer: Response) -> str:
        to = urljoin(self._url, answer.headers.get("Location", ""))
        return f"it redirects to {shown_location(to)[:200]}, where nothing was sent"

    def _told(self, done: str, failed: _Failed) -> StoreError:
        advice = _ADVICE.get(failed.status, "Check the URL, the network and the server")
        return StoreError(
            f"the bundle {self.name} can't be {done}: {failed}. Nothing has been "
            f"changed there that is known of. {advice}, then sync again"
        )


class _Failed(Exception):
    """A request that came to nothing; `status` is 0 where there was no answer."""

    def __init__(self, why: str, status: int = -1) -> None:
        super().__init__(why)
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status == 0 or self.status in _AGAIN


class _Auth:
    """Gives a request what its server asks for, and nothing else of this machine's.

    Without one requests would look into .netrc.
    """

    def __init__(self, account: tuple[str, str] | None, token: str | None) -> None:
        self._account, self._token = account, token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        from requests.auth import HTTPBasicAuth

        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        elif self._account is not None:
            user, password = (each.encode() for each in self._account)
            HTTPBasicAuth(user, password)(request)
        return request


def checked_url(url: str) -> Any:
    """Return the parts of a server's URL; raises ValidationError where it is none.

    One with a password in it is refused, and not shown.
    """
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        port_is_one = False
    if not port_is_one or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError(
            "expected the URL of a server for a bundle, found one that can't be read; "
            "write one such as https://example.org/entities.age"
        )
    if "@" in parts.netloc:
        raise ValidationError(
            f"expected no user name or password in the URL, found one for "
            f"{parts.hostname}: it would be in logs and lists of processes. Give them "
            "as email=… and password=…"
        )
    return parts


def _answered(status: int) -> str:
    from http import HTTPStatus

    words = {each.value: each.phrase for each in HTTPStatus}
    return f"the server answered {status} {words.get(status, '')}".rstrip()


def _failure(error: Exception) -> _Failed:
    """Return what has failed, without the address that the messages have in them."""
    from requests import exceptions

    kinds: dict[type[Exception], tuple[str, int]] = {
        exceptions.SSLError: ("its certificate is not trusted, or is another's", -1),
        exceptions.ConnectTimeout: ("it can't be reached in time", 0),
        exceptions.ReadTimeout: ("nothing arrived in time", 0),
        exceptions.ProxyError: ("the proxy can't be used", 0),
        exceptions.ChunkedEncodingError: ("the answer was cut off", 0),
        exceptions.ContentDecodingError: ("the answer can't be unpacked", -1),
        exceptions.InvalidURL: ("that is no address", -1),
        exceptions.InvalidHeader: ("its account has what no header may have", -1),
        exceptions.ConnectionError: ("the connection failed", 0),
    }
    for kind, (why, status) in kinds.items():
        if isinstance(error, kind):
            return _Failed(why, status)
    return _Failed(f"the request failed ({type(error).__name__})")


def _requests() -> Any:
    try:
        import requests
    except ImportError as error:
        raise MissingExtra(
            "A bundle on a server needs requests, which is not installed: "
            'pip install "alembic-neo4j[cloud]"'
        ) from error
    return requests
