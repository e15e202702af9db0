"""Start the server that wants a Kerberos ticket; its handle sets how it behaves."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .historian_launch import CONTROL_TIMEOUT_SECONDS, TOP
from .kerberos_realm import Realm
from .launch import Peer, PeerUnavailable, _missing_module


class GatePeer(Peer):
    """A running gate; ``scheme`` is http or https."""

    scheme: str = "http"

    def url(self, host: str = "127.0.0.1") -> str:
        """Where clients go; ``host`` is what the ticket is for."""
        return f"{self.scheme}://{host}:{self.port}"

    def set(self, mode: str, **more: str) -> None:
        """Set a mode of ``spnego_gate``, and forget what was seen."""
        self._control("PUT", {"mode": mode, **more})

    def seen(self) -> list[dict[str, Any]]:
        """The requests so far: ``path, method, scheme, connection, outcome, user, bound``."""
        return self._control("GET", None)

    def _control(self, method: str, body: dict[str, str] | None) -> list[dict[str, Any]]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url()}/_gate", data, method=method)
        with opener.open(request, timeout=CONTROL_TIMEOUT_SECONDS) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


def start_gate(
    realm: Realm, upstream: str, certificate: Path | None = None, key: Path | None = None
) -> GatePeer:
    """A gate of ``realm`` before the server at ``upstream``; with a certificate over TLS."""
    for module in ("gssapi", "krb5", "spnego"):
        if _missing_module(module):
            raise PeerUnavailable(
                f"{module} is not installed: run apt-get install gcc libkrb5-dev, "
                "then pip install -e '.[kerberos]'"
            )
    settings = {**realm.environment, "KRB5_KTNAME": f"FILE:{realm.keytab}"}
    tls = ["--certificate", str(certificate), "--key", str(key)] if certificate else []

    def command(chosen: int) -> Sequence[str]:
        own = [f"{name}={value}" for name, value in settings.items()]
        module = [sys.executable, "-m", f"{__package__}.spnego_gate", "--port", str(chosen)]
        return ["env", *own, *module, "--upstream", upstream, *tls]

    gate = GatePeer("Kerberos gate", command, folder=TOP)
    gate.scheme = "https" if certificate else "http"
    return gate
