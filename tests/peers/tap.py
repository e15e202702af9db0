"""A TCP proxy that keeps every byte that the client sends, and changes none."""

from __future__ import annotations

import asyncio
import contextlib

from .loop_thread import ThreadedServer


class Tap(ThreadedServer):
    """Forwards to ``target_port``; ``sent`` holds what each connection's client sent."""

    def __init__(self, target_port: int) -> None:
        self.sent: list[bytearray] = []
        self._target_port = target_port
        super().__init__()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass both directions on until one side closes."""
        kept = bytearray()
        self.sent.append(kept)
        answers, requests = await asyncio.open_connection("127.0.0.1", self._target_port)
        both = [
            asyncio.create_task(_forward(reader, requests, kept)),
            asyncio.create_task(_forward(answers, writer, bytearray())),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            requests.close()


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            kept += chunk
            writer.write(chunk)
            await writer.drain()
