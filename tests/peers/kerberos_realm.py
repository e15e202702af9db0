"""A Kerberos realm of its own: MIT's KDC on a free port, in a folder that goes with it.

Nothing of the machine's own configuration is read or changed: who is to use the realm has
``environment`` in its own environment.  There are the users ``reader`` and ``other``, and the
services ``HTTP/127.0.0.1``, ``HTTP/localhost`` (both in the keytab) and ``HTTP/127.0.0.3``, whose key
the keytab does not have.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from .launch import PeerFailed, PeerUnavailable, _die_with_parent

REALM = "PLANT.TEST"
PASSWORD = "s3cret-reader-pw"
KEPT = ("HTTP/127.0.0.1", "HTTP/localhost")
OTHERS = "HTTP/127.0.0.3"
_PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
_SYSTEM_FOLDERS = "/usr/sbin:/sbin"

_CLIENT = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 clockskew = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
"""
_SERVER = """
[kdcdefaults]
 kdc_listen = ""
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = 1h
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


class Realm:
    """A running KDC; stopped, and its folder removed, at the end of the ``with`` block."""

    def __init__(self) -> None:
        path = f"{os.environ['PATH']}:{_SYSTEM_FOLDERS}"
        for program in _PROGRAMS:
            if shutil.which(program, path=path) is None:
                raise PeerUnavailable(
                    f"{program} is not installed: run apt-get install krb5-kdc krb5-admin-server "
                    "krb5-user"
                )
        self.folder = Path(tempfile.mkdtemp(prefix="realm-"))
        self.keytab = self.folder / "http.keytab"
        self.user_keytab = self.folder / "reader.keytab"
        self.environment: dict[str, str] = {"KRB5_CONFIG": str(self.folder / "krb5.conf")}
        self._own = {
            **os.environ,
            **self.environment,
            "PATH": path,
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._create()
        self.start()

    def _create(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        words = {"realm": REALM, "port": self.port, "folder": self.folder}
        (self.folder / "krb5.conf").write_text(_CLIENT.format(**words))
        (self.folder / "kdc.conf").write_text(_SERVER.format(**words))
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "of-no-use")
        for user in ("reader", "other"):
            self._admin(f"addprinc -pw {PASSWORD} {user}")
        for service in (*KEPT, OTHERS):
            self._admin(f"addprinc -randkey {service}")
        for service in KEPT:
            self._admin(f"ktadd -k {self.keytab} {service}")
        # -norandkey: the password goes on to hold.
        self._admin(f"ktadd -norandkey -k {self.user_keytab} reader")

    def start(self) -> None:
        """Start the KDC, and wait until it answers."""
        self._process = subprocess.Popen(
            ["krb5kdc", "-n", "-r", REALM],
            env=self._own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509  (None unless this is the main thread)
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise PeerFailed("the KDC did not come up")

    def stop(self) -> None:
        """Stop the KDC; the realm stays as it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kinit(self, cache: Path, *, life: str = "1h", user: str = "reader") -> dict[str, str]:
        """A ticket in a file of its own; with the environment for whoever is to use it."""
        environment = {**self.environment, "KRB5CCNAME": f"FILE:{cache}"}
        subprocess.run(
            ["kinit", "-l", life, user],
            input=PASSWORD.encode(),
            env={**self._own, **environment},
            check=True,
            capture_output=True,
            timeout=20,
        )
        return environment

    def _admin(self, query: str) -> None:
        self._run("kadmin.local", "-r", REALM, "-q", query)

    def _run(self, *command: str, more: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(
            command, env={**self._own, **(more or {})}, check=False, capture_output=True, timeout=60
        )
        if done.returncode != 0:
            raise PeerFailed(f"{command[0]} failed\n{done.stdout!r}{done.stderr!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
