"""The command line: ``llmrouter serve``. Everything that goes wrong is one clear line and an exit code."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from llmrouter import __version__
from llmrouter.documents import CUSTOMER, POLICY, PROVISIONED
from llmrouter.limits import Alert, Limiter
from llmrouter.openapi import description
from llmrouter.reader import DocumentError
from llmrouter.reload import Live
from llmrouter.resolve import callable_names
from llmrouter.secret import Secret
from llmrouter.snapshot import Snapshot
from llmrouter.sources import source
from llmrouter.upstream import TimeLimits

OK, USAGE, OUTSIDE = 0, 2, 5
REDIS = "LLMROUTER_REDIS_URL"

_VARIABLES = f"""\
environment (NAME, or NAME_FILE with a path):
  {CUSTOMER:<26} the account's own endpoints
  {PROVISIONED:<26} the platform's endpoints of this region
  {POLICY:<26} who may call what, prices, limits (optional)
  {REDIS:<26} counts limits and budgets for all replicas (optional)
At least one of the first two must be set.

exit codes: 0 stopped as told, 2 wrong usage, 5 documents or address unusable"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "openapi":
        sys.stdout.buffer.write(description() + b"\n")
        return OK
    open_to_all = not options.allow_unauthenticated and not _is_loopback(options.host)

    def objection(snapshot: Snapshot) -> str | None:
        if snapshot.keys or not open_to_all:
            return None
        problem = f"{POLICY} has no keys, so {options.host} would be open to everyone"
        return f"{problem}; add keys, use --host 127.0.0.1, or pass --allow-unauthenticated"

    try:
        live = Live.start(os.environ, objection)
    except DocumentError as error:
        return _say(OUTSIDE, f"{error}; {error.hint}")
    problem = objection(live.snapshot)
    return _say(USAGE, problem) if problem else _serve(options, live)


def _serve(options: argparse.Namespace, live: Live) -> int:
    try:
        from llmrouter.app import Settings
        from llmrouter.server import bind, run
    except ModuleNotFoundError as error:
        return _say(USAGE, f"{error.name} is not installed; pip install 'llmcompile[runtime]'")
    limits = TimeLimits(options.connect_timeout, options.first_byte_timeout, options.idle_timeout)
    settings = Settings(
        limits, options.max_body_mib << 20, options.cooldown, options.retry_after_budget, options.region
    )
    try:
        limiter = _shared_limiter(options.redis_timeout)
    except DocumentError as error:
        return _say(OUTSIDE, f"{error}; {error.hint}")
    except ModuleNotFoundError as error:
        return _say(USAGE, f"{REDIS} is set and {error.name} is not installed; pip install 'llmcompile[redis]'")
    except ValueError:
        return _say(USAGE, f"{REDIS} is not redis://HOST:PORT, rediss://HOST:PORT or unix://PATH")
    settings = settings if limiter is None else replace(settings, limiter=limiter)
    try:
        listener = bind(options.host, options.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a usable host"
        return _say(
            OUTSIDE, f"cannot listen on {options.host}:{options.port}: {reason}; free it, or pass --host or --port"
        )
    return run(settings, live, listener, options.workers, lambda: _announce(listener, live.snapshot, options.workers))


def _shared_limiter(patience: float) -> Callable[[Callable[[Alert], None]], Limiter] | None:
    """What makes the limiter where a Redis is named. Raises ValueError for a URL that is none."""
    written = source(os.environ, REDIS)
    if not written or not written.strip():
        return None
    from llmrouter.limits_redis import RedisLimiter, is_usable

    url = Secret(written.decode(errors="replace").strip())
    if not is_usable(url):
        raise ValueError
    return lambda alert: RedisLimiter(url, patience, alert)


def _announce(listener: socket.socket, snapshot: Snapshot, workers: int) -> None:
    host, port = listener.getsockname()[:2]
    names = callable_names(snapshot)
    served = f"account {snapshot.account or '(no policy)'}, {len(names)} models, {workers} worker(s)"
    where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    _say(OK, f"listening on {where} ({served})")
    if not names:
        _say(OK, "warning: no model can be called; check that the documents belong to this account and region")


def _say(code: int, line: str) -> int:
    sys.stderr.write(f"llmrouter: {line}\n")
    sys.stderr.flush()
    return code


def _is_loopback(host: str) -> bool:
    try:
        found = {address[4][0] for address in socket.getaddrinfo(host or None, None)} if host else set()
        return bool(found) and all(ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in found)
    except (OSError, ValueError):
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llmrouter", description="A small router for OpenAI-compatible traffic.")
    parser.add_argument("--version", action="version", version=f"llmrouter {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    said = "print what is served as OpenAPI 3.1; needs no documents"
    commands.add_parser("openapi", help=said, description=said)
    serve = commands.add_parser(
        "serve",
        help="read the documents and serve",
        description="Reads the documents and serves OpenAI-compatible traffic.",
        epilog=_VARIABLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument("--port", type=_port, default=4000, help="port; 0: any free one (%(default)s)")
    serve.add_argument("--workers", type=_count, default=1, help="processes (%(default)s)")
    serve.add_argument("--region", help="where this router runs; told in logs and /readyz")
    serve.add_argument(
        "--allow-unauthenticated", action="store_true", help="listen beyond loopback although there are no keys"
    )
    serve.add_argument("--connect-timeout", type=_seconds, default=5.0, help="seconds to connect (%(default)s)")
    serve.add_argument(
        "--first-byte-timeout",
        type=_seconds,
        default=300.0,
        help="seconds to the first byte, where the endpoint has no timeout_seconds (%(default)s)",
    )
    serve.add_argument(
        "--idle-timeout", type=_seconds, default=120.0, help="seconds between two reads after it (%(default)s)"
    )
    serve.add_argument(
        "--retry-after-budget",
        type=_seconds_or_none,
        default=5.0,
        help="seconds that a request may wait for endpoints that ask for patience; 0: none (%(default)s)",
    )
    serve.add_argument(
        "--cooldown",
        type=_seconds_or_none,
        default=10.0,
        help="seconds that a failing endpoint is left alone at first; 0: never (%(default)s)",
    )
    serve.add_argument(
        "--redis-timeout",
        type=_seconds,
        default=0.05,
        help=f"seconds that a request waits for the Redis of {REDIS} (%(default)s)",
    )
    serve.add_argument("--max-body-mib", type=_count, default=32, help="largest request body in MiB (%(default)s)")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"not a port: {text}")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"not a number from 1 to 1024: {text}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"not a number of seconds above 0: {text}")
    return value


def _seconds_or_none(text: str) -> float:
    return 0.0 if text == "0" else _seconds(text)


if __name__ == "__main__":
    sys.exit(main())
