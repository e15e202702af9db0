"""Every error the package raises, as one tree.

GreenLangError
├── ConfigurationError          (ValueError)          a config, key, type, unit or secret is wrong
├── QueryError                  (ValueError)          the question cannot be asked as it stands
│   ├── UnknownTagError         (LookupError)         the source does not know these tags or entities
│   ├── UnsupportedError                              the source cannot answer this kind of question
│   └── LoadBudgetExceeded                            the answer would be larger than the source allows
├── SourceError                                       the source failed
│   ├── TransientError                                may work when tried again; the only retried branch
│   │   ├── SourceUnreachable   (ConnectionError)     refused, reset, closed, no route
│   │   ├── SourceTimeout       (TimeoutError)        no answer within the attempt timeout
│   │   └── SourceBusy          (ConnectionError)     told to come back later; see ``retry_after``
│   ├── AuthenticationError     (PermissionError)     user, password, certificate or right refused
│   ├── ProtocolError                                 the answer breaks the protocol or contradicts itself
│   └── ReadFailed                                    some tags could not be read; see ``failures``
├── DeadlineExceeded            (TimeoutError)        the whole call took longer than asked
├── CircuitOpenError            (CircuitBreakerError) the source failed too often; see ``retry_in``
├── SessionClosedError          (RuntimeError)        used after close, or from where it would deadlock
├── ProvenanceError             (ValueError)          a provenance record is malformed
└── ExportError                 (OSError)             a file could not be written or read whole

GreenLangWarning (UserWarning): the answer is right, and yet not all that was asked for.

Each says which source, what happened and what to do next, and never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pybreaker


class GreenLangError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    what : what happened, one sentence without the final full stop.
    source : the name (connector id) of the source it happened to, if there is one.
    remedy : what to do next, one sentence; left out, it is the ``usual_remedy`` of the class.
    """

    usual_remedy: ClassVar[str] = ""

    def __init__(self, what: str, *, source: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.source = source
        self.remedy = remedy or self.usual_remedy

    def __str__(self) -> str:
        text = f"{self.source}: {self.what}" if self.source else self.what
        if not self.remedy:
            return text
        end = "" if text.endswith("?") else "."
        return f"{text.rstrip('.')}{end} {self.remedy}"


class _OfTags(GreenLangError):
    """An error of several tags at once: ``failures`` maps each to the reason."""

    def __init__(
        self,
        what: str,
        *,
        source: str = "",
        remedy: str = "",
        failures: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, source=source, remedy=remedy)
        self.failures = dict(failures or {})


class ConfigurationError(GreenLangError, ValueError):
    """A configuration, key, type, unit or secret is wrong."""

    usual_remedy = "Correct the configuration."


class QueryError(GreenLangError, ValueError):
    """The question cannot be asked as it stands."""

    usual_remedy = "Correct the call."


class UnknownTagError(_OfTags, QueryError, LookupError):
    """The source does not know these tags or entities.

    ``failures`` maps each tag to the reason, where several were asked for.
    """

    usual_remedy = "Correct the name, or look it up: s.tags(...).find(), s.erp.entities()."


class UnsupportedError(QueryError):
    """The source or its driver cannot answer this kind of question."""

    usual_remedy = "Ask for it in another way, or ask another source."


class LoadBudgetExceeded(QueryError):
    """The answer is, or would be, larger than the source's load budget."""

    usual_remedy = "Narrow the window, ask for an interval, or raise max_points."


class SourceError(GreenLangError):
    """The source failed."""

    usual_remedy = "Look at the source, and ask again when it is mended."


class TransientError(SourceError):
    """A failure that may pass; the only branch that is retried.

    ``retry_after`` is the number of seconds the source asked us to wait, or None.
    """

    usual_remedy = "Ask again; if it stays so, look at the source."

    def __init__(
        self, what: str, *, source: str = "", remedy: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(what, source=source, remedy=remedy)
        self.retry_after = retry_after


class SourceUnreachable(TransientError, ConnectionError):
    """The connection was refused, reset, closed, or there is no route."""

    usual_remedy = "Check the address and the network, and that the source is up."


class SourceTimeout(TransientError, TimeoutError):
    """One attempt got no (whole) answer in time."""

    usual_remedy = "Ask for less at once, or raise timeout_seconds."


class SourceBusy(TransientError, ConnectionError):
    """The source asked to come back later (HTTP 429 or 503, device busy)."""

    usual_remedy = "Ask for less at once, or less often."


class AuthenticationError(SourceError, PermissionError):
    """User, password, certificate or right refused. Never retried: it locks accounts."""

    usual_remedy = "Check the login, its rights and its expiry."


class ProtocolError(SourceError):
    """The answer breaks the protocol or contradicts itself, so none of it is used."""

    usual_remedy = "Check its address and version; if they are right, tell its operator."


class ReadFailed(_OfTags, SourceError):
    """Some tags could not be read.

    ``failures`` maps each tag to the reason. ``errors="report"`` returns the others instead.
    """

    usual_remedy = "errors='report' returns the others."


class DeadlineExceeded(GreenLangError, TimeoutError):
    """The whole call, retries and waits included, took longer than asked."""

    usual_remedy = "Ask for less, or pass a longer timeout=."


class CircuitOpenError(GreenLangError, pybreaker.CircuitBreakerError):
    """The source failed so often that it is left alone for a while.

    ``retry_in`` is the number of seconds until the next trial is let through.
    """

    usual_remedy = "Wait until it is tried again, or look at the source."

    def __init__(
        self, what: str, *, source: str = "", remedy: str = "", retry_in: float = 0.0
    ) -> None:
        super().__init__(what, source=source, remedy=remedy)
        self.retry_in = retry_in


class SessionClosedError(GreenLangError, RuntimeError):
    """A session or runtime was used after it was closed, or from where it would deadlock."""

    usual_remedy = "Open a new one."


class ProvenanceError(GreenLangError, ValueError):
    """A provenance record is malformed, too large or not plain JSON."""

    usual_remedy = "Read the frame again."


class ExportError(GreenLangError, OSError):
    """A file could not be written, or what is there is not a whole file of ours."""

    usual_remedy = "Check the path, the rights and the room on the disk."


class GreenLangWarning(UserWarning):
    """The answer is right, and yet not all that was asked for; the provenance says the same."""
