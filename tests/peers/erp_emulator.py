"""The base of the emulators of business systems: chance faults, logins, tables that change."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from .erp_live import Live
from .erp_rows import mixed
from .historian_access import ACCESS_DEFAULTS, RateLimit, Tokens
from .historian_faults import Rules
from .historian_http import Answer, Emulator, Refused, Request

SHARE_BASE = 100_000


class ChanceRules(Rules):
    """The rules in force; where none applies, a seeded share of the requests is spoiled."""

    def __init__(self, emulator: ErpEmulator, rules: Rules) -> None:
        super().__init__()
        self._inner = rules
        self._emulator = emulator
        self._numbers = itertools.count()

    def take(self, line: str) -> dict[str, Any]:
        rule = self._inner.take(line)
        emulator = self._emulator
        if rule or not emulator.is_data(line):
            return rule
        draw = mixed(next(self._numbers), emulator.knob("seed")) % SHARE_BASE
        for kind in ("share_429", "share_503", "share_reset", "share_cut"):
            share = int(emulator.knob(kind) * SHARE_BASE)
            if draw < share:
                return emulator.spoiling(kind)
            draw -= share
        return {}


class ErpEmulator(Emulator):
    """An emulator whose answers may be spoiled by chance and whose rows may come and go."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        **ACCESS_DEFAULTS,
        "seed": 1,
        "share_429": 0.0,  # of the requests for data
        "share_503": 0.0,
        "share_reset": 0.0,
        "share_cut": 0.0,  # cut in the middle of the body
        "retry_after_seconds": 1,  # of a 429 by chance
        "work": 0.0,  # seconds that each request takes
        "concurrent_max": 0,  # so many requests at once; more are refused with 429; 0 is no limit
        "inserts": 0,  # so many rows come after each page
        "deletes": 0,  # so many rows go after each page
    }

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.rate, self.live = Tokens(), RateLimit(), Live()
        self.rules = ChanceRules(self, self.rules)
        self._working = 0

    def handle(self, request: Request) -> Answer:
        with self._at_work():
            return self.answer(request)

    def answer(self, request: Request) -> Answer:
        """Answer one request that was let in."""
        raise NotImplementedError

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self.lock:
            most = self.knob("concurrent_max")
            refused = bool(most) and self._working >= most
            self._working += not refused
        if refused:
            headers = {"Retry-After": str(self.knob("retry_after_seconds"))}
            raise Refused(Answer(429, self.too_many("concurrency"), headers))
        try:
            time.sleep(self.knob("work"))
            yield
        finally:
            with self.lock:
                self._working -= 1

    def set(self, knobs: dict[str, Any]) -> None:
        super().set(knobs)
        if not isinstance(self.rules, ChanceRules):
            self.rules = ChanceRules(self, self.rules)

    def reset(self) -> None:
        super().reset()
        self.rules = ChanceRules(self, self.rules)
        self.tokens.clear()
        self.live.clear()
        self.rate = RateLimit()

    def is_data(self, line: str) -> bool:
        """Whether a request (``METHOD target``) is one for data, which chance may spoil."""
        return "token" not in line.split("?", maxsplit=1)[0]

    def spoiling(self, kind: str) -> dict[str, Any]:
        """The fault rule of a chance fault."""
        if kind == "share_reset":
            return {"kind": "reset"}
        if kind == "share_cut":
            return {"kind": "cut"}
        if kind == "share_503":
            return {"kind": "status", "status": 503, "body": "Service unavailable"}
        seconds = str(self.knob("retry_after_seconds"))
        return {
            "kind": "status",
            "status": 429,
            "body": self.too_many(),
            "headers": {"Retry-After": seconds},
        }

    def too_many(self, reason: str = "rate") -> Any:
        """The body of a 429; the reason is ``rate`` or ``concurrency``."""
        return {"error": {"code": "429", "message": "Too many requests"}}

    def turn_page(self) -> None:
        """A page was read: rows come and go."""
        self.live.turn(self.knob("inserts"), self.knob("deletes"))
