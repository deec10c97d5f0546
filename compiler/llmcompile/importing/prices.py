"""Prices: per token in the source, per million tokens here, as exact decimals; and a price list for what has none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from llmcompile.errors import UsageError
from llmcompile.importing.dialects import MODES, PRICES
from llmcompile.importing.drafts import Prices
from llmcompile.importing.report import Report, Table

_MILLION = 6
_EXACT = Context(prec=80)
_MAX_LIST_BYTES = 64 * 1024 * 1024


def per_million(per_token: Decimal) -> Decimal:
    """A price per token as one per million tokens: the same digits, the point six places further on."""
    return per_token.scaleb(_MILLION, _EXACT)


def plain(price: Decimal) -> Decimal:
    """The same price in its plainest spelling: no exponent, no zeros that say nothing."""
    text = f"{price:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def read(tables: Iterable[Table], report: Report) -> Prices:
    """The prices that a deployment writes. Of two that differ, the first counts."""
    found: Prices = {}
    for table in tables:
        for name, unit in PRICES.items():
            value = table.take(name)
            if value is None:
                continue
            price = value.number()
            if price is None or not _is_price(price):
                report.left_out(value, "not a price per token")
            elif found.setdefault(unit, plain(per_million(price))) != plain(per_million(price)):
                report.left_out(value, f"{unit} is written twice, and not the same; the first counts")
    return found


@dataclass(frozen=True, slots=True)
class PriceList:
    """A price list in the form of litellm's ``model_prices_and_context_window.json``."""

    name: str = ""
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def prices(self, names: Iterable[str]) -> tuple[str, Prices] | None:
        """The first of these names that has a price per token, exactly as it is spelled, and its prices."""
        for name in names:
            entry = self.entries.get(name, {})
            found = {unit: entry[key] for key, unit in PRICES.items() if _is_price(entry.get(key))}
            if found:
                return name, {unit: plain(per_million(price)) for unit, price in found.items()}
        return None

    def mode(self, names: Iterable[str]) -> str | None:
        """The model type of the first of these names that has one."""
        modes = (self.entries.get(name, {}).get("mode") for name in names)
        return next((MODES[each] for each in modes if isinstance(each, str) and each in MODES), None)


def _is_price(value: object) -> bool:
    """What our YAML takes, once it is per million."""
    return isinstance(value, Decimal) and (value == 0 or (value > 0 and -18 <= value.adjusted() <= 3))


def read_list(path: Path) -> PriceList:
    """A price list. Raises ``UsageError`` where the file is none."""
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise UsageError(f"{path} is larger than {_MAX_LIST_BYTES:,} bytes; that is no price list")
        data = json.loads(path.read_bytes(), parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON", "it is litellm's model_prices_and_context_window.json") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} is not a price list", "it is litellm's model_prices_and_context_window.json")
    return PriceList(path.name, {name: entry for name, entry in data.items() if isinstance(entry, dict)})
