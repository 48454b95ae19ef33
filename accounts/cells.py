"""Values as text in one cell of a table, of a spreadsheet among others."""

import json
from typing import Any, Final

__all__ = ["csv_cell", "text_of"]

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""


def text_of(value: Any) -> str:
    """Write a value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def csv_cell(value: Any) -> str:
    """Write the same for a spreadsheet; what it would run as a formula is quoted (ASVS 1.2.10)."""
    text = text_of(value)
    return f"'{text}" if text.startswith(FORMULA) else text
