"""Accounts and regions as arguments of commands that look at a store: ``acme``, ``account/acme``, ``region/ID``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from llmcompile.errors import UsageError
from llmcompile.literals import quote

if TYPE_CHECKING:
    from llmcompile.push.store import StoreReader


_ID = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")


class SubjectType(click.ParamType[str]):
    """``account/ID`` or ``region/ID``, as refusals spell it."""

    name = "account/ID"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The same text, or click's usage error."""
        kind, _, name = value.partition("/")
        if kind not in ("account", "region") or not name:
            self.fail(f"{value!r} is neither account/ID nor region/ID", param, ctx)
        return value


def secrets_of(name: str, store: StoreReader) -> list[str]:
    """The secrets of an account or a region that a store has."""
    from llmcompile.secret_ids import SUBJECTS, secret_id

    kind, _, rest = name.rpartition("/")
    if not _ID.fullmatch(rest) or kind not in ("", *SUBJECTS):
        raise UsageError(f"{quote(name)} names no account or region", "write acme, account/acme or region/ID")
    found = {
        subject: [each for form in kinds if store.held(each := secret_id(form, rest))]
        for subject, kinds in SUBJECTS.items()
        if kind in ("", subject)
    }
    there = [subject for subject, secrets in found.items() if secrets]
    if len(there) > 1:
        raise UsageError(f"there are an account and a region '{rest}'", f"write account/{rest} or region/{rest}")
    if not there:
        raise UsageError(f"the store has no secret of '{name}'", "write the id of an account or a region")
    return found[there[0]]
