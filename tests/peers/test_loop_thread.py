"""Servers inside the test process leave nothing open, whenever they are stopped."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import pytest

from .loop_thread import ThreadedServer


class Listening(ThreadedServer):
    """Waits for a byte."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)


def test_connections_that_were_just_accepted_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left.append)
    for _ in range(20):
        server = Listening()
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        server.stop()
        for client in clients:
            client.close()
    gc.collect()
    assert not left
