"""asyncua's secure channel, carrying requests that are already encoded.

asyncua keeps the socket, the chunks, the cryptography and the login. What is changed here, by
subclassing and without touching its globals: nothing but reading gets out, requests and answers
pass as bytes, an abort chunk
fails its request at once instead of leaving it to time out, a refusal of the channel tells its
status, answers that break the framing are told from lost connections, and the buffer sizes of the
server's acknowledgement are not mixed up. ``tests/drivers/opcua/test_asyncua_contract.py`` holds
the private names that this rests on.
"""

from __future__ import annotations

import asyncio
import functools
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from asyncua import ua
from asyncua.client.client import Client as AsyncuaClient
from asyncua.client.ua_client import UaClient, UASocketProtocol, UASocketState
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.shortcuts import Shortcuts
from asyncua.ua.ua_binary import nodeid_to_binary, uatcp_to_binary
from asyncua.ua.uaerrors import UaStatusCodeError

from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader, numeric_node_id
from greenlang_data.drivers.opcua.faults import ConnectionLostError, ServiceFaultError
from greenlang_data.drivers.opcua.services import (
    ANSWER_OFFSET,
    SERVICE_FAULT,
    check_allowed,
    numeric_id,
)
from greenlang_data.drivers.opcua.statuses import BAD

_CHUNK_BYTES: Final = 1 << 20
_MESSAGE_BYTES: Final = 1 << 26
_HELLO: Final[Any] = ua.MessageType.Hello
_MESSAGE_TYPES: Final = (b"ACK", b"ERR", b"OPN", b"MSG", b"CLO")
_FILETIME_EPOCH: Final = 116_444_736_000_000_000
_NO_POLICY: Final = "http://opcfoundation.org/UA/SecurityPolicy#None"


class _Limits(TransportLimits):
    """Limits of both directions, each from the side that has to bear it."""

    def update_client_limits(self, msg: ua.Acknowledge) -> None:
        self.max_send_buffer = msg.ReceiveBufferSize or _CHUNK_BYTES
        self.max_recv_buffer = _CHUNK_BYTES
        self.max_message_size = _MESSAGE_BYTES
        self.max_chunk_count = 0


def _decrypted(decrypt: Callable[[Any, Any], Any], cryptography: Any, content: Any) -> memoryview:
    return memoryview(decrypt(cryptography, content))


class _Connection(SecureConnection):
    """Lets only reading out; tells of aborted answers and of channels that were refused."""

    def __init__(
        self, policy: Any, limits: TransportLimits, aborted: Callable[[int, int], None]
    ) -> None:
        super().__init__(policy, limits)
        self._aborted = aborted
        symmetric = policy.symmetric_cryptography
        # What asyncua cuts from an answer is then a view and not a copy each time.
        symmetric.decrypt = functools.partial(_decrypted, type(symmetric).decrypt, symmetric)

    def message_to_binary(
        self, message: bytes, message_type: Any = ua.MessageType.SecureMessage, request_id: int = 0
    ) -> bytes:
        # Every request passes here, asyncua's own as well.
        check_allowed(message)
        binary: bytes = super().message_to_binary(message, message_type, request_id)
        return binary

    def _receive(self, msg: Any) -> Any:
        if msg.MessageHeader.ChunkType == ua.ChunkType.Abort:
            msg.Body = bytes(msg.Body)  # asyncua reads a text in it, which no view can give
        message = super()._receive(msg)
        if msg.MessageHeader.ChunkType == ua.ChunkType.Abort:
            self._aborted(msg.SequenceHeader.RequestId, Reader(msg.Body).uint32())
        return message

    def receive_from_header_and_body(self, header: Any, body: Any) -> Any:
        message = super().receive_from_header_and_body(header, body)
        if header.MessageType == ua.MessageType.SecureOpen and message is not None:
            answer = Reader(bytes(message.body()))
            if numeric_id(answer.node_id()) == SERVICE_FAULT:
                answer.skip(12)
                raise UaStatusCodeError(answer.uint32())  # type: ignore[no-untyped-call]
        return message


class Channel(UASocketProtocol):
    """One socket with its secure channel."""

    def __init__(self, timeout: float, policy: Any) -> None:
        super().__init__(timeout, security_policy=policy, limits=_Limits())
        self._connection = _Connection(policy, self._connection._limits, self._abort)
        self._inbox = bytearray()

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        transport = self.transport
        return (
            self.state is UASocketState.OPEN
            and transport is not None
            and not transport.is_closing()
        )

    async def send_hello(
        self, url: str, max_messagesize: int = 0, max_chunkcount: int = 0
    ) -> ua.Acknowledge:
        """Greet the server and bound what it may send."""
        hello = ua.Hello(
            ReceiveBufferSize=ua.UInt32(_CHUNK_BYTES),
            SendBufferSize=ua.UInt32(_CHUNK_BYTES),
            MaxMessageSize=ua.UInt32(_MESSAGE_BYTES),
            MaxChunkCount=ua.UInt32(0),
            EndpointUrl=ua.String(url),
        )
        if self.transport is None:  # lost since it was opened: nobody would end the wait
            raise ConnectionLostError("the connection was closed at once")
        acknowledged: asyncio.Future[ua.Acknowledge] = asyncio.get_running_loop().create_future()
        self._callbackmap[0] = acknowledged
        self.transport.write(uatcp_to_binary(_HELLO, hello))
        async with asyncio.timeout(self.timeout):
            return await acknowledged

    async def ask(self, service: int, body: bytes, seconds: float | None) -> Reader:
        """Send an encoded request and return its answer, behind the response header.

        Without ``seconds`` the server may take as long as it likes. Raises ServiceFaultError,
        ConnectionLostError, MalformedAnswerError or TimeoutError.
        """
        # On the wire 0 stands for no time limit.
        handle, answered = self.post(service, body, seconds or 0.0)
        try:
            async with asyncio.timeout(seconds):
                content = await answered
        except UaStatusCodeError as error:
            raise ServiceFaultError(int(error.code)) from None
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionLostError(str(error)) from None
        return _answer(bytes(content), service, handle)

    def post(self, service: int, body: bytes, seconds: float) -> tuple[int, asyncio.Future[Any]]:
        """Send an encoded request; return its handle and the future of its answer."""
        if not self.is_open:
            raise ConnectionLostError("the connection is closed")
        self._request_handle += 1
        self._request_id += 1
        header = self._request_header(service, self._request_handle, seconds)
        self.revolve_security_token()
        message = self._connection.message_to_binary(header + body, request_id=self._request_id)
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._callbackmap[self._request_id] = answered
        assert self.transport is not None
        self.transport.write(message)
        return self._request_handle, answered

    def send_and_forget(self, service: int, body: bytes) -> None:
        """Send a request whose answer, or loss, nobody waits for."""
        try:
            _, answered = self.post(service, body, 1.0)
        except ConnectionLostError:
            return
        answered.add_done_callback(lambda done: done.cancelled() or done.exception())

    def give_up(self, *, abort: bool = False) -> None:
        """Close the socket, at once with ``abort``; whoever still waits learns of it."""
        if self.transport is None:
            return
        transport = self.transport
        if abort:
            transport.abort()
        else:
            transport.close()
            # A peer that reads nothing would keep the socket open behind its unsent bytes.
            asyncio.get_running_loop().call_later(1.0, transport.abort)
        self._fail_all_pending(ConnectionError("the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Cut the stream into chunks, so that a hostile length is met before it is waited for."""
        self._inbox += data
        while len(self._inbox) >= 8 and self.is_open:
            size = int.from_bytes(self._inbox[4:8], "little")
            if bytes(self._inbox[:3]) not in _MESSAGE_TYPES or not 8 <= size <= _CHUNK_BYTES:
                self._break_off("its answer is no OPC UA message")
                return
            if len(self._inbox) < size:
                return
            with memoryview(self._inbox) as view:
                chunk = bytes(view[:size])
            del self._inbox[:size]
            self._process_received_data(chunk)
            if not self.is_open:
                self._break_off("its answer breaks the secure channel's rules")

    def _break_off(self, why: str) -> None:
        self._inbox.clear()
        self._fail_all_pending(MalformedAnswerError(why))
        if self.transport is not None:
            self.transport.close()

    def _abort(self, request_id: int, code: int) -> None:
        answered = self._callbackmap.pop(request_id, None)
        if answered is not None and not answered.done():
            answered.set_exception(ServiceFaultError(code))

    def _request_header(self, service: int, handle: int, seconds: float) -> bytes:
        token = nodeid_to_binary(self.authentication_token)
        ticks = time.time_ns() // 100 + _FILETIME_EPOCH
        times = struct.pack("<qII", ticks, handle, 0)
        # No audit entry, how long we wait in milliseconds, no additional header.
        tail = struct.pack("<iIHB", -1, int(seconds * 1000), 0, 0)
        return numeric_node_id(service) + token + times + tail


class _Transport(UaClient):
    def _make_protocol(self) -> Channel:
        channel = Channel(self._timeout, self.security_policy)
        channel.on_connection_lost = self._on_transport_lost
        channel.is_session_closing = self._is_session_closing
        self.protocol = channel
        return channel


class Client(AsyncuaClient):
    """asyncua's login sequence over a :class:`Channel`, without its supervisor."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url, timeout=timeout)
        self.uaclient = _Transport(timeout)
        self.nodes = Shortcuts(self.uaclient.session)

    @property
    def channel(self) -> Channel:
        """The channel in use. Raises ConnectionLostError when there is none."""
        channel = self.uaclient.protocol
        if not isinstance(channel, Channel):
            raise ConnectionLostError("the connection is closed")
        return channel

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """The way to log in; where the server offers several, one that encrypts the secret."""
        found = [policy for policy in self._policy_ids if policy.TokenType == token_type]
        if not found:
            return super().server_policy(token_type)
        named = [
            replace(policy, SecurityPolicyUri=policy.SecurityPolicyUri or self.security_policy.URI)
            for policy in found
        ]
        return next((one for one in named if one.SecurityPolicyUri != _NO_POLICY), named[0])


def _answer(content: bytes, service: int, handle: int) -> Reader:
    reader = Reader(content)
    type_id = numeric_id(reader.node_id())
    reader.skip(8)
    answered_handle, code = reader.uint32(), reader.uint32()
    reader.skip_diagnostics()
    reader.skip_strings()
    reader.extension_object()
    if code & BAD:
        raise ServiceFaultError(code)
    if type_id != service + ANSWER_OFFSET:
        raise MalformedAnswerError(f"an answer of type {type_id} to a request of type {service}")
    if answered_handle != handle:
        raise MalformedAnswerError(f"the answer to request {answered_handle} instead of {handle}")
    return reader
