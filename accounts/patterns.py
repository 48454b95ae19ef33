"""Regular expressions that others write, matched in time that grows with the text and no faster.

Python's own engine tries every way to match, so that a pattern such as ``(a+)+$`` hangs the process on a
short text. Here all ways are walked at once (Thompson, 1968): at most a step for each character of the text
and each instruction of the pattern. The syntax is what ECMA-262 (JSON Schema) and Python have in common, without
look-around and back references, which cannot be matched so.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from accounts.errors import Invalid

__all__ = ["INSTRUCTIONS", "Pattern", "compiled"]

LENGTH: Final = 200
INSTRUCTIONS: Final = 256
NESTING: Final = 20
ENDLESS: Final = -1
COUNT: Final = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")
SHORT: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/-")


@dataclass(frozen=True)
class Letters:
    """A set of characters: ranges, or all but those."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool = False

    def holds(self, letter: str) -> bool:
        """Say whether a character is in it."""
        return any(low <= letter <= high for low, high in self.ranges) is not self.is_negated


DIGITS: Final = (("0", "9"),)
WORD: Final = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
SPACE: Final = (("\t", "\r"), (" ", " "), ("\xa0", "\xa0"), ("\u2028", "\u2029"), ("\ufeff", "\ufeff"))
CLASSES: Final = {"d": DIGITS, "w": WORD, "s": SPACE}
ANY: Final = Letters((("\n", "\n"), ("\r", "\r"), ("\u2028", "\u2029")), is_negated=True)

Node = tuple[str, object]
"""What a pattern consists of: ``letters``, ``begin``, ``end``, ``all`` of a list, ``any`` of a list, ``repeat``."""


class _Reader:
    """Reads a pattern into nodes."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def read(self) -> Node:
        node = self._either()
        if self.at < len(self.text):
            raise self._wrong("has a bracket that nothing opens")
        return node

    def _wrong(self, problem: str) -> Invalid:
        return Invalid(f"The pattern {self.text!r} {problem}.", fields={"schema": f"a pattern {problem}"})

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        letter = self._next()
        if not letter:
            raise self._wrong("ends too early")
        self.at += 1
        return letter

    def _either(self) -> Node:
        ways = [self._sequence()]
        while self._next() == "|":
            self.at += 1
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else ("any", ways)

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            parts.append(self._repeated(self._atom()))
        return ("all", parts)

    def _repeated(self, node: Node) -> Node:
        least, most = 1, 1
        letter = self._next()
        if letter in {"*", "+", "?"} and letter:
            self.at += 1
            least, most = {"*": (0, ENDLESS), "+": (1, ENDLESS), "?": (0, 1)}[letter]
        elif letter == "{":
            count = COUNT.match(self.text, self.at)
            if count is None:
                raise self._wrong("has a { that counts nothing")
            self.at = count.end()
            least = int(count[1])
            most = (int(count[3]) if count[3] else ENDLESS) if count[2] else least
            if most != ENDLESS and most < least:
                raise self._wrong("counts backwards")
        else:
            return node
        if self._next() == "?":  # whether it takes few or many first does not change what matches
            self.at += 1
        if self._next() in {"*", "+", "{"} and self._next():
            raise self._wrong("repeats a repetition")
        return ("repeat", (node, least, most))

    def _atom(self) -> Node:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter == "[":
            return ("letters", self._class())
        if letter in {"*", "+", "?", "{"}:
            raise self._wrong("repeats nothing")
        if letter in {"^", "$"}:
            return ("begin" if letter == "^" else "end", None)
        if letter == ".":
            return ("letters", ANY)
        return ("letters", self._escape() if letter == "\\" else Letters(((letter, letter),)))

    def _group(self) -> Node:
        if self._next() == "?":
            if not self.text.startswith("?:", self.at):
                raise self._wrong("looks around, or has a group of a kind that is not supported here")
            self.at += 2
        self.depth += 1
        if self.depth > NESTING:
            raise self._wrong(f"has more than {NESTING} brackets in each other")
        node = self._either()
        if self._take() != ")":
            raise self._wrong("ends too early")
        self.depth -= 1
        return node

    def _escape(self) -> Letters:
        letter = self._take()
        if letter.lower() in CLASSES:
            return Letters(CLASSES[letter.lower()], is_negated=letter.isupper())
        if letter in SHORT:
            letter = SHORT[letter]
        elif letter in {"x", "u"}:
            letter = self._by_number(2 if letter == "x" else 4)
        elif letter not in SYNTAX:
            raise self._wrong(f"has \\{letter}, which is not supported here")
        return Letters(((letter, letter),))

    def _by_number(self, digits: int) -> str:
        code = self.text[self.at : self.at + digits]
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", code):
            raise self._wrong("has a character whose number cannot be read")
        self.at += digits
        return chr(int(code, 16))

    def _class(self) -> Letters:
        negated = self._next() == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        while (letter := self._take()) != "]":
            low = self._escape() if letter == "\\" else Letters(((letter, letter),))
            if low.is_negated:
                raise self._wrong("has a negated class inside a class")
            if self._next() == "-" and self.text[self.at + 1 : self.at + 2] not in {"", "]"} and len(low.ranges) == 1:
                self.at += 1
                letter = self._take()
                high = self._escape() if letter == "\\" else Letters(((letter, letter),))
                first, last = low.ranges[0][0], high.ranges[0][1]
                if len(high.ranges) != 1 or high.is_negated or first > last:
                    raise self._wrong("has a range that goes backwards")
                ranges.append((first, last))
            else:
                ranges += low.ranges
        return Letters(tuple(ranges), is_negated=negated)


@dataclass
class Pattern:
    """A pattern ready to be looked for: instructions, each with where it leads."""

    steps: list[tuple[str, object]] = field(default_factory=list)

    def found_in(self, text: str) -> bool:
        """Say whether it matches anywhere in a text."""
        now: set[int] = set()
        last = len(text)
        for place in range(last + 1):
            here = self._reached([*now, 0], first=place == 0, last=place == last)
            if here is None:
                return True
            if place < last:
                now = {after for letters, after in here if letters.holds(text[place])}
        return False

    def _reached(self, waiting: list[int], *, first: bool, last: bool) -> list[tuple[Letters, int]] | None:
        """Give what can be read next from these places; ``None`` when one of them is the end."""
        seen: set[int] = set()
        found: list[tuple[Letters, int]] = []
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            if place == len(self.steps):
                return None
            kind, operand = self.steps[place]
            if isinstance(operand, Letters):
                found.append((operand, place + 1))
            elif isinstance(operand, tuple):
                waiting += operand
            elif (kind == "begin" and first) or (kind == "end" and last):
                waiting.append(place + 1)
        return found

    def add(self, node: Node) -> None:
        """Append the instructions of a node."""
        kind, content = node
        if len(self.steps) > INSTRUCTIONS:
            raise Invalid(
                "A pattern is too long when its repetitions are written out.",
                remedy=f"At most {INSTRUCTIONS} characters and classes, each counted as often as it is to be repeated.",
                fields={"schema": "a pattern is too long"},
            )
        if kind == "all":
            for part in content:  # type: ignore[attr-defined]
                self.add(part)
        elif kind == "any":
            self._add_ways(content)  # type: ignore[arg-type]
        elif kind == "repeat":
            self._add_repeated(*content)  # type: ignore[misc]
        else:
            self.steps.append((kind, content))

    def _add_ways(self, ways: list[Node]) -> None:
        ends: list[int] = []
        for number, way in enumerate(ways):
            fork = len(self.steps)
            self.steps.append(("fork", ()))
            self.add(way)
            if number < len(ways) - 1:
                ends.append(len(self.steps))
                self.steps.append(("fork", ()))
                self.steps[fork] = ("fork", (fork + 1, len(self.steps)))
            else:
                self.steps[fork] = ("fork", (fork + 1,))
        for end in ends:
            self.steps[end] = ("fork", (len(self.steps),))

    def _add_repeated(self, node: Node, least: int, most: int) -> None:
        for _ in range(least):
            before = len(self.steps)
            self.add(node)
            if len(self.steps) == before:  # nothing, as often as one likes
                break
        if most == ENDLESS:
            fork = len(self.steps)
            self.steps.append(("fork", ()))
            self.add(node)
            self.steps.append(("fork", (fork,)))
            self.steps[fork] = ("fork", (fork + 1, len(self.steps)))
            return
        for _ in range(most - least):
            fork = len(self.steps)
            self.steps.append(("fork", ()))
            self.add(node)
            self.steps[fork] = ("fork", (fork + 1, len(self.steps)))


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Make a pattern ready.

    :raises Invalid: for what is no pattern, or none that is matched here
    """
    if len(text) > LENGTH:
        raise Invalid(
            f"A pattern is longer than {LENGTH} characters.",
            fields={"schema": f"a pattern is longer than {LENGTH} characters"},
        )
    pattern = Pattern()
    pattern.add(_Reader(text).read())
    if len(pattern.steps) > INSTRUCTIONS:
        pattern.add(("all", []))
    return pattern
