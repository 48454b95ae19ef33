"""What every part of the admin shares: rows that exist for the actor, keyset lists, verbs through one page.

Nothing here writes a row: each change is one call of an operation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, Final, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters

from accounts import ids, policy
from accounts.actions import SHOWN_ANEW, Action
from accounts.actors import Actor, Door
from accounts.admin.tables import Cell, Column, Link, Table, TableRow
from accounts.admin.verbs import Plan, Verb, VerbForm, table_of
from accounts.browser import confirm_first, request_actor
from accounts.errors import AccountsError, Invalid, NotAllowed, NotAuthenticated, NotFound, NotRecent
from accounts.models import Organization
from accounts.models.base import PrefixedIDField
from accounts.operations.base import remember_refusal
from accounts.operations.bulk import DRY_RUN_ROWS, each, tried
from accounts.pagination import Order, Page, page_of

__all__ = ["HouseAdmin", "Listing", "Scope", "actor_of", "answering", "organization_choices", "place_named"]

PAGE: Final = 25
CHOICES: Final = 50
CHOSEN: Final = ("selected", "how", "request", "organization", "take")
"""What pages are opened with that are of one thing or of many."""
LONGEST_BACK: Final = 4_000
"""Of the address of the page that asks: what is longer no server takes."""
SEPARATORS: Final = re.compile(r"[\s,]+")
View = Callable[..., HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """Give the principal of a request, judged once."""
    known: Actor | None = getattr(request, "house_actor", None)
    if known is None:
        known = request_actor(request, Door.ADMIN)
        request.house_actor = known  # type: ignore[attr-defined]
    return known


def answering(view: View) -> View:
    """Make a page of every refusal; a stranger's row and an absent one give the same."""

    @wraps(view)
    @method_decorator(sensitive_post_parameters("password", "again"))
    def run(self: Any, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        try:
            if not self.has_view_permission(request):
                raise policy.missing(self.reading)
            return view(self, request, *arguments, **named)
        except NotRecent:
            return _confirm_first(request)
        except NotAuthenticated:
            return redirect("sign-in")
        except NotAllowed as refusal:
            attempted = self.attempted(request)
            if attempted is not None:
                remember_refusal(actor_of(request), attempted, None, refusal)
            return cast("HttpResponseBase", self.refusal(request, refusal))
        except AccountsError as refusal:
            return cast("HttpResponseBase", self.refusal(request, refusal))

    return run


def _confirm_first(request: HttpRequest, **known: str) -> HttpResponseBase:
    """Lead to the page that asks who one is, and back, with who was chosen and what for; what was typed is not kept.

    SECURITY: an address stands in histories and logs, so only ids and the words of choices go into it.
    """
    if request.method != "POST":
        return confirm_first(request)
    messages.info(request, "Nothing was done yet. Once you have shown that it is you, send it again.")
    chosen = {name: value for name in CHOSEN if (value := " ".join(request.POST.getlist(name)))}
    back = f"{request.path}?{urlencode({**request.GET.dict(), **chosen, **known})}".rstrip("?")
    return confirm_first(request, back if len(urlencode({"next": back})) < LONGEST_BACK else request.path)


@dataclass(frozen=True)
class Scope:
    """The organization that a list is of (``None``: all), and those there are to choose from."""

    organization: Organization | None
    choices: Sequence[Organization] = ()

    @property
    def name(self) -> str:
        """The scope as a cursor is bound to it."""
        return self.organization.public_id if self.organization else "all"


@dataclass(frozen=True)
class Listing:
    """What a list shows: rows in an order, bound to a scope."""

    rows: models.QuerySet[Any]
    order: Order
    scope: str = ""


@dataclass
class Narrowing:
    """What the address of a list asks for."""

    words: dict[str, str] = field(default_factory=dict)
    order: str = ""
    cursor: str = ""


def organization_choices(actor: Actor, action: Action) -> list[Organization]:
    """List the organizations in which the actor may do something: the first fifty."""
    visible = Organization.objects.visible_to(actor)
    if not actor.everything:
        visible = visible.filter(pk__in=actor.organizations_where(action))
    return list(visible.order_by("created_at", "id")[: CHOICES + 1])


def place_named(organizations: list[Organization], actor: Actor, slug: str) -> Organization:
    """Choose what a form begins with: the organization named, or else the actor's own, or the first."""
    named = [entry for entry in organizations if entry.slug == slug]
    home = [entry for entry in organizations if entry.pk == actor.organization_id]
    return (named or home or organizations)[0]


class HouseAdmin(ModelAdmin[Any]):
    """A noun in the admin."""

    reading: ClassVar[Action]
    plural: ClassVar[str]
    lead: ClassVar[str] = ""
    empty: ClassVar[str] = "There is nothing here yet."
    columns: ClassVar[Sequence[tuple[str, str]]] = ()
    """Heading, and the word of the order that sorts by it."""
    orders: ClassVar[Mapping[str, Order]] = {"created_at": Order("created_at")}
    default_order: ClassVar[str] = "-created_at"
    of_one_organization: ClassVar[bool] = True
    lists_all: ClassVar[bool] = False
    """Whether a list of every organization runs along an index."""
    filter_form: ClassVar[type[forms.Form] | None] = None
    verbs: ClassVar[Mapping[str, Verb]] = {}
    writes: ClassVar[Mapping[str, Action]] = {}
    """What sending the form of a page does, by the page's name; the pages of verbs apart."""
    detail_template: ClassVar[str] = ""

    def __init__(self, model: type[models.Model], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self.noun = model._meta.model_name

    # --- who may --------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the noun has a page for whoever asks."""
        return self.opens_for(actor_of(request))

    def opens_for(self, actor: Actor) -> bool:
        """Say whether the actor may read rows of this kind anywhere."""
        return actor.everything or bool(actor.organizations_where(self.reading))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the noun stands in the navigation."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: rows are made by operations."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: rows are changed by operations."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: nothing is deleted here."""
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Give the rows that exist for whoever asks."""
        return self.visible(actor_of(request))

    def visible(self, actor: Actor) -> models.QuerySet[Any]:
        """Give the rows that exist for the actor."""
        rows: models.QuerySet[Any] = self.model.objects.visible_to(actor)
        return rows

    def found(self, actor: Actor, public_id: str) -> Any:
        """Find a row by its public id.

        :raises NotFound: if it does not exist for the actor
        """
        row = next(iter(self.found_many(actor, [public_id]).values()), None)
        if row is None:
            name = str(self.model._meta.verbose_name)
            raise NotFound(f"{name[0].upper()}{name[1:]} not found.")
        return row

    def found_many(self, actor: Actor, public_ids: Sequence[str]) -> dict[str, Any]:
        """Find rows by their public ids, in one query."""
        primary = self.model._meta.pk
        assert isinstance(primary, PrefixedIDField)
        wanted = [
            key for text in public_ids if text.startswith(primary.prefix) and (key := ids.decode(primary.prefix, text))
        ]
        return {row.public_id: row for row in self.fetched(self.visible(actor).filter(pk__in=wanted))}

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch what is shown of each row along with it."""
        return rows

    def attempted(self, request: HttpRequest) -> Action | None:
        """Say what a request is to do; ``None`` if it only reads."""
        match = request.resolver_match
        if request.method != "POST" or match is None:
            return None
        verb = self.verbs.get(match.kwargs.get("word", ""))
        return verb.action if verb else self.writes.get((match.url_name or "").rpartition("_")[2])

    # --- pages ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Give our own addresses and none of Django's, which write rows."""
        routes: list[tuple[str, View, str]] = [("", self.list_view, "changelist")]
        if self.verbs:
            routes.append(("verbs/<str:word>/", self.verb_view, "verb"))
        routes += self.more_routes()
        if self.detail_template:
            routes.append(("<str:public_id>/", self.detail_view, "change"))
        return [
            path(route, self.admin_site.admin_view(view), name=f"{self.opts.app_label}_{self.noun}_{name}")
            for route, view, name in routes
        ]

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Give the addresses that only this noun has: route, view, name."""
        return []

    def url(self, name: str, *arguments: str) -> str:
        """Give the address of one of the noun's pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.noun}_{name}", args=arguments)

    def render(
        self, request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> TemplateResponse:
        """Draw a page."""
        whole = {**self.admin_site.each_context(request), "noun": self, "list_url": self.url("changelist"), **context}
        return TemplateResponse(request, f"accounts/admin/{template}", whole, status=status)

    def refusal(self, request: HttpRequest, refusal: AccountsError) -> HttpResponseBase:
        """Draw the page of a refusal."""
        absent = isinstance(refusal, NotFound)
        context = {
            "title": "Not found" if absent else "Refused",
            "text": "There is nothing here that you can see." if absent else refusal.message,
            "remedy": "It may never have existed, or belong to somebody else." if absent else refusal.remedy,
        }
        return self.render(request, "refused.html", context, status=refusal.http_status)

    # --- the list -------------------------------------------------------------------------

    def scope(self, request: HttpRequest) -> Scope:
        """Read which organization the list is of: one always, unless the actor sees everything.

        :raises NotFound: if the one that is named does not exist for the actor
        """
        actor = actor_of(request)
        if not self.of_one_organization:
            return Scope(None)
        choices = organization_choices(actor, self.reading)
        may_see_all = actor.everything and self.lists_all
        if named := request.GET.get("org", "").strip():
            chosen = Organization.objects.visible_to(actor).named(named).first()
            if chosen is None or not actor.holds(self.reading, chosen.pk):
                raise NotFound("Organization not found.")
            return Scope(chosen, choices)
        if may_see_all or not choices:
            return Scope(None, choices)
        home = [choice for choice in choices if choice.pk == actor.organization_id]
        return Scope((home or choices)[0], choices)

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give the rows of the list in their order.

        :raises Invalid: for a filter or an order that is none
        """
        if unknown := sorted(asked.words):
            raise Invalid(f"There is no filter {unknown[0]!r}.", remedy="Take it out of the address.")
        rows = self.visible(actor)
        if scope.organization:
            rows = rows.filter(organization_id=scope.organization.pk)
        return Listing(rows, Order.parse(asked.order or self.default_order, self.orders), scope.name)

    @answering
    def list_view(self, request: HttpRequest) -> HttpResponseBase:
        """Draw the list: one page along the index, whatever its length."""
        actor, scope = actor_of(request), self.scope(request)
        asked = narrowing(request.GET)
        page: Page[Any] = Page([])
        problem: AccountsError | None = None
        try:
            listing = self.listing(actor, scope, asked)
            rows = self.fetched(listing.rows)
            page = page_of(rows, listing.order, limit=PAGE, cursor=asked.cursor, scope=listing.scope)
        except Invalid as refusal:
            problem = refusal
        context = {
            "title": self.plural,
            "lead": self.lead,
            "table": self.table(request, page.rows, scope, asked),
            "filters": self.filter_form(initial=asked.words, label_suffix="") if self.filter_form else None,
            "filtered": bool(asked.words),
            "problem": problem,
            "scope": scope,
            "may_see_all": actor.everything and self.lists_all,
            "too_many_choices": len(scope.choices) > CHOICES,
            "next": self._turned(request, page.next_cursor),
            "previous": self._turned(request, page.previous_cursor),
            "tools": self.tools(actor),
            "many_verbs": self.many_verbs(actor),
            "matching": self.matching_text(request),
            **self.more_context(request, scope),
        }
        return self.render(request, "list.html", context, status=problem.http_status if problem else 200)

    def more_context(self, request: HttpRequest, scope: Scope) -> dict[str, Any]:
        """Add to the context of the list."""
        return {}

    def tools(self, actor: Actor) -> list[Link]:
        """Give the links above the list: what can be made."""
        return []

    def many_verbs(self, actor: Actor) -> list[Verb]:
        """Give the verbs for a selection."""
        return [verb for verb in self.verbs.values() if verb.takes_many and may_somewhere(actor, verb.action)]

    def matching_text(self, request: HttpRequest) -> str:
        """Give the filters of the list as one text, for a verb on all that match."""
        return urlencode(narrowing(request.GET).words)

    def table(self, request: HttpRequest, rows: Sequence[Any], scope: Scope, asked: Narrowing) -> Table:
        """Draw the rows."""
        actor = actor_of(request)
        columns = [self._column(request, label, word, scope, asked) for label, word in self.columns]
        shown = zip(rows, self.cells_of(actor, rows), strict=True)
        lines = [TableRow(cells, row.public_id, self.links(actor, row)) for row, cells in shown]
        empty = "Nothing matches." if asked.words else self.empty
        hint = "Take a filter away, or look in another organization." if asked.words else ""
        return Table(self.plural, columns, lines, empty, hint, can_select=bool(self.many_verbs(actor)))

    def _column(self, request: HttpRequest, label: str, word: str, scope: Scope, asked: Narrowing) -> Column:
        if word not in self.sortable(scope):
            return Column(label)
        now = asked.order or ("" if "search" in asked.words else self.default_order)
        turned = f"-{word}" if now == word else word
        address = self._address(request, order=turned)
        direction = "ascending" if now == word else "descending"
        return Column(label, address, direction if now.removeprefix("-") == word else "")

    def sortable(self, scope: Scope) -> Mapping[str, Order]:
        """Give the orders that run along an index in this scope."""
        return self.orders

    def _turned(self, request: HttpRequest, cursor: str | None) -> str:
        return self._address(request, cursor=cursor) if cursor else ""

    def _address(self, request: HttpRequest, **changed: str) -> str:
        kept = {key: str(value) for key, value in request.GET.items() if key != "cursor" and value}
        return f"?{urlencode({**kept, **changed})}"

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the rows of a page."""
        return [self.cells(actor, row) for row in rows]

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a row."""
        raise NotImplementedError

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Give what can be done to a row of the list."""
        return []

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw one row."""
        actor = actor_of(request)
        row = self.found(actor, public_id)
        context = {"row": row, "title": self.named(row).text, "verbs": self.verb_links(actor, row)}
        return self.render(request, self.detail_template, {**context, **self.detail(actor, row)})

    def detail(self, actor: Actor, row: Any) -> dict[str, Any]:
        """Add to the context of one row's page."""
        return {}

    # --- verbs ----------------------------------------------------------------------------

    def named(self, row: Any) -> Cell:
        """Say what a row is called."""
        return Cell(row.public_id)

    def place(self, row: Any) -> str:
        """Give the address to go back to when something was done to a row."""
        return self.url("changelist")

    def verb_links(self, actor: Actor, row: Any) -> list[Link]:
        """Give the verbs that lead somewhere from here and that policy allows."""
        return [
            Link(verb.label, f"{self.url('verb', word)}?selected={row.public_id}", is_grave=verb.is_grave)
            for word, verb in self.verbs.items()
            if verb.fits(row) and policy.may(actor, verb.action, verb.subject(row))
        ]

    def matching(self, actor: Actor, source: QueryDict) -> models.QuerySet[Any]:
        """Give all rows that match the filter of a list.

        :raises Invalid: where a verb takes a selection only
        """
        raise Invalid("Choose rows one by one here.")

    @answering
    def verb_view(self, request: HttpRequest, word: str) -> HttpResponseBase:
        """Show what a verb will do, take the reason, and do it."""
        verb = self.verbs.get(word)
        if verb is None:
            raise NotFound("Page not found.")
        actor = actor_of(request)
        source = request.POST if request.method == "POST" else request.GET
        is_final = request.method == "POST" and source.get("step") == "do"
        try:
            keys, rows = self._chosen(actor, source, verb.most or DRY_RUN_ROWS)
        except Invalid as refusal:
            messages.error(request, f"{refusal.message} {refusal.remedy}")
            return redirect(self.url("changelist"))
        single = rows[keys[0]] if len(keys) == 1 else None
        if not is_final:
            _require(actor, verb, single)
        if verb.action in SHOWN_ANEW and not policy.has_shown(actor):  # before anything is typed
            return _confirm_first(request, selected=" ".join(keys))
        if not verb.takes_many and single is None:
            raise Invalid(f"{verb.label} is for one at a time.")
        form = verb.form(source if "step" in source else None)
        chosen = sorted((rows.get(key, key) for key in keys), key=lambda row: getattr(row, "pk", None) == actor.id)
        expected = verb.asks(chosen) if verb.asks else ""
        if expected:
            form.ask(expected)
        if is_final and form.is_valid() and expected:
            form.refuse_typed(expected)
        if is_final and form.is_valid():
            try:
                return self._done(request, verb, form, chosen, single)
            except Invalid as refusal:
                form.refuse(refusal)
        return self._preview(request, verb, form, chosen, single)

    def _chosen(self, actor: Actor, source: QueryDict, most: int) -> tuple[list[str], dict[str, Any]]:
        """Find who is meant: the selection, or all that match.

        :raises Invalid: for nobody, or more than one page can do
        :raises NotFound: for one alone that does not exist for the actor
        """
        if source.get("everyone") == "yes" and "step" not in source:
            found = list(self.fetched(self.matching(actor, source)).order_by("pk")[: most + 1])
            keys, rows = [row.public_id for row in found], {row.public_id: row for row in found}
        else:
            keys = list(
                dict.fromkeys(key for text in source.getlist("selected") for key in SEPARATORS.split(text) if key)
            )
            rows = self.found_many(actor, keys) if len(keys) <= most else {}
        if len(keys) > most:
            raise Invalid(
                f"More than {most:,} match, and a page does at most {most:,} at a time.",
                remedy="Narrow the filter, or use the command: it has no such bound.",
            )
        if not keys:
            raise Invalid("Nobody is chosen.", remedy="Tick somebody in the list, or choose all that match.")
        if len(keys) == 1 and not rows:
            raise NotFound("Not found.")
        return keys, rows

    def _done(
        self, request: HttpRequest, verb: Verb, form: VerbForm, chosen: list[Any], single: Any
    ) -> HttpResponseBase:
        """Do it to each, in a transaction of its own."""
        actor = actor_of(request)
        call = verb.bound(actor, form.arguments())
        results = list(each(chosen, call, key=key_of))
        named = self._names(chosen)
        if single is None:
            counts = {word: sum(result.result == word for result in results) for word in ("ok", "unchanged", "failed")}
            table = table_of(results, named, caption="Results", is_done=True)
            context = {"title": f"{verb.label}: results", "table": table, "counts": counts, "verb": verb}
            context["is_asked"] = verb.asks is not None
            return self.render(request, "results.html", context)
        (result,) = results
        if isinstance(result.error, NotAllowed | NotFound | Invalid | NotAuthenticated):
            raise result.error
        if result.error is not None:
            messages.error(request, result.error.message)
        elif result.result == "unchanged":
            messages.info(request, f"Nothing changed: {self.named(single).text} was so already.")
        elif onward := form.onward(request):
            return onward
        elif form.secret:
            context = {"title": "Copy it now", "secret": form.secret, "name": self.named(single).text}
            return self.render(request, "secret.html", {**context, "back": self.place(single)})
        else:
            messages.success(request, f"{self.named(single).text} {verb.done}.")
        return redirect(self.place(single))

    def _preview(
        self, request: HttpRequest, verb: Verb, form: VerbForm, chosen: list[Any], single: Any
    ) -> HttpResponse:
        """Show what would happen: the operations themselves, rolled back."""
        table: Table | None = None
        plan = Plan([])
        can_do = 0
        if form.is_valid() if form.is_bound else not form.needs_input:
            plan = self._planned(verb, actor_of(request), form, chosen)
            results = plan.results
            effects = {key_of(row): verb.effect(row) for row in chosen if not isinstance(row, str)}
            table = table_of(results, self._names(chosen), caption="What will happen", effects=effects)
            can_do = sum(result.result == "ok" for result in results)
        who = self.named(single).text if single is not None else f"{len(chosen):,} {self.plural.lower()}"
        context = {
            "title": f"{verb.label}: {who}",
            "verb": verb,
            "form": form,
            "table": table,
            "more_tables": plan.tables,
            "is_planned": verb.planned is not None,
            "can_do": can_do,
            "total": len(chosen),
            "selected": " ".join(key_of(row) for row in chosen),
            "back": self.place(single) if single is not None else self.url("changelist"),
            "who": who,
        }
        return self.render(request, "verb.html", context, status=422 if form.is_bound and form.errors else 200)

    def _planned(self, verb: Verb, actor: Actor, form: VerbForm, chosen: list[Any]) -> Plan:
        if verb.planned is None:
            return Plan(tried(chosen, verb.bound(actor, form.arguments()), key=key_of))
        return verb.planned(actor, chosen)

    def _names(self, chosen: list[Any]) -> Callable[[str], Cell]:
        names = {row.public_id: self.named(row) for row in chosen if not isinstance(row, str)}
        return lambda key: names.get(key, Cell(key))


def _require(actor: Actor, verb: Verb, single: Any) -> None:
    policy.require_coarse(actor, verb.action)
    if single is not None:
        policy.require(actor, verb.action, verb.subject(single))


def key_of(row: Any) -> str:
    """Give the public id of a row, or of one that was not found."""
    return row if isinstance(row, str) else str(row.public_id)


def narrowing(query: QueryDict) -> Narrowing:
    """Read filters, order and cursor of a list's address."""
    words = {key: text for key, value in query.items() if (text := str(value).strip())}
    words.pop("org", None)
    order, cursor = words.pop("order", ""), words.pop("cursor", "")
    return Narrowing(words, order, cursor)


def may_somewhere(actor: Actor, action: Action) -> bool:
    """Say whether the actor may do this to anything."""
    return actor.everything or bool(actor.organizations_where(action))
