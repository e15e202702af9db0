"""Start TLS listeners in front of the libmodbus server."""

from __future__ import annotations

import sys
from pathlib import Path

from . import launch
from .certificates import Certificates, Identity
from .launch import FOLDER, Peer
from .serial_line import require_socat, start_socat


class TlsPeer:
    """A TLS listener (``bridge``) in front of a libmodbus server (``server``)."""

    def __init__(self, bridge: Peer, server: Peer, certificates: Certificates) -> None:
        self.bridge = bridge
        self.server = server
        self.certificates = certificates

    def __repr__(self) -> str:
        return f"<TLS {self.bridge!r} before {self.server!r}>"

    def __enter__(self) -> TlsPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.bridge.__exit__()
        self.server.__exit__()

    @property
    def port(self) -> int:
        """The TCP port of the TLS listener on 127.0.0.1."""
        return self.bridge.port


def start_modbus_tls(
    certificates: Certificates,
    *,
    identity: Identity | None = None,
    client_authority: Path | None = None,
    split: int = 0,
) -> TlsPeer:
    """Start TLS in front of libmodbus.

    ``identity`` is what the server shows (``certificates.server`` unless said otherwise);
    with ``client_authority`` the client must show a certificate that authority signed; with
    ``split`` every answer comes in two TLS records, the first of that many bytes.
    """
    shown = str((identity or certificates.server).both)
    authority = str(client_authority) if client_authority else None
    if not split:
        require_socat()
    server = launch.start_modbus()
    try:
        if split:
            bridge = _start_splitting_bridge(server.port, shown, authority, split)
        else:
            bridge = _start_socat_bridge(server.port, shown, authority)
    except BaseException:
        server.__exit__()
        raise
    return TlsPeer(bridge, server, certificates)


def start_tls_before(port: int, certificates: Certificates) -> Peer:
    """Start TLS in front of any server on this machine that speaks Modbus TCP on ``port``."""
    return _start_splitting_bridge(port, str(certificates.server.both), None, 0)


def _start_socat_bridge(target: int, shown: str, authority: str | None) -> Peer:
    verification = f"verify=1,cafile={authority}" if authority else "verify=0"
    listener = f"OPENSSL-LISTEN:PORT,bind=127.0.0.1,reuseaddr,fork,cert={shown},{verification}"
    return start_socat("socat TLS bridge", [listener, f"TCP:127.0.0.1:{target},nodelay"])


def _start_splitting_bridge(target: int, shown: str, authority: str | None, split: int) -> Peer:
    options = {
        "target": target,
        "certificate": shown,
        "client_authority": authority,
        "split": split,
    }
    command = [sys.executable, str(FOLDER / "tls_bridge.py"), *launch._flags(options)]
    return Peer("splitting TLS bridge", lambda chosen: [*command, "--port", str(chosen)])
