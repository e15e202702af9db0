"""Every EDM type with its extremes and null, over each wire of OData, into pandas and Parquet.

``python -m tests.bench.bench_fidelity --python PATH``, where PATH is the Python of an environment
with the foreign clients: ``pip install pyodata==1.12.1 'dlt[duckdb,filesystem,parquet]==1.31.0'
pandas pyarrow requests``. Those that are not there are said to be so. The server is the Gateway
emulator and the truth are its row definitions (``tests/peers/erp_types.py``): rows 0 to 2 hold the
largest values, the smallest and none, the others ordinary ones.

A cell is *right* when it is that value in a type for such values (a binary number that is exactly
the value is right too, and midnight for a date; a time without its zone is not); *text* when it is a text from which someone
who knows the type could still make the value; and *wrong* when the value itself is gone, be it by
the client or by pandas, into which rows are put with ``pd.DataFrame(rows)``.
"""

from __future__ import annotations

import argparse
import base64
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.bench.fidelity_clients import CLIENTS
from tests.drivers.odata.every_type import EPOCH, exact_rows
from tests.peers.erp_rows import Row
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_erp import start_gateway

SCRIPT = Path(__file__).with_name("fidelity_clients.py")
WIRES = {"v2": "V2 strings", "always": "V4 strings", "never": "V4 numbers"}
TYPES = {
    "ID": "Guid", "Number": "Int32", "Text": "String", "LongText": "String", "Flag": "Boolean",
    "Byte": "Byte", "Signed": "SByte", "Int16": "Int16", "Int32": "Int32", "Int64": "Int64",
    "Amount": "Decimal", "Quantity": "Decimal", "BigAmount": "Decimal", "FloatingPoint": "Double",
    "Day": "Date", "TimeOfDay": "TimeOfDay", "Moment": "DateTimeOffset",
    "ExactMoment": "DateTimeOffset", "Precise": "DateTimeOffset", "Reference": "Guid",
    "Octets": "Binary",
}  # fmt: skip
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_TIME = re.compile(r"(?:PT)?(\d+)[H:](\d+)[M:](\d+)S?")
Found = dict[str, dict[str, list[Any]]]


def nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def is_right(found: Any, wanted: Any, column: str) -> bool:
    """Whether a cell is the value, in a type for such values."""
    if wanted is None or found is None:
        return found is wanted
    if column == "Precise":
        return bool(found == (wanted, True))
    if isinstance(wanted, datetime):
        return bool(found == (nanoseconds(wanted), True))
    if isinstance(wanted, date):
        midnight = nanoseconds(datetime(wanted.year, wanted.month, wanted.day, tzinfo=UTC))
        days = (wanted, (midnight, False), (midnight, True))
        return any(found == one for one in days)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    if isinstance(wanted, Decimal) and isinstance(found, float):
        return Decimal(found) == wanted
    if TYPES[column] == "Guid":
        return str(found) == str(wanted)
    return bool(found == wanted)


def is_text_of(text: Any, wanted: Any, column: str) -> bool:
    """Whether a cell is a text that whoever knows its type can make the value of."""
    if not isinstance(text, str) or wanted is None:
        return False
    try:
        return is_right(parsed(text, wanted, column), wanted, column)
    except (ValueError, ArithmeticError):
        return False


def parsed(text: str, wanted: Any, column: str) -> Any:
    if column == "Precise" or isinstance(wanted, date):
        told = _DATE.fullmatch(text)
        if told:
            found = EPOCH + timedelta(milliseconds=int(told[1]))
        else:
            found = datetime.fromisoformat(text)
        if TYPES[column] == "Date":
            return found.date()
        seventh = re.search(r"\.\d{6}(\d)", text)
        return nanoseconds(found) + 100 * int(seventh[1] if seventh else 0), True
    if isinstance(wanted, time):
        told = _TIME.fullmatch(text)
        return time(*map(int, told.groups())) if told else text
    if isinstance(wanted, bytes):
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"))
    return type(wanted)(text) if isinstance(wanted, int | float | Decimal) else text


def judged(cells: Mapping[str, Sequence[Any]], rows: Sequence[Row]) -> tuple[str, set[str]]:
    """How many cells are wrong and how many are mere text, and the types of the wrong ones."""
    places = {int(number): place for place, number in enumerate(cells["Number"])}
    counts: Counter[str] = Counter()
    kinds = set()
    for row in rows:
        for column, wanted in row.items():
            found = cells[column][places[row["Number"]]] if column in cells else None
            if is_right(found, wanted, column):
                counts["right"] += 1
            elif is_text_of(found, wanted, column):
                counts["text"] += 1
            else:
                counts["wrong"] += 1
                kinds.add(TYPES[column])
    return f"{counts['wrong']} wrong, {counts['text']} text", kinds


def run(client: str, wire: str, peer: HistorianPeer, python: str) -> tuple[Found | None, str]:
    """What a client found, and its versions; or None and why it found nothing."""
    version = 2 if wire == "v2" else 4
    root = "/sap/opu/odata/sap" if version == 2 else "/sap/opu/odata4/sap"
    peer.set(ieee754="always" if wire == "always" else "never")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(SCRIPT), client, wire, f"{peer.origin}{root}/Z_EVERY_TYPE_SRV", folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "PYTHONWARNINGS": "ignore"},
        )
        said = done.stdout.strip().splitlines()[-1:] or [""]
        if done.returncode == 3:
            return None, said[0]
        if done.returncode:
            return None, f"fails: {done.stderr.strip().splitlines()[-1][:60]}"
        # Written by the script above.
        found: Found = pickle.loads(Path(folder, "found.pickle").read_bytes())
        return found, said[0]


def report(client: str, python: str, peer: HistorianPeer, truth: Mapping[str, list[Row]]) -> None:
    """The two lines of a client, and of which types its wrong cells are."""
    results = {wire: run(client, wire, peer, python) for wire in WIRES}
    wrong: dict[str, set[str]] = {}
    for kind in ("pandas", "Parquet"):
        line = f"{client:18} {kind:8}"
        for wire, (found, said) in results.items():
            text = said
            if found is not None:
                text, kinds = judged(found[kind], truth[wire])
                wrong.setdefault(WIRES[wire], set()).update(kinds)
            line += f"{text:26}"
        print(line)
    versions = sorted({said for found, said in results.values() if found is not None})
    lost = "; ".join(f"{wire}: {', '.join(sorted(one))}" for wire, one in wrong.items() if one)
    about = [*versions, *([f"wrong of {lost}"] if lost else [])]
    print(f"  {'; '.join(about) or '-'}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    foreign = parser.parse_args().python
    truth = {wire: exact_rows(wire) for wire in WIRES}
    cells = len(truth["v2"]) * len(truth["v2"][0])
    print(f"{len(set(TYPES.values()))} types, {len(TYPES)} columns, {cells} cells in each field\n")
    print(f"{'client':18} {'into':8}" + "".join(f"{one:26}" for one in WIRES.values()))
    with start_gateway(items=10) as peer:
        for client in CLIENTS:
            python = sys.executable if client == "greenlang_data" else foreign
            report(client, python, peer, truth)


if __name__ == "__main__":
    main()
