"""Becomes socat, with a watcher beside it that reports the ready line and ends it.

socat neither prints its port in a form the launcher reads nor ends when the tests are gone.
The process the launcher started becomes socat, so that pausing and killing it work.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import sys
from collections.abc import Iterator

LISTENING = re.compile(rb"listening on .*:(\d+)\s*$")
TERMINAL = re.compile(rb"PTY is \S+\s*$")
WATCHED_TERMINALS = 2


def lines(messages: int) -> Iterator[bytes]:
    """What socat says, line by line; each part is passed on to stderr as well."""
    rest = b""
    while part := os.read(messages, 4096):
        os.write(sys.stderr.fileno(), part)
        *whole, rest = (rest + part).split(b"\n")
        yield from whole


def announce(said: Iterator[bytes], socat: int) -> None:
    """Print the ready line once socat listens or both its terminals are there."""
    terminals = 0
    for line in said:
        terminals += TERMINAL.search(line) is not None
        listening = LISTENING.search(line)
        if listening or terminals == WATCHED_TERMINALS:
            port = int(listening.group(1)) if listening else 0
            print(json.dumps({"port": port, "pid": socat}), flush=True)
            return


def wait_for_the_end(messages: int) -> None:
    """Pass socat's messages on until it has ended or the launcher has closed stdin."""
    while True:
        ready, _, _ = select.select([sys.stdin.fileno(), messages], [], [])
        if sys.stdin.fileno() in ready:
            return
        part = os.read(messages, 4096)
        if not part:
            return
        os.write(sys.stderr.fileno(), part)


def watch(socat: int, messages: int) -> None:
    """Announce socat, then end it and its children when it is no longer wanted."""
    announce(lines(messages), socat)
    wait_for_the_end(messages)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(socat, signal.SIGKILL)


def main() -> None:
    """Run ``socat`` with the arguments given, as the leader of a process group."""
    os.setpgid(0, 0)
    socat = os.getpid()
    messages, written = os.pipe()
    if os.fork() == 0:
        os.setpgid(0, 0)
        os.close(written)
        watch(socat, messages)
        os._exit(0)
    os.close(messages)
    nothing = os.open(os.devnull, os.O_RDWR)
    for target, source in ((0, nothing), (1, nothing), (2, written)):
        os.dup2(source, target)
    os.execvp("socat", ["socat", "-d", "-d", *sys.argv[1:]])


if __name__ == "__main__":
    main()
