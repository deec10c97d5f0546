"""The command: a server until SIGTERM or SIGINT; SIGHUP reads the faults anew. What goes wrong is one clear line."""

from __future__ import annotations

import argparse
import ipaddress
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcompile_secretmanager_emulator.server import Emulator

OK, USAGE, OUTSIDE = 0, 2, 5
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 stopped as told, 2 wrong usage, 5 address or faults unusable."""
    options = _parser().parse_args(arguments)
    if not (options.any_host or _is_loopback(options.host)):
        return _say(
            USAGE, f"{options.host} is no IPv4 loopback address, and nothing here is encrypted; --any-host insists"
        )
    # Before any thread starts, so that every thread leaves the signals to the wait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        server = _made(options)
    except ModuleNotFoundError as error:
        return _say(USAGE, f"needs {error.name}, which is not installed; pip install 'llmcompile[emulator]'")
    except (OSError, ValueError) as error:
        return _say(OUTSIDE, str(error))
    with server:
        sys.stdout.write(f"listening on {server.address}\n")
        sys.stdout.flush()
        _wait(options.faults, server)
    return OK


def _made(options: argparse.Namespace) -> Emulator:
    from llmcompile_secretmanager_emulator.server import Emulator

    project, *others = options.project or ["acme-llm-prod"]
    server = Emulator(project, others=others, host=options.host, port=options.port, journal=options.journal)
    server.quotas.enabled = options.quotas
    server.lag.set(calls=options.lag, seed=options.lag_seed)
    _load(options.faults, server)
    return server


def _wait(faults: Path | None, server: Emulator) -> None:
    while signal.sigwait(_SIGNALS) == signal.SIGHUP:
        try:
            _load(faults, server)
        except (OSError, ValueError) as error:
            _say(OUTSIDE, f"{error}; the rules stay as they were")


def _load(faults: Path | None, server: Emulator) -> None:
    from llmcompile_secretmanager_emulator.control import apply_rules, read_rules

    if faults is None:
        return
    try:
        apply_rules(read_rules(faults), server)
    except ValueError as error:
        raise ValueError(f"{faults}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmcompile-secretmanager-emulator", description="A local Google Secret Manager, in memory."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--any-host", action="store_true", help="allow an address that others can reach")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--project", action="append", help="a project's id; repeat for more (acme-llm-prod)")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every call as a line of JSON")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="what goes wrong (JSON); SIGHUP reads it again")
    parser.add_argument("--quotas", action="store_true", help="keep to the documented request quotas")
    parser.add_argument("--lag", type=int, default=0, metavar="CALLS", help="calls until a write shows (%(default)s)")
    parser.add_argument("--lag-seed", type=int, metavar="N", help="each read lags by a number of calls of its own")
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _say(code: int, line: str) -> int:
    sys.stderr.write(f"llmcompile-secretmanager-emulator: {line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
