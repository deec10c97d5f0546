"""The commands that only look at a store, and the search for secrets in what a push leaves for others to see."""

from __future__ import annotations

from tests.push.fleet import CANARY
from tests.push.leaks import leaked
from tests.push.stage import Stage

from llmcompile.push.ledger import LEDGER

FORMATS = ("text", "json", "markdown")
LOOKS = [
    *((command, "--to", "prod", "--format", form) for command in ("plan", "drift") for form in FORMATS),
    ("history", "--to", "prod", "--format", "json"),
    ("history", "--to", "prod", "account/a0"),
    ("rollback", "--store", "prod", "account/a0", "--dry-run"),
    ("prune", "--to", "prod", "--keep", "1", "--min-age", "0h"),
    ("adopt", "--to", "prod", "account/a0", "region/r0"),
]


def clean(stage: Stage) -> None:
    """Fails where a secret is in what anyone may read of secrets, in the ledger, or in a file of the repository."""
    for (_, name), held in stage.server.model.state.items():
        shown = [*held.labels.items(), *held.annotations.items(), *held.aliases]
        payloads = [each.payload for each in held.versions] if name == LEDGER else []
        assert not [*leaked(CANARY, f"{name} {shown} {payloads}")], name
    for path in stage.cli.root.rglob("*"):
        assert not path.is_file() or not [*leaked(CANARY, path.read_text())], path
