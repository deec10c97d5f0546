"""What the tokens of the worked example are for: fields, names that are declared, and names that refer."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutate.example import Example, Token

_NAMED = ("stores", "tiers", "access_groups", "credentials", "endpoints", "teams", "route_groups", "default_params")
_MODELS = ("models", "supported_models")
ENUMS = {
    "type": ("chat", "realtime", "embedding", "image_generation", "audio_speech", "audio_transcription", "rerank"),
    "source": ("auto", "platform", "tenant", "local"),
    "mode": ("inherit", "restrict", "concurrent", "sync_microbatch", "disabled"),
    "policy": ("ordered", "weighted"),
}
_REFERENCES: dict[str, tuple[tuple[str | None, ...], ...]] = {
    "accounts": (
        ("region",),
        ("regions", None),
        ("tier",),
        ("access", "groups", None),
        ("access", "models", None),
        ("teams", None, "groups", None),
        ("keys", None, "team"),
        ("keys", None, "tier"),
        ("route_groups", None, "members", None, "model"),
        ("endpoints", None, "supported_models", None),
    ),
    "regions": (
        ("models", None, None),
        ("models", None),
        ("endpoints", None, "credential"),
        ("endpoints", None, "models", None),
    ),
    "models": (("fallbacks", None), ("context_window_fallbacks", None)),
}


def folder(token: Token) -> str:
    """The kind of file that a token is in."""
    return token.file.partition("/")[0]


def fields(example: Example) -> Iterator[Token]:
    """Keys that the format names, not the user."""
    for token in example.key_tokens():
        parent = token.route[-2] if len(token.route) > 1 else ""
        if parent not in _NAMED and not (parent in _MODELS and folder(token) != "llmcompile.yaml"):
            yield token


def declarations(example: Example, *under: str) -> Iterator[Token]:
    """Names that users declare below these fields and that others refer to."""
    for token in example.key_tokens():
        if len(token.route) > 1 and token.route[-2] in under and token.route[-2] in _NAMED:
            yield token


def references(example: Example, *last: str) -> Iterator[Token]:
    """Names that refer to something declared elsewhere; ``last`` picks them by their field."""
    for token in example.tokens:
        patterns = _REFERENCES.get(folder(token), ())
        mapped = token.at("endpoints", None, "supported_models", None) or token.at("endpoints", None, "models", None)
        is_reference = any(token.at(*each) for each in patterns)
        keys = token.at("models", None) and folder(token) == "regions"
        at_key = keys or (mapped and not isinstance(token.route[-1], int))
        asked = not last or any(each in last for each in token.route if isinstance(each, str))
        if is_reference and asked and token.is_key == at_key:
            yield token


def enumerated(example: Example) -> Iterator[Token]:
    """Values out of a fixed list."""
    for token in example.values():
        if token.route and token.route[-1] in ENUMS:
            yield token


def scalars(example: Example, *names: str) -> Iterator[Token]:
    """The values of these fields."""
    return (each for each in example.values() if each.route and each.route[-1] in names)


def prices(example: Example) -> Iterator[Token]:
    """Every price."""
    return (each for each in example.values() if len(each.route) > 1 and each.route[-2] == "per_million_tokens")


COUNTS = (
    "requests_per_minute", "tokens_per_day", "concurrent", "max_change_percent", "min_changes", "price_horizon_days",
    "weight", "max_in_flight", "upstream_max_batch_inputs", "timeout_seconds",
)  # fmt: skip


def dropped_letter(word: str) -> str:
    """Without the letter in its middle."""
    at = len(word) // 2
    return word[:at] + word[at + 1 :]


def doubled_letter(word: str) -> str:
    """With the letter in its middle twice."""
    at = len(word) // 2
    return word[:at] + word[at] + word[at:]


def swapped_letters(word: str) -> str:
    """With two letters swapped, as near to its middle as there are two that differ."""
    for at in sorted(range(len(word) - 1), key=lambda each: abs(each - len(word) // 2)):
        one, other = word[at], word[at + 1]
        if one != other and one.isalpha() and other.isalpha():
            return word[:at] + other + one + word[at + 2 :]
    return word


def struck_beside(word: str) -> str:
    """With a letter replaced by the one beside it on the keyboard."""
    rows = "qwertyuiop", "asdfghjkl", "zxcvbnm"
    for at in sorted(range(len(word)), key=lambda each: abs(each - len(word) // 2)):
        row = next((each for each in rows if word[at] in each), "")
        if row:
            beside = row[row.index(word[at]) - 1] if row.index(word[at]) else row[1]
            return word[:at] + beside + word[at + 1 :]
    return word
