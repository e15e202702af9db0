"""The correctness matrix of historians, for other clients as well.

The rows for PI of :mod:`tests.drivers.test_historian_matrix`, read by each client tag by tag. It is
right to give every good sample once, with its time and value, and nothing good where nothing is; a
state may be told by name or code, and a bad sample be left out. Where nothing right can be told,
an error is right. Anything else is an error where there was an answer, a wrong answer that looks
right, or no end within a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tests.drivers.test_historian_matrix import MATRIX, Case, value
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import State, catalogue, ticks_of

SCRIPT = Path(__file__).with_name("historian_readers.py")
OUTCOMES = ("right", "error", "wrong", "hangs")
# Whatever way a client asks for recorded values.
DATA = "recorded"


def matrix(peer: HistorianPeer, clients: dict[str, str]) -> None:
    """Print what each client makes of each row, and the sums."""
    rows = [case for case in MATRIX if "pi" in case.sources.split()]
    sums: dict[str, Counter[str]] = {client: Counter() for client in clients}
    print(f"  {'':<58}" + "".join(f"{client:<11}" for client in clients))
    for case in rows:
        line = f"  {case.name:<58}"
        for client, python in clients.items():
            peer.reset()
            peer.set(**case.knobs, faults=[one | {"match": DATA} for one in case.faults])
            outcome = judged(case, ask(client, python, peer, case))
            sums[client][outcome] += 1
            line += f"{outcome:<11}"
        print(line, flush=True)
    peer.reset()
    for outcome in OUTCOMES:
        counts = "".join(f"{sums[client][outcome]:<11}" for client in clients)
        print(f"  {outcome + f', of {len(rows)}':<58}{counts}")


def ask(client: str, python: str, peer: HistorianPeer, case: Case) -> dict[str, Any] | None:
    """What the client has of each tag; None when it does not end."""
    asked = {"tags": case.tags, "start": case.start.isoformat(), "end": case.end.isoformat()}
    try:
        done = subprocess.run(
            [python, str(SCRIPT), client, peer.url],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{client}, {case.name}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judged(case: Case, found: dict[str, Any] | None) -> str:
    if found is None:
        return "hangs"
    outcomes = {_judged(case, tag, found[tag]) for tag in case.tags}
    return max(outcomes, key=OUTCOMES.index)


def _judged(case: Case, tag: str, found: list[list[Any]] | str) -> str:
    nothing_right = case.error is not None or tag == case.unknown
    if isinstance(found, str):
        return "right" if nothing_right else "error"
    if nothing_right:
        return "wrong" if found else "right" if tag == case.unknown else "wrong"
    events = catalogue()[tag].forward(ticks_of(case.start), ticks_of(case.end) - 1)
    truth = [(one.ticks * 100, accepted(one)) for one in events]
    good = [(stamp, values) for stamp, values in truth if values]
    told = [(stamp, one) for stamp, one in found if one is not None]
    same = len(good) == len(told) and all(
        stamp == other and one in values
        for (stamp, values), (other, one) in zip(good, told, strict=True)
    )
    return "right" if same else "wrong"


def accepted(event: Any) -> list[Any]:
    """What may be told as the value; nothing where it is not good."""
    one = value(event, "pi")
    if one is None:
        return []
    return [event.value.name, event.value.code] if isinstance(event.value, State) else [one]
