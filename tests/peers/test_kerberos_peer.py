"""The gate does as RFC 4559 has it: curl gets in with a ticket, and nobody without."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest
import requests

from .fixtures import start_or_skip
from .kerberos_launch import GatePeer
from .kerberos_realm import PASSWORD, REALM
from .launch import PeerUnavailable


def curl(gate: GatePeer, *options: str) -> tuple[int, str]:
    """The status and the proof of the server that curl was told."""
    url = f"{gate.url()}/piwebapi/system"
    command = ["curl", "-s", "-o", "/dev/null", "-D", "-", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    last = done.stdout.strip().split("\n\n")[-1].splitlines()
    told = [line for line in last if line.lower().startswith("www-authenticate:")]
    return int(last[0].split()[1]), told[0].partition(":")[2].strip() if told else ""


@pytest.fixture(autouse=True)
def has_curl() -> None:
    def look() -> None:
        if shutil.which("curl") is None:
            raise PeerUnavailable("curl is not installed: run apt-get install curl")

    start_or_skip(look)


def test_curl_gets_in_with_a_ticket(kinit: Callable[..., None], kerberos_gate: GatePeer) -> None:
    kinit()
    assert os.environ["KRB5_CONFIG"]
    status, proof = curl(kerberos_gate, "--negotiate", "-u", ":")
    assert (status, proof[:10]) == (200, "Negotiate ")
    (served,) = [one for one in kerberos_gate.seen() if one["outcome"] == "served"]
    assert (served["user"], served["scheme"]) == (f"reader@{REALM}", "Negotiate")


@pytest.mark.usefixtures("no_ticket")
def test_nobody_gets_in_without_a_ticket(kerberos_gate: GatePeer) -> None:
    assert curl(kerberos_gate, "--negotiate", "-u", ":")[0] == 401
    assert curl(kerberos_gate, "-u", f"reader:{PASSWORD}") == (401, "Negotiate")
    url = f"{kerberos_gate.url()}/piwebapi/system"
    for token in ("Negotiate", "Negotiate AAAA", "Negotiate ?", "Bearer x"):
        refused = requests.get(url, headers={"Authorization": token}, timeout=20)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Negotiate"
    assert "served" not in {one["outcome"] for one in kerberos_gate.seen()}
