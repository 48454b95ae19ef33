"""Erasure by click: the plan of what goes, the address typed, the receipt."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, date, moment
from accounts.admin.users import Tab, UserAdmin
from accounts.admin.verbs import EndField, HouseForm
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import User
from gdpr.admin.base import answered
from gdpr.models import Erasure, LegalHold, SubjectRequest
from gdpr.operations import plans
from gdpr.operations.background import erase_begin
from gdpr.operations.erasable import ACTIONS, ACTIVITIES, erasure_plan
from gdpr.operations.erasure import erasure_cancel, user_delete_activities
from gdpr.operations.receipts import as_html
from gdpr.personal_data import TABLES

__all__ = ["ERASURE", "ErasureAdmin"]

WORD: Final = "erasure"
CHOICES: Final = (
    (Erasure.PURGE, "Erase the person", "An empty row stays, so that the id is never given to somebody else."),
    (Erasure.DELETE, "Erase and remove the row", "Nothing stays but the trail's plain ids and the receipt."),
    (ACTIVITIES, "Erase the history only", "Sign-ins, sessions, devices and what the trail says; the account stays."),
)
HOW: Final = {Erasure.PURGE: "an empty row stays", Erasure.DELETE: "the row goes too"}
BEGUN: Final = "The account is closed for good. A worker erases the person, and the receipt will stand here."
HAPPENS: Final = {plans.DELETE: "deleted", plans.OVERWRITE: "emptied", plans.KEEP: "kept"}
UNDER_WAY: Final = {
    Erasure.FENCED: "The account is closed for good, and waits for the worker that erases it.",
    Erasure.ERASED: "The person is erased. The whole database is being searched for what might be left.",
}
WHAT: Final = {table.name: table.what for table in TABLES}


class NowOrEndField(EndField):
    """An end, or at once."""

    def clean(self, value: Any) -> Any:
        """Read it."""
        return timezone.now() if str(value or "").strip() == "now" else super().clean(value)


class EraseForm(HouseForm):
    """When, why, and the address typed, so that nobody erases the wrong person by a slip."""

    typed = forms.CharField(
        max_length=320, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    after = NowOrEndField(
        label="Not before", help_text="Empty: as the organization settled. Or now, 14d, or a day such as 2026-12-31."
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit trail; whatever in it names the person is taken out.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, expected: str, has_end: bool) -> None:
        super().__init__(data)
        self.expected = expected
        self.fields["typed"].label = f"Type {expected} to go on"
        if not has_end:
            del self.fields["after"]

    def clean_typed(self) -> str:
        """Compare."""
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != self.expected:
            raise forms.ValidationError("This is not what stands there. Nothing was changed.")
        return typed


@answering
def erasure_view(noun: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Show what would go, and let it go; or call off what is planned."""
    actor = actor_of(request)
    user, context = noun.person(request, public_id, WORD)
    noun.require_reading(actor, Action.USER_PURGE, user)
    how = request.POST.get("how", request.GET.get("how", Erasure.PURGE))
    if how not in ACTIONS:
        raise NotFound("Page not found.")
    if "cancel" in request.POST:
        erasure_cancel(actor=actor, user=user, reason=request.POST.get("reason", ""))
        messages.success(request, "The erasure is called off.")
        return redirect(noun.url(WORD, user.public_id))
    answers = answered(request, actor, user)
    plan = erasure_plan(actor=actor, user=user, how=how, request=answers)
    expected = user.email or user.public_id
    form = EraseForm(request.POST or None, expected=expected, has_end=how != ACTIVITIES)
    if request.method == "POST" and form.is_valid():
        try:
            return _erased(noun, request, user, how, form.cleaned_data)
        except (Conflict, Invalid) as refusal:
            form.refuse(refusal)
    waiting = Erasure.objects.filter(user_id=user.pk, status=Erasure.SCHEDULED).first()
    context |= {
        "how": how,
        "answers": answers,
        "choices": [(word, label, note, word == how) for word, label, note in CHOICES],
        "tables": tables_of(plan.steps, plan.mentions),
        "plan": plan,
        "hold": _hold(actor, user) if plan.refusal else None,
        "form": form,
        "button": next(label for word, label, _ in CHOICES if word == how),
        "waiting": waiting,
        "waiting_how": HOW[waiting.how] if waiting else "",
        "waits_until": moment(waiting.due_at) if waiting else "",
    }
    return noun.render(request, "person_erasure.html", context, status=422 if form.errors else 200)


ERASURE: Final = Tab(WORD, "Erasure", Action.USER_PURGE, Action.USER_PURGE, erasure_view)


def _erased(noun: UserAdmin, request: HttpRequest, user: User, how: str, values: Mapping[str, Any]) -> HttpResponseBase:
    actor = actor_of(request)
    answers = answered(request, actor, user)
    if how == ACTIVITIES:
        user_delete_activities(actor=actor, user=user, reason=values["reason"], request=answers)
        messages.success(request, "The history is erased.")
        return redirect(noun.url(WORD, user.public_id))
    erasure = erase_begin(actor=actor, user=user, how=how, reason=values["reason"], at=values["after"], request=answers)
    if erasure.status == Erasure.SCHEDULED:
        messages.success(request, f"The erasure is planned for {moment(erasure.due_at)} UTC.")
        return redirect(noun.url(WORD, user.public_id))
    messages.success(request, BEGUN)
    return redirect(reverse("admin:gdpr_erasure_change", args=[erasure.public_id]))


def _hold(actor: Actor, user: User) -> LegalHold | None:
    """Give the legal hold that stands against it, to those who may read holds."""
    holds = LegalHold.objects.visible_to(actor).active().filter(user=user).select_related("organization")
    return next((hold for hold in holds if actor.holds(Action.HOLD_LIST, hold.organization_id)), None)


def tables_of(steps: Sequence[Mapping[str, Any]], mentions: Mapping[str, int]) -> list[Table]:
    """Draw the plan: what goes, what is emptied, what is kept and why; nothing that touches no row."""
    counted = [Column("What"), Column("Rows")]
    touched = [step for step in steps if step["rows"]]
    deleted = [_step(step["what"], step["table"], step["rows"]) for step in touched if step["action"] == plans.DELETE]
    emptied = [
        _step(step["what"], f"{step['table']}: {', '.join(step['columns'])}", step["rows"])
        for step in touched
        if step["action"] == plans.OVERWRITE
    ]
    emptied += [
        _step("Text of others that names the person: the mention is taken out", table, number)
        for table, number in sorted(mentions.items())
    ]
    tables = [
        Table("Deleted", counted, deleted),
        Table("Emptied", counted, emptied, hint="The row stays; what stood in these columns does not."),
        Table("Kept, and why", [*counted, Column("Why"), Column("Until")], _kept(touched)),
    ]
    return [table for table in tables if table.rows]


def _step(what: str, note: str, rows: int) -> TableRow:
    return TableRow([Cell(what, note=note), Cell(f"{rows:,}")])


def _kept(steps: Sequence[Mapping[str, Any]]) -> list[TableRow]:
    """Draw what is kept, once for each table and reason: columns that lead to the same rows stand together."""
    groups: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for step in steps:
        if step["action"] == plans.KEEP:
            groups.setdefault((step["what"], step["table"], step["why"], step["until"]), []).append(step)
    return [
        TableRow(
            [
                Cell(what, note=f"{table}: {', '.join(name for step in members for name in step['columns'])}"),
                Cell(f"{max(step['rows'] for step in members):,}"),
                Cell(why),
                Cell(until),
            ]
        )
        for (what, table, why, until), members in groups.items()
    ]


@admin.register(Erasure, site=site)
class ErasureAdmin(HouseAdmin):
    """Erasures, planned and done."""

    reading = Action.ERASURE_LIST
    plural = "Erasures"
    lead = "Who was erased, or is to be, with the receipts. Nothing here names anybody any more."
    empty = "Nobody was erased here, and nobody is to be. To erase somebody, open them and take the tab “Erasure”."
    columns = (("Person", ""), ("How", ""), ("State", ""), ("Left", ""), ("Asked for", "created_at"))
    detail_template = "erasure.html"

    def fetched(self, rows: Any) -> Any:
        """Fetch the organization along with each."""
        return rows.select_related("organization")

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show an erasure."""
        return [
            Cell(ids.encode("usr", row.user_id), url=self.url("change", row.public_id), copy=row.public_id),
            Cell(row.how, note=HOW[row.how]),
            badge(row.status, note=moment(row.due_at) if row.status == Erasure.SCHEDULED else ""),
            Cell(_left(row)),
            date(row.created_at),
        ]

    def named(self, row: Any) -> Cell:
        """Call an erasure by its id."""
        return Cell(row.public_id)

    def detail(self, actor: Actor, row: Any) -> dict[str, Any]:
        """Show the receipt."""
        person = User.objects.visible_to(actor).filter(pk=row.user_id).first()
        answered = (
            SubjectRequest.objects.visible_to(actor).filter(pk=row.request_id).first() if row.request_id else None
        )
        counts = row.receipt["counts"] if row.receipt else []
        kept = row.receipt["kept"] if row.receipt else []
        return {
            "subject": ids.encode("usr", row.user_id),
            "how": HOW[row.how],
            "under_way": UNDER_WAY.get(row.status, ""),
            "person_url": reverse("admin:accounts_user_change", args=[person.public_id]) if person else "",
            "answered": answered,
            "state": badge(row.status),
            "scan": row.receipt["scan"] if row.receipt else None,
            "facts": [
                (label, f"{moment(at)} UTC")
                for label, at in (
                    ("Asked for", row.created_at),
                    ("Planned for", row.due_at),
                    ("Called off", row.cancelled_at),
                    ("Erased", row.erased_at),
                )
                if at
            ],
            "erased": Table(
                "What was erased",
                [Column("What"), Column("What happened"), Column("Rows")],
                [
                    TableRow(
                        [
                            Cell(WHAT.get(entry["table"], ""), note=entry["table"]),
                            badge(HAPPENS.get(entry["action"], entry["action"])),
                            Cell(f"{entry['rows']:,}"),
                        ]
                    )
                    for entry in counts
                ],
                "Nothing was there.",
            ),
            "kept": Table(
                "What was kept",
                [Column("What"), Column("Why"), Column("Until"), Column("Rows")],
                [
                    TableRow(
                        [
                            Cell(WHAT.get(entry["table"], ""), note=f"{entry['table']}: {', '.join(entry['columns'])}"),
                            Cell(entry["why"], note=f"{entry['basis']}; Art. {entry['exemption']}"),
                            Cell(entry["until"]),
                            Cell(f"{entry['rows']:,}"),
                        ]
                    )
                    for entry in kept
                ],
                "Nothing.",
            ),
            "physical": row.receipt["physical"] if row.receipt else [],
            "downloads": [
                Link(label, self.url("receipt", row.public_id, form))
                for form, label in (("html", "Receipt to read and print"), ("json", "Signed receipt (JSON)"))
            ]
            if row.receipt
            else [],
        }

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the receipt as a file."""
        return [("<str:public_id>/receipt.<str:form>", self.receipt_view, "receipt")]

    @answering
    def receipt_view(self, request: HttpRequest, public_id: str, form: str) -> HttpResponseBase:
        """Hand over the signed receipt, as JSON or as a page to keep."""
        row: Erasure = self.found(actor_of(request), public_id)
        if row.receipt is None or form not in {"html", "json"}:
            raise NotFound("Receipt not found.")
        text = as_html(row.receipt) if form == "html" else json.dumps(row.receipt, indent=2)
        kind = "text/html" if form == "html" else "application/json"
        name = f"attachment; filename={row.public_id}.{form}"
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return HttpResponse(text, content_type=f"{kind}; charset=utf-8", headers=headers)


def _left(row: Erasure) -> str:
    """Say what the search of the whole database found afterwards."""
    if row.receipt is None:
        return "—"
    scan = row.receipt["scan"]["whole_database"]
    if scan is None:
        return "not searched"
    return "nothing" if not scan["residue"] else f"{scan['residue']} places"
