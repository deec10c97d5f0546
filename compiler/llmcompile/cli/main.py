"""The command group and the one place where exceptions become messages and exit codes.

Imports click alone: ``--help`` must not load what only a command needs.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from typing import NoReturn

import click

from llmcompile import __version__
from llmcompile.errors import OUTSIDE, USAGE, CommandError

# command: module, what --help says of it
COMMANDS = {
    "init": ("init", "Start a new repository of YAML, with workflows, schemas and an example."),
    "import": ("import_", "Make a repository from the configuration of another proxy."),
    "check": ("check", "Report every problem at once."),
    "build": ("build", "Check, then compile everything into dist/."),
    "plan": ("plan", "Show what push would do; writes nothing."),
    "push": ("push", "Bring a store to what the YAML says."),
    "adopt": ("adopt", "Take over secrets that someone else made: their JSON as YAML, proven equal."),
    "drift": ("drift", "Show where a store is not what the YAML says."),
    "rollback": ("rollback", "Bring back an earlier version of an account or a region."),
    "prune": ("prune", "Destroy old versions."),
    "history": ("history", "Show who pushed what, and when."),
    "diff": ("diff", "Show which decisions change between two revisions, for whom, and what that costs."),
    "explain": ("explain", "Show where a request for a model would go, and at which price."),
    "calendar": ("calendar", "List everything dated: prices, retirements, expiring secrets."),
    "report": ("report", "Draw the fleet as one HTML page."),
    "exec": ("exec", "Run a command with an account's documents in its environment."),
    "models": ("models", "Show the catalogue."),
    "model": ("model", "Add a model."),
    "account": ("account", "Add an account."),
    "endpoint": ("endpoint", "Add an endpoint to an account or a region."),
    "key": ("key", "Issue a router key; the YAML gets its hash."),
    "fix": ("fix", "Fix what has only one answer: mistyped names, quotes."),
    "fmt": ("fmt", "Lay out the YAML in one way; words, quotes, comments and order stay."),
    "price": ("price", "Show what a model costs at an instant, or give it a new price."),
    "schema": ("schema", "Write the editor's schemas."),
}

_MANY = 100_000
"""Objects made before the collector looks for cycles among them: a command holds what it reads until its end, and
walking through that again and again took a third of its time."""


class _Lazy(click.Group):
    """Commands by name; their modules are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"llmcompile.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from llmcompile.suggest import did_you_mean

            raise click.UsageError(f"no command '{args[0]}'. {did_you_mean(args[0], COMMANDS)}".rstrip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="llmcompile", message="%(prog)s %(version)s")
def cli() -> None:
    """Compile reviewed YAML into the JSON that an LLM router reads.

    Exit codes: 0 fine, 1 problems in the YAML, 2 wrong usage, 3 changes pending, 4 refused by a guard,
    5 the world outside failed (safe to run again).
    """


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    _steady_streams()
    gc.set_threshold(_MANY, 50, 1_000)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds: what is half-done is undone
    try:
        code = cli(standalone_mode=False, color=_colour())
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except CommandError as error:
        _fail(str(error), error.next_step, error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", "", 130)
    except BrokenPipeError:
        # The reader has left (| head); there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OUTSIDE)
    except OSError as error:  # most likely of stdout: what commands themselves read and write, they answer for
        about = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or type(error).__name__}{about}", "it is safe to run again", OUTSIDE)
    except ModuleNotFoundError:
        raise  # an extra that is not installed; the entry point says which
    except Exception as error:  # a bug; its traceback is for its author
        if os.environ.get("LLMCOMPILE_DEBUG"):
            import traceback

            traceback.print_exc()
        _fail(
            f"a bug in llmcompile {__version__}: {type(error).__name__}",
            "please report it with the output of the same command under LLMCOMPILE_DEBUG=1",
            OUTSIDE,
        )
    sys.exit(code if isinstance(code, int) else 0)


def _steady_streams() -> None:
    """Closed streams swallow, and old encodings show a question mark: neither changes what a command does."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Not by pathlib: --help would load it for this alone, which is a sixth of its time.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _colour() -> bool | None:
    """No colour where NO_COLOR says so, else by whether there is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _fail(message: str, next_step: str, code: int) -> NoReturn:
    from llmcompile.literals import mask

    shown = "\n".join(mask(line) for line in message.splitlines())
    click.echo(f"{click.style('error', fg='red', bold=True)}: {shown}", err=True, color=_colour())
    if next_step:
        click.echo(f"next: {mask(next_step)}", err=True)
    sys.exit(code)
