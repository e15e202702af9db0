"""The base of the emulators of business systems: logins, limits, faults by chance."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from .erp_rows import mixed
from .historian_access import ACCESS_DEFAULTS, RateLimit, Tokens, retry_after
from .historian_faults import Rules
from .historian_http import Answer, Emulator, Refused, Request

SHARE_BASE = 100_000


class ChanceRules(Rules):
    """The rules in force; where none applies, a seeded share of the requests is spoiled."""

    def __init__(self, emulator: BusinessEmulator, rules: Rules) -> None:
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


class Bucket:
    """A bucket that fills evenly and gives one token to each request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = -1.0  # full at the first request
        self._since = 0.0

    def take(self, rate: float, size: int) -> float:
        """Seconds until there is a token, or 0 when one was given."""
        if not rate:
            return 0.0
        with self._lock:
            now = time.monotonic()
            gained = (now - self._since) * rate
            self._tokens = size if self._tokens < 0 else min(size, self._tokens + gained)
            self._since = now
            if self._tokens < 1:
                return (1 - self._tokens) / rate
            self._tokens -= 1
            return 0.0


class BusinessEmulator(Emulator):
    """An emulator whose answers may be spoiled by chance, and that has only so much time."""

    defaults: ClassVar[dict[str, Any]] = {
        **Emulator.defaults,
        **ACCESS_DEFAULTS,
        "seed": 1,
        "share_429": 0.0,  # of the requests for data
        "share_503": 0.0,
        "share_reset": 0.0,
        "share_cut": 0.0,  # cut in the middle of the body
        "retry_after_seconds": 1,  # of a 429 by chance
        "bucket_rate": 0.0,  # so many requests a second in the long run, else 429; 0 is no limit
        "bucket_size": 10,  # so many at once after a rest
        "work": 0.0,  # seconds that each request takes
        "concurrent_max": 0,  # so many requests at once; more are refused with 429; 0 is no limit
    }

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.rate = Tokens(), RateLimit()
        self.rules = ChanceRules(self, self.rules)
        self._working = 0
        self._bucket = Bucket()

    def handle(self, request: Request) -> Answer:
        left = 0.0
        if self.is_data(f"{request.method} {request.target}"):
            left = self._bucket.take(self.knob("bucket_rate"), self.knob("bucket_size"))
        if left:
            raise Refused(Answer(429, self.too_many(), retry_after(self, left)))
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
            headers = retry_after(self, self.knob("retry_after_seconds") - 1)
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
        self.rate, self._bucket = RateLimit(), Bucket()

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
        headers = retry_after(self, self.knob("retry_after_seconds") - 1)
        return {"kind": "status", "status": 429, "body": self.too_many(), "headers": headers}

    def too_many(self, reason: str = "rate") -> Any:
        """The body of a 429; the reason is ``rate`` or ``concurrency``."""
        return {"error": {"code": "429", "message": "Too many requests"}}
