"""The tab "Personal data" on a person's page: what is held, and copies of it to hand over."""

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import actor_of, answering
from accounts.admin.tables import Cell, Column, Table, TableRow
from accounts.admin.users import Tab, UserAdmin
from accounts.admin.verbs import HouseForm
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import User
from accounts.statuses import Status
from gdpr.admin.base import answered
from gdpr.models import Export
from gdpr.operations.copies import TITLES, Copy, Scope
from gdpr.operations.exports import export_file_name, export_read, user_export_fetch, user_export_request
from gdpr.operations.renderings import FORMATS
from gdpr.registry import Section

__all__ = ["PERSONAL_DATA"]

WORD: Final = "personal-data"
COUNTED: Final = 1_000
"""A page does not count further: what it costs is not to depend on how much there is."""
HERE: Final = {
    Section.AUDIT_EVENTS: "What was done, by them and to them",
    Section.REQUESTS: "Requests about their data",
}
"""Titles where the page is not read by the person whom the copy speaks to."""
SHOWN: Final = 10
SCOPES: Final = ((str(Scope.ACCESS), "Everything (Art. 15)"), (str(Scope.PORTABILITY), "What they provided (Art. 20)"))


class ExportForm(HouseForm):
    """How much, as what, and why."""

    scope = forms.ChoiceField(choices=SCOPES)
    format = forms.ChoiceField(choices=[(form, form.upper()) for form in reversed(FORMATS)])
    reason = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))


@answering
def personal_data_view(noun: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Draw what is held about the person; have a copy made, or hand over one that is ready."""
    actor = actor_of(request)
    user, context = noun.person(request, public_id, WORD)
    noun.require_reading(actor, Action.USER_EXPORT, user)
    exports = Export.objects.visible_to(actor).filter(user=user).select_related("organization", "user")
    if "fetch" in request.POST:
        key = ids.decode("exp", request.POST["fetch"])
        row = exports.filter(pk=key).first() if key else None
        if row is None:
            raise NotFound("Export not found.")
        return _file(user_export_fetch(actor=actor, user=user, export=row))
    answers = answered(request, actor, user)
    fitting = {"scope": answers.kind} if answers and answers.kind in dict(SCOPES) else {}
    form = ExportForm(request.POST or None, initial=fitting)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user_export_request(
                actor=actor,
                user=user,
                scope=values["scope"],
                form=values["format"],
                reason=values["reason"],
                request=answers,
            )
        except (Conflict, Invalid) as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, "The copy is being made: it stands here, for 72 hours.")
            return redirect(noun.url(WORD, user.public_id))
    is_erased = user.status in {Status.PURGING, Status.PURGED}
    table, absent = _held(user)
    context |= {
        "table": table,
        "absent": absent,
        "answers": answers,
        "form": form if policy.may(actor, Action.USER_EXPORT, user) and not is_erased else None,
        "exports": [_shown(row, actor) for row in exports.order_by("-created_at", "-id")[:SHOWN]],
    }
    return noun.render(request, "person_personal_data.html", context, status=422 if form.errors else 200)


PERSONAL_DATA: Final = Tab(WORD, "Personal data", Action.USER_EXPORT, Action.USER_EXPORT, personal_data_view)


def _held(user: User) -> tuple[Table, list[str]]:
    """Count what is held, section by section, and say which sections are empty."""
    copy = Copy(user.pk, Scope.ACCESS)
    rows, absent = [], []
    for section in Section:
        title = HERE.get(section, TITLES[section])
        count = copy.count_up_to(section, COUNTED)
        if not count:
            absent.append(title)
            continue
        number = f"more than {COUNTED:,}" if count > COUNTED else f"{count:,}"
        tables = dict.fromkeys(part.entry.what for part in copy.parts_of(section))
        rows.append(TableRow([Cell(title, note="; ".join(tables)), Cell(number)]))
    return Table("What is held", [Column("What"), Column("Rows")], rows, "Nothing is held."), absent


def _shown(row: Export, actor: Actor) -> dict[str, object]:
    """Show an export: how far it is, and whether it is for whoever looks."""
    is_over = row.status == Export.READY and not row.is_fetchable
    is_mine = (row.requested_by_kind, row.requested_by) == (actor.kind, actor.id)
    return {
        "row": row,
        "is_over": is_over,
        "state": Export.EXPIRED if is_over else row.status,
        "is_under_way": row.status in {Export.QUEUED, Export.RUNNING},
        "scope": dict(SCOPES).get(row.scope, row.scope),
        "may_fetch": is_mine and row.is_fetchable,
        "is_mine": is_mine,
    }


def _file(export: Export) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        export_read(export),
        content_type="application/octet-stream",
        headers={
            "Content-Length": str(export.size),
            "Content-Disposition": f'attachment; filename="{export_file_name(export)}"',
            "Cache-Control": "no-store",
        },
    )
