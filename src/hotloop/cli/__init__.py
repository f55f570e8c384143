"""The `hotloop` command."""

import argparse
import sys
from collections.abc import Sequence

from hotloop._version import __version__
from hotloop.cli import bench, demo, info

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line `arguments`, by default the program's own; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="hotloop", description="Dense neural networks for CPUs, written as in Keras 3."
    )
    parser.add_argument("--version", action="version", version=f"hotloop {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for command in (demo, info, bench):
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print(f"hotloop {options.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough. Nothing may be flushed into the void at exit.
        sys.stdout = None
        return 141
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"hotloop {options.command}: error: {_first_line(error)}", file=sys.stderr)
        return 1


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
