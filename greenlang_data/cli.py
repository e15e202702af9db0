"""The command ``greenlang-data``: a demo without a plant, a check of sources, a recorder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from greenlang_data._version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns 0, 1 when a check failed, 2 for a wrong configuration or call."""
    parser = argparse.ArgumentParser(prog="greenlang-data", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="read a simulated plant and write Parquet files")
    demo.add_argument("--directory", type=Path, default=Path("greenlang-demo"))
    check = commands.add_parser("check", help="try each source and say what is wrong")
    check.add_argument("file", type=Path, nargs="?", default=Path("greenlang.toml"))
    record = commands.add_parser("record", help="write down what an analyser shows")
    record.add_argument("source", help="the name of a CEMS source with a recording")
    record.add_argument("file", type=Path, nargs="?", default=Path("greenlang.toml"))
    record.add_argument("--commit-every", type=float, default=60.0, metavar="SECONDS")
    record.add_argument("--for", dest="for_seconds", type=float, metavar="SECONDS")
    chosen = parser.parse_args(arguments)

    from greenlang_data.errors import GreenLangError

    try:
        if chosen.command == "demo":
            from greenlang_data.demo import run_demo

            return run_demo(chosen.directory)
        if chosen.command == "record":
            from greenlang_data.record import run_record

            return run_record(
                chosen.file,
                chosen.source,
                commit_every=chosen.commit_every,
                for_seconds=chosen.for_seconds,
            )
        from greenlang_data.check import run_check

        return run_check(chosen.file)
    except GreenLangError as error:
        print(f"greenlang-data: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
