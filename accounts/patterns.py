"""Regular expressions that others write, matched in time that grows with the text and no faster.

Python's own engine tries every way to match, so that a pattern such as ``(a+)+$`` hangs the process on a short
text. RE2 walks all ways at once; it knows neither look-around nor back references, which cannot be matched so.
"""

from functools import lru_cache
from typing import Any, Final

import re2

from accounts.errors import Invalid

__all__ = ["STEPS", "found_in", "steps"]

LENGTH: Final = 200
STEPS: Final = 4_000
"""So many steps at most are made of a pattern for each character of a text."""
OPTIONS: Final = re2.Options()
OPTIONS.max_mem = 1 << 20
OPTIONS.log_errors = False  # a log would hold what somebody typed


def found_in(pattern: str, text: str) -> bool:
    """Say whether a pattern matches anywhere in a text.

    :raises Invalid: if it is no pattern, or one that is too long
    """
    return _compiled(pattern).search(text) is not None


def steps(pattern: str) -> int:
    """Say how long a pattern is when its repetitions are written out.

    :raises Invalid: if it is no pattern, or one that is too long
    """
    return int(_compiled(pattern).programsize)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LENGTH:
        raise _refused(f"has a pattern of more than {LENGTH} characters", f"At most {LENGTH} characters.")
    try:
        compiled = re2.compile(pattern, OPTIONS)
    except re2.error as problem:
        told = problem.args[0].decode(errors="replace") if problem.args else "cannot be read"
        raise _refused(
            f"has a pattern that cannot be used: {told}", "RE2 reads it: without look-around and back references."
        ) from None
    if compiled.programsize > STEPS:
        raise _refused("has a pattern that is too long when its repetitions are written out", "Repeat less often.")
    return compiled


def _refused(problem: str, remedy: str) -> Invalid:
    return Invalid(f"The schema {problem}.", remedy=remedy, fields={"schema": problem})
