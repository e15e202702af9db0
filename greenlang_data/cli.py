"""The command ``greenlang-data``: a demo without a plant, and a check of real sources."""

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
    chosen = parser.parse_args(arguments)

    from greenlang_data.errors import GreenLangError

    try:
        if chosen.command == "demo":
            from greenlang_data.demo import run_demo

            return run_demo(chosen.directory)
        from greenlang_data.check import run_check

        return run_check(chosen.file)
    except GreenLangError as error:
        print(f"greenlang-data: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
