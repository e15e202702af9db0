"""A serial port as an asyncio transport: never blocks the loop, nor the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import Any, Final

from greenlang_data.errors import ConfigurationError, SourceUnreachable
from greenlang_data.settings.modbus import ModbusSettings

_PARITIES: Final = {"even": "E", "odd": "O", "none": "N"}
_CHUNK_BYTES: Final = 4096
_POLL_SECONDS: Final = 0.1


class SerialTransport(asyncio.Transport):
    """What the link writes to; reads whenever something is there and tells the protocol.

    The loop watches the port where it can (POSIX); elsewhere a daemon thread reads.
    """

    def __init__(self, port: Any, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._port = port
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._watched = os.name == "posix"
        self._open = True
        protocol.connection_made(self)
        if self._watched:
            self._loop.add_reader(port.fileno(), self._readable)
        else:
            port.timeout = _POLL_SECONDS
            threading.Thread(target=self._read_for_ever, name="serial port", daemon=True).start()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hand ``data``, a request of a few bytes, to the port; one that takes none is given up."""
        try:
            if self._watched:
                written = os.write(self._port.fileno(), data)
            else:
                written = self._port.write(data)
        except OSError as error:  # pyserial's own errors are among them
            self._lose(error)
            return
        if written != len(data):
            self._lose(OSError("it takes no more data"))

    def abort(self) -> None:
        """Close at once."""
        self._lose(None)

    def close(self) -> None:
        """Close at once; nothing is worth waiting for."""
        self._lose(None)

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return not self._open

    def _readable(self) -> None:
        try:
            data = os.read(self._port.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        else:  # ready and yet nothing there: the device was pulled
            self._lose(OSError("the port is gone"))

    def _read_for_ever(self) -> None:
        while self._open:
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (OSError, TypeError) as error:  # the latter when it is closed meanwhile
                self._tell(self._lose, OSError(str(error)))
                return
            if data:
                self._tell(self._received, data)

    def _received(self, data: bytes) -> None:
        if self._open:
            self._protocol.data_received(data)

    def _tell(self, what: Any, about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody listens
            self._loop.call_soon_threadsafe(what, about)

    def _lose(self, error: Exception | None) -> None:
        if not self._open:
            return
        self._open = False
        if self._watched:
            self._loop.remove_reader(self._port.fileno())
        # pyserial lets termios.error through, which is no OSError; and whatever goes wrong here, the
        # port is lost and who waits for it has to be told.
        with contextlib.suppress(Exception):
            # Otherwise closing waits until the line has taken what was written.
            self._port.reset_output_buffer()
        with contextlib.suppress(Exception):
            self._port.close()
        self._loop.call_soon(self._protocol.connection_lost, error)


def open_serial_port(path: str, config: ModbusSettings, source: str) -> Any:
    """Open the port for this process alone.

    Raises ConfigurationError when pyserial is not installed, or SourceUnreachable.
    """
    try:
        import serial
    except ImportError as error:
        raise ConfigurationError(
            f"the serial port {path} needs pyserial, which is not installed",
            source=source,
            remedy="Run: pip install 'greenlang_data[serial]'",
        ) from error
    try:
        port = serial.Serial(
            path,
            baudrate=config.baudrate,
            parity=_PARITIES[config.parity],
            stopbits=config.stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True if os.name == "posix" else None,
        )
    except Exception as error:  # pyserial lets termios.error through, which is no OSError
        raise SourceUnreachable(
            f"the serial port {path} cannot be opened: {error}",
            source=source,
            remedy="Check its name, your right to use it, and that nothing else has it open.",
        ) from error
    return port
