"""What each endpoint takes and gives: enforced at every request, and what the description is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.serializers import Serializer

from accounts.actions import Action
from accounts.api.inputs import Input

__all__ = ["FILTERS", "PAGE_WORDS", "PARAMETERS", "Endpoint", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """One word of a query string."""

    meaning: str
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def described(self) -> dict[str, Any]:
        """What OpenAPI says of it."""
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        return dict(self.schema or {"type": "string"})


FLAG: Final = ("true", "false")
PARAMETERS: Final[Mapping[str, Parameter]] = {
    "limit": Parameter("rows a page", schema={"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
    "cursor": Parameter("go on where a page ended: `next_cursor` or `previous_cursor` of an answer"),
    "page": Parameter("the page by number, up to row 10,000", schema={"type": "integer", "minimum": 1}),
    "offset": Parameter("leave out so many rows, up to row 10,000", schema={"type": "integer", "minimum": 0}),
    "total": Parameter("say how many there are", ("exact", "estimate")),
    "order": Parameter("what to sort by; with `-` in front turned round"),
    "org": Parameter("id or slug of the organization; the caller's own if left out"),
    "all_orgs": Parameter("of every organization that exists for the caller", FLAG),
    "member_of": Parameter("everybody with a membership there, guests too; a list of its own"),
    "status": Parameter("status words (`active,suspended`), `unverified`, `all`; of invites one: `pending`"),
    "search": Parameter("part of an e-mail address, name or username, or an id"),
    "role": Parameter("who has this role: its id, slug or `application/slug`"),
    "app": Parameter("id or slug of the application"),
    "tag": Parameter("who has this tag"),
    "claim": Parameter("of whom a claim says this: `department=Engineering`; `crm/tier=gold` of an application's"),
    "email_domain": Parameter("whose address is in this domain"),
    "unverified": Parameter("whose address is not confirmed", FLAG),
    "never_signed_in": Parameter("who never signed in", FLAG),
    "inactive_since": Parameter("who did not sign in since (`2026-01-01`, `90d`)"),
    "revoked": Parameter("also those that are revoked or have run out", FLAG),
    "released": Parameter("also those that were released", FLAG),
    "closed": Parameter("also those that are closed", FLAG),
    "ended": Parameter("also those that have ended", FLAG),
    "state": Parameter("what became of it", ("queued", "sent", "failed", "dropped")),
    "actor": Parameter("who did it: an id, `operator`, `system`, `anonymous`"),
    "subject": Parameter("to whom or what it was done: an id"),
    "action": Parameter("what was done: `user.suspend`"),
    "outcome": Parameter("how it ended", ("done", "refused", "failed")),
    "since": Parameter("from then on (`2026-01-01`, `7d`)"),
    "until": Parameter("up to then (`2026-01-31`: through that day)"),
}
PAGE_WORDS: Final = ("limit", "cursor", "page", "offset", "total", "order")
FILTERS: Final = (
    "status",
    "search",
    "role",
    "tag",
    "claim",
    "email_domain",
    "unverified",
    "never_signed_in",
    "inactive_since",
)
"""The filters of the user list."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address and method.

    ``name`` is the ``operationId``; ``also`` what else it may answer with; ``reading`` the permission
    without which nothing is read; ``filters`` the words of its query string, those of pages apart;
    ``versioned`` says that it heeds ``If-Match``; ``repeatable`` that it heeds ``Idempotency-Key``;
    ``is_accepted`` that it answers 202 too, while a worker goes on;
    ``is_file`` that it answers with a file; ``is_bounded`` that it answers so often and no more (429);
    ``conflict`` is the problem that its 409 is, where that says more than others.
    """

    name: str
    reading: Action | None = None
    input: type[Input] | None = None
    output: type[Serializer[Any]] | None = None
    also: type[Serializer[Any]] | None = None
    status: int = 200
    filters: tuple[str, ...] = ()
    paged: bool = False
    versioned: bool = False
    repeatable: bool = False
    is_accepted: bool = False
    is_file: bool = False
    is_bounded: bool = False
    conflict: type[Serializer[Any]] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that its query string may hold."""
        return (*self.filters, *(PAGE_WORDS if self.paged else ()))
