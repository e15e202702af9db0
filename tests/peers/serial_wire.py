"""A serial device whose line ends at a TCP port, so that the faults of a proxy befall a line too."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from typing import Self

from .loop_thread import LoopThread

LOOK_AGAIN_SECONDS = 0.02
CHUNK_BYTES = 4096


class SerialWire:
    """Carries bytes between ``device`` and ``target_port``.

    A cable cannot be refused or reset: when the far end is gone the line is silent, and what is
    written next tries it anew. When nobody has the device open, nobody is connected.
    """

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._master, device = pty.openpty()
        tty.setraw(device)
        self.device = os.ttyname(device)
        os.close(device)
        os.set_blocking(self._master, False)
        self._loop = LoopThread(type(self).__name__)
        self._loop.run(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._stop())
        self._loop.close()
        os.close(self._master)

    async def _start(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self._written: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = {asyncio.create_task(self._carry())}
        self._look()

    async def _stop(self) -> None:
        self._again.cancel()
        asyncio.get_running_loop().remove_reader(self._master)
        self._hang_up()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(0, loop.add_reader, self._master, self._readable)

    def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._written.put_nowait(os.read(self._master, CHUNK_BYTES))
        except OSError:  # nobody has the device open
            self._hang_up()
            loop.remove_reader(self._master)
            self._again = loop.call_later(LOOK_AGAIN_SECONDS, self._look)

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _carry(self) -> None:
        while True:
            data = await self._written.get()
            if self._writer is None:
                try:
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", self._target)
                except OSError:
                    continue  # nobody hears it
                task = asyncio.create_task(self._answers(reader, self._writer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._writer.write(data)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                os.write(self._master, data)
        if self._writer is writer:
            self._hang_up()
