"""What a secret written out looks like, and how text of unknown content is shown.

The first defence is by type: fields that hold secrets accept refs alone. This is the second, for keys that
landed anywhere else, and for every excerpt and value that a message repeats.
"""

from __future__ import annotations

import re

_POINTER = re.compile(r"^(ref\+[a-z]+://|os\.environ/|sm://|projects/)")
_SECRET_FIELD = re.compile(
    r"(api|access|secret|private)[-_]?k[a-z]{1,3}$|secret|password|passwd|token$|credential_value", re.I
)

_LITERAL = re.compile(
    r"""(?<![A-Za-z0-9+/_-])(
      sk-[A-Za-z0-9_-]{16,}              # OpenAI, Anthropic, OpenRouter, DeepSeek
    | gsk_[A-Za-z0-9]{20,}               # Groq
    | xai-[A-Za-z0-9]{20,}               # xAI
    | pplx-[A-Za-z0-9]{20,}              # Perplexity
    | AIza[A-Za-z0-9_-]{30,}             # Google
    | AKIA[A-Z0-9]{16}                   # AWS
    | gh[pousr]_[A-Za-z0-9]{30,}         # GitHub
    | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*   # a JWT
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*
    | [A-Za-z0-9_]{3}8Q~[A-Za-z0-9_.~-]{30,}  # an Entra client secret
    | [A-Za-z0-9]{50,56}JQQJ99[A-Za-z0-9]{20,30}                  # Azure OpenAI, 84 characters
    | (?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{32}(?![0-9a-f-])     # Azure OpenAI, 32 hexadecimal digits
    )""",
    re.VERBOSE,
)
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
# A name is tried where it starts and given up whole: a line of a million letters costs a million steps, not their
# square.
_ASSIGNED = re.compile(r"""(?<![A-Za-z_-])([A-Za-z_-]++)(["']?\s*+[:=]\s*+)(["']?)([^\s"',}\]#][^\s"',}\]]*)""")


def is_secret_field(name: str) -> bool:
    """Whether a key of this name, spelled right or not, is made to hold a secret."""
    return bool(_SECRET_FIELD.search(name)) and name not in ("token_url", "oauth_token_url", "tokens_per_day")


def is_pointer(text: str) -> bool:
    """Whether the text points to a secret instead of being one."""
    return bool(_POINTER.match(text))


def looks_literal(text: str) -> bool:
    """Whether the text holds something that looks like a key of a known provider."""
    return len(text) >= 20 and _LITERAL.search(text) is not None


def mask(line: str) -> str:
    """A line as it may be shown: no secret, no escape sequence, the same length."""

    def stars(found: re.Match[str]) -> str:
        return "*" * len(found.group())

    def assigned(found: re.Match[str]) -> str:
        name, between, quote, value = found.groups()
        if not is_secret_field(name) or is_pointer(value):
            return found.group()
        return f"{name}{between}{quote}{'*' * len(value)}"

    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", _ASSIGNED.sub(assigned, _LITERAL.sub(stars, line)))


def quote(text: object) -> str:
    """A value of the user's in quotation marks, cut to 60 characters and masked."""
    shown = mask(str(text))
    return f"'{shown[:57]}...'" if len(shown) > 60 else f"'{shown}'"
