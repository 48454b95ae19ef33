"""What every view of the API shares: who acts, what is read, how it is answered."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import models
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor, Door
from accounts.api.authentication import HOW, BrowserAuthentication, HeaderAuthentication
from accounts.api.endpoints import PARAMETERS, Endpoint
from accounts.api.errors import LengthUnknown
from accounts.browser import request_actor, where_of
from accounts.errors import Conflict, Invalid, NotAuthenticated, NotFound, VersionConflict
from accounts.identifiers import text_refused
from accounts.models import APIKey, Application, ClaimDefinition, Organization, Role, Session, User
from accounts.operations.idempotency import Repeatable, found, repeatable
from accounts.pagination import LIMIT, Order, estimate, page_at, page_of
from accounts.serializers.base import Output, output

__all__ = ["HouseViewSet", "etag"]

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
ETAG: Final = re.compile(r'(?:W/)?"v([0-9]{1,9})"')
Versioned = User | Organization | Application | Role | ClaimDefinition
NEVER: Final = 0
"""A version that no row has."""


class HouseViewSet(GenericViewSet[Any]):
    """A resource: reads begin with ``visible_to(actor)``, each change is one call to an operation."""

    authentication_classes = [HeaderAuthentication, BrowserAuthentication]
    permission_classes = []
    lookup_field = "id"
    lookup_value_regex = r"[^/]+"

    prefix: ClassVar[str]
    thing: ClassVar[str]
    shown: ClassVar[type[Output[Any]]]
    endpoints: ClassVar[Mapping[str, Endpoint]]
    orders: ClassVar[Mapping[str, Order]] = {"created_at": Order("created_at")}
    default_order: ClassVar[str] = "created_at"
    is_open: ClassVar[bool] = False
    """Whether it is for people who are not signed in; whoever is, is nobody here."""
    actor: Actor
    asked: dict[str, str]

    @property
    def endpoint(self) -> Endpoint:
        """What was asked for."""
        assert self.action is not None
        return self.endpoints[self.action]

    def initial(self, request: Request, *arguments: Any, **options: Any) -> None:
        """Say who acts, once the request is authenticated, and refuse early what can be refused without rows.

        :raises NotAuthenticated: if nobody does
        :raises NotAllowed: without the permission to read this
        :raises Invalid: for a query string that the endpoint does not know
        :raises VersionConflict: for ``If-Match`` on what has no version
        """
        super().initial(request, *arguments, **options)
        if self.is_open:
            self.actor = policy.anonymous(door=Door.API, **where_of(request._request))
        elif isinstance(request.auth, APIKey):
            # SECURITY: of the key, not of the browser that may have sent it: the key's grants are narrower.
            self.actor = policy.actor_for_key(request.auth, door=Door.API, **where_of(request._request))
        elif isinstance(request.auth, Session):
            where = where_of(request._request)
            self.actor = policy.actor_for(request.auth.user, door=Door.API, session=request.auth, **where)
        else:
            self.actor = request_actor(request._request, Door.API)
            if self.actor.user_id is None:
                raise NotAuthenticated("You are not signed in.", remedy=HOW)
        if self.action not in self.endpoints:  # OPTIONS, and methods that are refused next
            return
        if self.endpoint.reading is not None:
            self.require(self.endpoint.reading)
        self.asked = self._asked(request)
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            # SECURITY: its body would be taken for empty, and a lock until Friday become one for good.
            raise LengthUnknown
        if not self.endpoint.versioned and request.headers.get("If-Match", "*").strip() not in {"", "*"}:
            raise VersionConflict("This has no version to compare.", remedy="Leave If-Match out.")

    def options(self, request: Request, *arguments: Any, **options: Any) -> Response:  # type: ignore[override]
        """Name the methods, in the Allow header."""
        return Response(status=204)

    def require(self, action: Action) -> None:
        """Refuse early whoever could not do this to anything.

        :raises NotAllowed: naming the missing permission
        """
        policy.require_coarse(self.actor, action)

    def require_in(self, organization_id: UUID, action: Action) -> None:
        """Refuse reading in an organization that one belongs to without being granted this there.

        :raises NotAllowed: naming the missing permission
        """
        if not self.actor.holds(action, organization_id):
            raise policy.missing(action)

    def rows(self) -> models.QuerySet[Any]:
        """Give the rows that exist for the actor."""
        raise NotImplementedError

    def get_queryset(self) -> models.QuerySet[Any]:
        """Give the same to the framework."""
        return self.rows()

    def row(self, identifier: str, rows: Any = None) -> Any:
        """Find one row.

        :param rows: among these, ``rows()`` if not said
        :raises NotFound: if it does not exist for the actor, whatever the reason
        """
        decoded = ids.decode(self.prefix, identifier)
        among = self.rows() if rows is None else rows
        return self._present(among.filter(pk=decoded).first() if decoded else None)

    def person(self, identifier: str) -> User:
        """Find a person to do something to, without what is shown of them.

        :raises NotFound: if they do not exist for the actor, whatever the reason
        """
        decoded = ids.decode("usr", identifier)
        people = User.objects.visible_to(self.actor).select_related("organization")
        found = people.filter(pk=decoded).first() if decoded else None
        if found is None:
            raise NotFound("User not found.")
        return found

    def _present(self, row: Any) -> Any:
        if row is None:
            raise NotFound(f"{self.thing} not found.")
        return row

    def read(self) -> dict[str, Any]:
        """Read the body.

        :raises ValidationError: naming every input that is wrong, unknown ones included
        """
        assert self.endpoint.input is not None
        serializer = self.endpoint.input(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _asked(self, request: Request) -> dict[str, str]:
        """Read the query string: words that the endpoint knows, each once."""
        given = request._request.GET
        known = self.endpoint.words
        if unknown := sorted(set(given) - set(known)):
            raise Invalid(
                "There is no such parameter here.",
                remedy=f"One of: {', '.join(known)}." if known else "This address takes none.",
                fields=dict.fromkeys(unknown, "is not a parameter"),
            )
        problems: dict[str, str] = {}
        for word in given:
            text, choices = str(given[word]), PARAMETERS[word].choices
            if len(given.getlist(word)) > 1:
                problems[word] = "is given twice"
            elif problem := text_refused(text):
                problems[word] = problem
            elif choices and text not in choices:
                problems[word] = f"is one of {', '.join(choices)}"
        if problems:
            raise Invalid("A parameter cannot be read.", fields=problems)
        return {word: str(given[word]) for word in given}

    def organization(self, named: str) -> Organization:
        """Find the organization a request is about: by id or slug, or the actor's own.

        :raises NotFound: if it does not exist for the actor
        """
        visible = Organization.objects.visible_to(self.actor)
        rows = visible.named(named) if named else visible.filter(pk__in=[self.actor.organization_id])
        organization = rows.first()
        if organization is None:
            raise NotFound("Organization not found.")
        return organization

    def application(self, organization: Organization, named: str) -> Application | None:
        """Find the application meant, ``None`` if none is.

        :raises NotFound: if it is none of the organization that exists for the actor
        """
        if not named:
            return None
        found = Application.objects.visible_to(self.actor).filter(organization=organization).named(named).first()
        if found is None:
            raise NotFound("Application not found.")
        return found

    def within(self, rows: Any, query: Mapping[str, str], action: Action) -> tuple[Any, str]:
        """Keep the rows of the organization that a list is asked of, or of all; gives also what to bind cursors to.

        :raises NotFound: if the organization does not exist for the actor
        :raises NotAllowed: without the permission there
        :raises Invalid: if both are asked for
        """
        if query.get("all_orgs") == "true":
            if "org" in query:
                raise Invalid("A list is of one organization or of all.", fields={"org": "not with all_orgs"})
            return rows, "all"
        organization = self.organization(query.get("org", ""))
        self.require_in(organization.pk, action)
        return rows.filter(organization_id=organization.pk), organization.public_id

    def listed(
        self,
        queryset: Any,
        query: Mapping[str, str],
        *,
        scope: str,
        fetched: Callable[[Any], Any] = lambda rows: rows,
        shown: Callable[[Any], dict[str, Any]] | None = None,
        order: Order | None = None,
    ) -> Response:
        """Answer with a page.

        :param scope: what the list is of: a cursor is good for the list it was made for only
        :param fetched: adds to the query what each row shows
        :param shown: gives a row as it is shown, where it is not the view's one way
        """
        order = order or Order.parse(query.get("order") or self.default_order, self.orders)
        limit = _number(query, "limit", LIMIT)
        around: dict[str, Any]
        if "page" in query or "offset" in query:
            offset = _offset(query, limit)
            rows = page_at(fetched(queryset), order, limit=limit, offset=offset).rows
            around = {"limit": limit, "offset": offset, "total": queryset.count()}
        else:
            page = page_of(fetched(queryset), order, limit=limit, cursor=query.get("cursor", ""), scope=scope)
            rows, around = page.rows, {"next_cursor": page.next_cursor, "previous_cursor": page.previous_cursor}
            if total := query.get("total"):
                around["total"] = queryset.count() if total == "exact" else estimate(queryset)
        represent = shown or (lambda row: output(self.shown, row))
        return Response({"data": [represent(row) for row in rows], **around})

    def expected_version(self) -> int | None:
        """Read ``If-Match``; the operation compares under the lock."""
        given = self.request.headers.get("If-Match", "").strip()
        if given in {"", "*"}:
            return None
        match = ETAG.fullmatch(given)
        return int(match[1]) if match else NEVER

    def answered(self, identifier: UUID, *, status: int = 200) -> Response:
        """Answer with a row as it is now.

        :raises NotFound: if it does not exist for the actor any more
        """
        return self.answer(self._present(self.rows().filter(pk=identifier).first()), status=status)

    def answer(self, row: Any, *, status: int = 200) -> Response:
        """Answer with a row, its version if it has one, and where it is if it is new or not done yet."""
        headers = {"ETag": etag(row)} if isinstance(row, Versioned) else {}
        if status in {201, 202} and self.basename:
            headers["Location"] = reverse(f"{self.basename}-detail", args=[row.public_id])
        return Response(output(self.shown, row), status=status, headers=headers)

    def once(
        self, call: Callable[[], Any], answer: Callable[[Any], Response], again: Callable[[UUID], Response]
    ) -> Response:
        """Make the one call; the same request again, under the same ``Idempotency-Key``, makes none.

        :param answer: of what the call gives
        :param again: of the id of what came of it the first time: as it is now, never with a secret
        :raises Conflict: if the key was used for another request
        """
        request = self.repeatable()
        if request is None:
            return answer(call())
        before = found(request)
        if before is None:
            try:
                with repeatable(request):
                    return answer(call())
            except Conflict:  # of two at once the second waited, and finds what came of the first
                before = found(request)
                if before is None:
                    raise
        assert before.result_id is not None
        response = again(before.result_id)
        response["Idempotency-Replayed"] = "true"
        return response

    def repeatable(self) -> Repeatable | None:
        """Read the ``Idempotency-Key``, ``None`` if the request has none.

        :raises Invalid: if it cannot be one
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise Invalid(
                "The Idempotency-Key has 1 to 128 printable ASCII characters, no spaces.",
                fields={"Idempotency-Key": "cannot be read"},
            )
        assert self.actor.id is not None
        asked = json.dumps([self.request.method, self.request.path, self.request.data], sort_keys=True)
        return Repeatable(principal_id=self.actor.id, key=key, asked=asked)


def etag(row: Versioned) -> str:
    """Give the version as ``ETag`` and ``If-Match`` have it."""
    return f'"v{row.version}"'


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise Invalid(f"The {name} is not a number.", fields={name: "is not a number"})
    return int(text)


def _offset(query: Mapping[str, str], limit: int) -> int:
    if beside := sorted({"page", "offset", "cursor"} & set(query))[1:]:
        raise Invalid("A list is by cursor, by page or by offset.", fields=dict.fromkeys(beside, "not with the other"))
    if "offset" in query:
        return _number(query, "offset", 0)
    page = _number(query, "page", 1)
    if page < 1:
        raise Invalid("Pages count from 1.", fields={"page": "from 1"})
    return (page - 1) * limit
