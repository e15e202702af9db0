"""The Gateway emulator, which remembers when each request came and what it answered."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.peers.gateway_server import GatewayEmulator
from tests.peers.historian_http import Answer, Refused, Request, run
from tests.peers.historian_launch import TOP, HistorianPeer

TOLD = "/told"


class Throttled(GatewayEmulator):
    """Tells at ``/told`` the time, status and Retry-After of all answers so far, and forgets them."""

    def __init__(self, items: int) -> None:
        super().__init__(items, 10)
        self._answers: list[tuple[float, int, str]] = []

    def handle(self, request: Request) -> Answer:
        if request.path == TOLD:
            told, self._answers = self._answers, []
            return Answer(body=told)
        came = time.monotonic()
        try:
            answer = super().handle(request)
        except Refused as refused:
            self._note(came, refused.answer)
            raise
        self._note(came, answer)
        return answer

    def _note(self, came: float, answer: Answer) -> None:
        self._answers.append((came, answer.status, answer.headers.get("Retry-After", "")))


def start_throttled(items: int) -> HistorianPeer:
    """Start it in a process of its own."""

    def command(port: int) -> Sequence[str]:
        return [sys.executable, "-m", __name__, "--port", str(port), "--items", str(items)]

    return HistorianPeer("throttled Gateway emulator", command, folder=TOP)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--items", type=int, required=True)


def _made(options: Any) -> Throttled:
    return Throttled(options.items)


if __name__ == "__main__":
    run(__doc__, _made, _options)
