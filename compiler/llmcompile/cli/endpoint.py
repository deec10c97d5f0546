"""``llmcompile endpoint add``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from llmcompile.cli import editing
from llmcompile.cli.options import InstantType
from llmcompile.cli.price_options import NumberType
from llmcompile.errors import UsageError


@click.group("endpoint")
def command() -> None:
    """Add an endpoint to an account or a region."""


_FIELDS = (
    "provider",
    "version",
    "base_url",
    "deployment_prefix",
    "api_key",
    "credential",
    "expires",
    "geo",
    "location",
    "timeout_seconds",
    "weight",
    "tags",
)


@command.command("add")
@editing.edit_options
@click.option("--provider", metavar="NAME", help="Such as azure, openai or groq.")
@click.option("--base-url", metavar="URL", help="Needed for azure; else the provider's own is the default.")
@click.option("--version", metavar="DATE", help="The Azure API version.")
@click.option("--deployment-prefix", metavar="TEXT", help="Joined in front of each model's code, for accounts.")
@click.option("--api-key", metavar="REF", help="Where the key is: ref+gcpsecrets://PROJECT/SECRET or ref+env://NAME.")
@click.option("--credential", metavar="NAME", help="A credential of llmcompile.yaml, in place of a key.")
@click.option("--oauth-token-url", metavar="URL", help="OAuth in place of a key: where tokens come from.")
@click.option("--oauth-client-id", metavar="ID", help="The application's id.")
@click.option("--oauth-client-secret", metavar="REF", help="Where its secret is.")
@click.option("--oauth-scope", metavar="SCOPE", multiple=True, help="A scope to ask for. Repeatable.")
@click.option(
    "--models",
    metavar="A,B",
    multiple=True,
    required=True,
    help="What it serves; CODE=NAME where the upstream names it otherwise.",
)
@click.option("--timeout-seconds", type=NumberType(), metavar="SECONDS", help="How long the first byte may take.")
@click.option("--weight", type=int, metavar="N", help="Its share among endpoints of one priority.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="For routing. Repeatable.")
@click.option("--geo", metavar="GEO", help="Where it processes data, such as eu; what residency is proven against.")
@click.option("--location", metavar="REGION", help="The cloud's region, where neither host nor name says so.")
@click.option("--expires", type=InstantType(), metavar="DATE", help="When the key or the client secret ends.")
@click.option("--first", is_flag=True, help="Before all others; their order is priority.")
@click.option("--after", metavar="NAME", help="Behind this one. Default: last.")
@click.argument("owner", metavar="ACCOUNT|region/REGION")
@click.argument("name")
def add(
    root: Path | None, as_of: datetime | None, dry_run: bool, no_check: bool, owner: str, name: str, **options: Any
) -> None:
    """Add the endpoint NAME to an account, or to a region and to the lists of the models that it serves there.

    A secret is never given, only where it is.
    """
    done = editing.how(root, as_of, dry_run, no_check)

    from llmcompile.edit import endpoints
    from llmcompile.inputs.account import Account
    from llmcompile.inputs.region import Region
    from llmcompile.inputs.values import format_instant

    if options["first"] and options["after"]:
        raise UsageError("--first and --after exclude each other", "keep one of them")
    models = endpoints.listed(options["models"], editing.names(done.root, "models"))
    expires = options["expires"] and format_instant(options["expires"])
    written = endpoints.fields({key: options[key] for key in _FIELDS} | {"expires": expires}, _oauth(options))
    at = endpoints.Place(options["after"], options["first"])
    kind, _, subject = owner.rpartition("/")
    if kind == "region":
        draft, region = editing.opened(done.root, "regions", subject, Region)
        after = endpoints.add_to_region(draft, region.endpoints, name, written, models, at)
    elif kind in ("", "account"):
        draft, account = editing.opened(done.root, "accounts", subject, Account)
        after = endpoints.add_to_account(draft, account.endpoints, name, written, models, at)
    else:
        raise UsageError(f"{owner!r} is neither an account nor a region", "write ACCOUNT or region/REGION")
    editing.changed(done, draft, after)
    editing.checked(done)


def _oauth(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "token_url": options["oauth_token_url"],
        "client_id": options["oauth_client_id"],
        "client_secret": options["oauth_client_secret"],
        "scopes": options["oauth_scope"],
    }
