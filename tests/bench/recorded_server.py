"""Answers again what a historian emulator has answered once, at the cost of a look-up.

So that what is measured are requests and their latency, and not the emulator's arithmetic.
"""

from __future__ import annotations

import argparse
import urllib.error
import urllib.request

from tests.peers.historian_http import Answer, Emulator, Request, run


class Recorded(Emulator):
    """Asks ``upstream`` for what it has not been asked before."""

    path = "/piwebapi"

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream
        self._answers: dict[tuple[str, str, bytes], Answer] = {}

    def handle(self, request: Request) -> Answer:
        key = (request.method, request.target, request.body)
        if key not in self._answers:
            self._answers[key] = self._asked(request)
        kept = self._answers[key]
        return Answer(kept.status, kept.body, dict(kept.headers), kept.content_type)

    def _asked(self, request: Request) -> Answer:
        passed = {name: request.headers[name] for name in ("content-type", "x-requested-with")
                  if name in request.headers}  # fmt: skip
        asked = urllib.request.Request(
            self._upstream + request.target,
            data=request.body or None,
            headers=passed,
            method=request.method,
        )
        try:
            with urllib.request.urlopen(asked, timeout=600) as answer:
                return Answer(answer.status, answer.read(), {}, answer.headers["Content-Type"])
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), {}, error.headers["Content-Type"])


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upstream", required=True)


if __name__ == "__main__":
    run(__doc__, lambda options: Recorded(options.upstream), _options)
