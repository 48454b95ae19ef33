"""``/users/``: lists, search, one user, every verb, many at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids, policy
from accounts.actions import SHOWN_ANEW, Action
from accounts.api.base import etag
from accounts.api.claims import claims_named
from accounts.api.endpoints import FILTERS, PAGE_WORDS, Endpoint
from accounts.api.user_belongings import BELONGINGS, BelongingsViewSet
from accounts.api.user_inputs import ImpersonateInput, SearchInput, UserCreateInput, UserUpdateInput
from accounts.api.user_verbs import (
    GRAVE_VERBS,
    MOST,
    SUMMARIES,
    VERBS,
    BulkInput,
    BulkOutput,
    GraveVerb,
    refuse_strange,
)
from accounts.errors import Conflict, Invalid, NotFound
from accounts.filters import USER_ORDERS, UserFilter
from accounts.models import Membership, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.base import NewPassword
from accounts.operations.bulk import RowResult, each, tried
from accounts.operations.idempotency import begun, repeatable, was_done
from accounts.operations.impersonation import user_impersonate
from accounts.operations.users import (
    user_create,
    user_update,
)
from accounts.pagination import Order
from accounts.serializers.base import output
from accounts.serializers.impersonation import ImpersonationOutput, impersonation_answer
from accounts.serializers.users import GuestOutput, UserDetailOutput, UserOutput

__all__ = ["UserViewSet"]


class UserViewSet(BelongingsViewSet):
    """Users."""

    prefix, thing, shown = "usr", "User", UserOutput
    orders = USER_ORDERS
    endpoints = {
        "list": Endpoint(
            name="user_list",
            output=UserOutput,
            also=GuestOutput,
            paged=True,
            filters=(*FILTERS, "org", "all_orgs", "member_of"),
        ),
        "create": Endpoint(name="user_create", input=UserCreateInput, output=UserOutput, status=201, repeatable=True),
        "retrieve": Endpoint(name="user_show", reading=Action.USER_SHOW, output=UserDetailOutput),
        "partial_update": Endpoint(name="user_update", input=UserUpdateInput, output=UserOutput, versioned=True),
        "search": Endpoint(name="user_search", reading=Action.USER_SEARCH, input=SearchInput, output=UserOutput),
        "impersonate": Endpoint(name="user_impersonate", input=ImpersonateInput, output=ImpersonationOutput),
        "bulk": Endpoint(name="user_bulk", input=BulkInput, output=BulkOutput, repeatable=True),
        **BELONGINGS,
        **{
            f"verb_{word.replace('-', '_')}": Endpoint(
                name=f"user_{word.replace('-', '_')}", input=form, output=UserOutput, versioned=True, repeatable=True
            )
            for word, (form, _) in VERBS.items()
        },
    }

    def rows(self) -> Any:
        """Give the users that exist for the actor."""
        return User.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List users, oldest first."""
        if "member_of" in self.asked:
            return self._members()
        self.require(Action.USER_LIST)
        users, scope = self.within(User.objects.visible_to(self.actor), self.asked, Action.USER_LIST)
        wanted = _wanted(self.asked)
        return self.listed(
            wanted.apply(users), self.asked, scope=f"{scope} {wanted.scope}", fetched=lambda rows: rows.with_shown()
        )

    def _members(self) -> Response:
        if narrowing := sorted(set(self.asked) - (set(PAGE_WORDS) - {"order"}) - {"member_of"}):
            raise Invalid(
                "member_of is a list of its own, in the order in which people came.",
                remedy="Leave the other filters and the order out.",
                fields=dict.fromkeys(narrowing, "not with member_of"),
            )
        self.require(Action.MEMBERSHIP_LIST)
        members, scope = self.within(
            Membership.objects.visible_to(self.actor), {"org": self.asked["member_of"]}, Action.MEMBERSHIP_LIST
        )
        return self.listed(
            members,
            self.asked,
            scope=f"members {scope}",
            fetched=lambda rows: rows.with_people(),
            shown=lambda row: output(UserOutput, row.user) if row.is_home else output(GuestOutput, row),
        )

    def create(self, request: Request) -> Response:
        """Make a user."""
        given = self.read()
        organization = self.organization(given.get("organization", ""))
        password = given.get("password")
        claims = claims_named(self.actor, given.get("claims", {}), organization)
        return self.once(
            lambda: user_create(
                actor=self.actor,
                organization=organization,
                email=given["email"],
                username=given.get("username"),
                profile={field: given[field] for field in PROFILE_FIELDS if field in given},
                password=NewPassword(password) if password is not None else None,
                must_change_password=given["must_change_password"],
                verified=given["email_verified"],
                roles=given.get("roles", ["member"]),
                tags=given.get("tags", []),
                metadata=given.get("metadata", {}),
                claims=claims,
                send_link=given["send_link"],
                reason=given["reason"],
            ),
            lambda user: self.answered(user.pk, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a user."""
        user = self.row(id)
        return Response(output(UserDetailOutput, user), headers={"ETag": etag(user)})

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change the fields that are named."""
        given = self.read()
        named = {*PROFILE_FIELDS, "email", "username", "tags", "metadata"}
        changed = user_update(
            actor=self.actor,
            user=self.person(id),
            changes={field: value for field, value in given.items() if field in named},
            metadata_set=given.get("metadata_set"),
            metadata_remove=given.get("metadata_remove", []),
            skip_verification=given["skip_verification"],
            reason=given["reason"],
            expected_version=self.expected_version(),
        )
        return self.answered(changed.pk)

    @action(detail=True, methods=["post"])
    def impersonate(self, request: Request, id: str) -> Response:  # noqa: A002
        """Act as a user for a while: an access token that opens what they see, recorded with who acts and why."""
        given = self.read()
        user = self.person(id)
        return Response(impersonation_answer(user_impersonate(actor=self.actor, user=user, **given)))

    @action(detail=False, methods=["post"])
    def search(self, request: Request) -> Response:
        """Search users, the best fit first."""
        given = self.read()
        users, scope = self.within(User.objects.visible_to(self.actor), given, Action.USER_SEARCH)
        query = given["query"]
        if not query.strip():
            raise Invalid("There is nothing to search for.", fields={"query": "is empty"})
        wanted = _wanted({**given, "search": query})
        pages: Mapping[str, str] = {word: str(given[word]) for word in ("limit", "cursor", "total") if word in given}
        return self.listed(
            wanted.apply(users).ranked(query),
            pages,
            scope=f"{scope} {wanted.scope}",
            fetched=lambda rows: rows.with_shown(),
            order=Order("rank"),
        )

    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Do one verb to many users; each has its own transaction and result. ``preview`` changes nothing.

        What cannot be taken back (purge, delete, delete-activities) wants the number of people in ``confirm``, does at
        most 100, and is then gone on with by a worker: look under ``personal-data/erasures/``.
        """
        given = self.read()
        word, preview = given["verb"], given["preview"]
        grave = GRAVE_VERBS.get(word)
        refuse_strange(given, grave.form if grave else VERBS[word][0])
        action = grave.action if grave else Action(f"user.{word.replace('-', '_')}")
        self.require(action)
        rows = given["ids"] if "ids" in given else self._matching(given)
        if action in SHOWN_ANEW:  # once for all, not for each row
            policy.require_shown(self.actor)
        repeated = None if preview else self.repeatable()
        if grave and not (repeated and was_done(repeated)):
            _refuse_number(len(set(rows)), given, grave.most)
        if repeated is not None:
            begun(repeated)

        def call(user: User) -> None:
            if grave:
                grave.call(self.actor, user, given)
            else:
                VERBS[word][1](self.actor, user, given, None)

        def do(identifier: str) -> None:
            user = self.person(identifier)
            if repeated is None:
                call(user)
                return
            row = repeated.for_row(user.public_id)
            if not was_done(row):
                with repeatable(row):
                    call(user)

        if preview:
            results = self._planned(grave, rows) if grave else self._tried(rows, do)
        else:
            results = [*each(rows, do, key=str)]
        counts = {kind: sum(result.result == kind for result in results) for kind in ("ok", "unchanged", "failed")}
        return Response({"data": [result.as_dict() for result in results], "counts": counts, "preview": preview})

    def _planned(self, grave: GraveVerb, rows: Sequence[str]) -> Sequence[RowResult]:
        people = User.objects.visible_to(self.actor).select_related("organization")
        found = people.in_bulk([key for row in rows if (key := ids.decode("usr", row))])
        planned = {result.key: result for result in grave.planned(self.actor, [*found.values()])}
        return [planned.get(row) or RowResult(row, "failed", NotFound("User not found.")) for row in rows]

    def _tried(self, rows: Sequence[str], do: Callable[[str], None]) -> Sequence[RowResult]:
        keys = [key for row in rows if (key := ids.decode("usr", row))]
        found = {row.public_id: row for row in User.objects.visible_to(self.actor).filter(pk__in=keys)}
        return tried(rows, do, key=str, about=found.get)

    def _matching(self, given: Mapping[str, Any]) -> Sequence[str]:
        self.require(Action.USER_LIST)
        users, _ = self.within(User.objects.visible_to(self.actor), given, Action.USER_LIST)
        users = _wanted(given["filter"]).apply(users).order_by("created_at", "id")
        found = [user.public_id for user in users[: MOST + 1]]
        if len(found) > MOST:
            raise Invalid(
                f"More than {MOST} users match.",
                remedy="Narrow the filter, or use the command: it has no such bound.",
                fields={"filter": f"matches more than {MOST}"},
            )
        return found


def _refuse_number(number: int, given: Mapping[str, Any], most: int) -> None:
    if number > most:
        raise Invalid(
            f"That is {number} people, and a request does at most {most}.",
            remedy="Send them in parts, or use the command: it has no such bound.",
            fields={"ids" if "ids" in given else "filter": f"more than {most}"},
        )
    if not given["preview"] and given["confirm"] != number:
        raise Conflict(
            f"It would be {number}, not {given['confirm']}; nothing was changed.", remedy="Preview it again."
        )


def _wanted(given: Mapping[str, Any]) -> UserFilter:
    words = {"true": True, "false": False}
    return UserFilter.build(
        {
            key: words.get(given[key], given[key]) if key in {"unverified", "never_signed_in"} else given[key]
            for key in FILTERS
            if key in given
        }
    )


def _verb_view(word: str) -> Any:
    _, call = VERBS[word]

    def view(self: UserViewSet, request: Request, id: str) -> Response:  # noqa: A002
        given = self.read()
        user = self.person(id)
        return self.once(
            lambda: call(self.actor, user, given, self.expected_version()),
            lambda changed: self.answered(changed.pk),
            self.answered,
        )

    view.__name__ = f"verb_{word.replace('-', '_')}"
    view.__doc__ = SUMMARIES[word]
    return action(detail=True, methods=["post"], url_path=word, url_name=word)(view)


for _word in VERBS:
    _view = _verb_view(_word)
    setattr(UserViewSet, _view.__name__, _view)
