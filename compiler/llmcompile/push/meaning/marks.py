"""Marks that a fact leaves on its owner, so that another document of the same owner does not say it again.

They hold names as they are in the documents, are compared and never shown.
"""

from __future__ import annotations

ACCOUNT_CREATED = "account created"
ACCOUNT_REMOVED = "account removed"


def gained(model: str) -> str:
    """The account may call a model or route group that it could not."""
    return f"gained {model}"


def lost(model: str) -> str:
    """The account may no longer call a model or route group."""
    return f"lost {model}"


def group_gained(group: str) -> str:
    """A route group is said to be new, with its members."""
    return f"group gained {group}"


def group_lost(group: str) -> str:
    """A route group is said to be gone."""
    return f"group lost {group}"


def stopped(endpoint: str, model: str) -> str:
    """An endpoint no longer serves a model."""
    return f"stopped {endpoint} {model}"
