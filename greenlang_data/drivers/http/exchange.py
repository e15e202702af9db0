"""One request and its answer, on a thread: sent, bounded, checked for its kind, decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from requests import Request, Response
from requests.auth import AuthBase

from greenlang_data.drivers.http.body import read_body, read_start
from greenlang_data.drivers.http.connections import Connections
from greenlang_data.drivers.http.faults import NETWORK_ERRORS, broken, wrong_kind
from greenlang_data.drivers.http.jsons import not_understood
from greenlang_data.drivers.http.masked import masked
from greenlang_data.drivers.http.origin import origin_of
from greenlang_data.drivers.http.worker import Stop, on_thread
from greenlang_data.errors import GreenLangError, ProtocolError
from greenlang_data.settings.http import HttpSettings

T = TypeVar("T")
Decode = Callable[[bytes | bytearray], T]

_LONGEST_REFUSAL: Final = 65_536
_PARTIAL: Final = 206


class Raw(NamedTuple):
    """An answer as it came: ``data`` if it was a success, else ``body``."""

    status: int
    headers: Mapping[str, str]
    url: str
    data: Any
    body: bytes
    size: int


class Exchange:
    """Sends requests over the source's pooled connections."""

    def __init__(
        self, settings: HttpSettings, source: str, auth: Callable[[], AuthBase] | None
    ) -> None:
        self._limit = settings.max_answer_bytes
        self._source = source
        self._connections = Connections(settings, source, auth)
        self.cookie = self._connections.cookie
        self.close = self._connections.close

    async def send(
        self,
        request: Request,
        accept: Sequence[str],
        decode: Decode[Any],
        secrets: Iterable[str] = (),
    ) -> Raw:
        """The answer, whatever its status. When this is cancelled the connection is closed.

        What is told of it, in errors too, has none of ``secrets``, which the request sent.
        """
        hidden = tuple(secrets)
        return await on_thread(lambda stop: self._exchange(request, accept, decode, hidden, stop))

    def _exchange(
        self,
        request: Request,
        accept: Sequence[str],
        decode: Decode[Any],
        secrets: Sequence[str],
        stop: Stop,
    ) -> Raw:
        try:
            with self._connections.send(request) as response:
                return self._received(response, request.url, accept, decode, secrets, stop)
        except GreenLangError:
            raise
        except (*NETWORK_ERRORS, ValueError) as error:  # the last for a length that is none
            raise broken(error, str(origin_of(request.url)), self._source) from None

    def _received(
        self,
        response: Response,
        url: str,
        accept: Sequence[str],
        decode: Decode[Any],
        secrets: Sequence[str],
        stop: Stop,
    ) -> Raw:
        status, headers = response.status_code, response.headers
        if not 200 <= status < 300:
            text = read_start(response, stop, _LONGEST_REFUSAL, self._source)
            return Raw(status, headers, url, None, masked(text, secrets), len(text))
        if status == _PARTIAL:
            raise ProtocolError(
                f"it sent a part of the answer (HTTP {status}), so none of it is used",
                source=self._source,
                remedy="Nobody asked for parts: look for a proxy or cache in between.",
            )
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind and not _is_one_of(kind, accept):
            text = read_start(response, stop, _LONGEST_REFUSAL, self._source)
            raise wrong_kind(kind, masked(text, secrets), self._source)
        body = read_body(response, stop, self._limit, self._source)
        if not kind and body.lstrip()[:1] == b"<":
            raise wrong_kind(kind, masked(bytes(body[:_LONGEST_REFUSAL]), secrets), self._source)
        try:
            data = decode(body)
        except ValueError as error:
            told = masked(str(error).encode(), secrets).decode()
            raise not_understood(told, error, self._source) from None
        return Raw(status, headers, url, data, b"", len(body))


def _is_one_of(kind: str, accept: Sequence[str]) -> bool:
    return kind in accept or ("application/json" in accept and kind.endswith("+json"))
