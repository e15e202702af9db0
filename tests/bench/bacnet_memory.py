"""A process in front of a BACnet/IP device that remembers its answers, so that it takes no time.

``python -m tests.bench.bacnet_memory --port P --target Q``: the device is on port Q. Good for reads
of what does not change, by clients that take their turn.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from typing import Final

from tests.peers.launch import Peer
from tests.peers.launch_bacnet import HOST
from tests.peers.serial_line import TOP

# Behind the BVLC (4 bytes), the NPDU (2) and the APDU's head.
_INVOKE_ID_OF_REQUEST: Final = 8
_INVOKE_ID_OF_ANSWER: Final = 7


def start_memory(device_port: int) -> Peer:
    """Start it in front of the device."""
    target = ["--target", str(device_port)]
    command = [sys.executable, "-m", "tests.bench.bacnet_memory", *target]
    return Peer("memory", lambda chosen: [*command, "--port", str(chosen)], folder=TOP)


def serve(listening: socket.socket, target: int) -> None:
    """Answer for ever."""
    answers: dict[bytes, bytearray] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.connect((HOST, target))
        while True:
            request, client = listening.recvfrom(2048)
            rest = request[:_INVOKE_ID_OF_REQUEST] + request[_INVOKE_ID_OF_REQUEST + 1 :]
            if rest not in answers:
                device.send(request)
                answers[rest] = bytearray(device.recv(2048))
            answers[rest][_INVOKE_ID_OF_ANSWER] = request[_INVOKE_ID_OF_REQUEST]
            listening.sendto(answers[rest], client)


def main() -> None:
    """Print the ready line and serve until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", type=int, required=True)
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((HOST, options.port))
        arguments = (listening, options.target)
        threading.Thread(target=serve, args=arguments, daemon=True).start()
        print(json.dumps({"port": listening.getsockname()[1], "pid": os.getpid()}), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
