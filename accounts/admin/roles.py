"""Roles: what each permits. They are read here; the built-in ones come with the service."""

from typing import Any

from django.contrib import admin
from django.db import models

from accounts.actions import BUILT_IN_ROLES, Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin
from accounts.admin.site import site
from accounts.admin.tables import Cell
from accounts.models import Role

__all__ = ["RoleAdmin"]

SUMMARIES = {
    "owner": "Everything in the organization; the only ones who appoint owners and archive it.",
    "admin": "People, roles, sessions, keys and the audit trail; not owners.",
    "moderator": "See people; suspend, lock, tag and sign out plain members.",
    "member": "Themselves.",
}


@admin.register(Role, site=site)
class RoleAdmin(HouseAdmin):
    """Roles."""

    reading = Action.USER_SHOW
    plural = "Roles"
    lead = "A role is a set of permissions. These four are in every organization."
    columns = (("Role", ""), ("What it is for", ""), ("Permissions", ""))
    default_order = "created_at"
    of_one_organization = False
    detail_template = "role.html"

    def visible(self, actor: Actor) -> models.QuerySet[Any]:
        """Give the built-in roles, the same for everybody."""
        return Role.objects.built_in()

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch the permissions along with each."""
        return rows.prefetch_related("permissions")

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a role."""
        return [
            Cell(row.name, url=self.url("change", row.public_id), note=row.slug),
            Cell(SUMMARIES[row.slug]),
            Cell(str(len(row.permissions.all()))),
        ]

    def named(self, row: Any) -> Cell:
        """Call a role by its name."""
        return Cell(row.name)

    def detail(self, actor: Actor, row: Any) -> dict[str, Any]:
        """List the permissions by what they are about, beside those of the other roles."""
        held = {entry.permission for entry in row.permissions.all()}
        words = sorted({str(word) for actions in BUILT_IN_ROLES.values() for word in actions})
        groups: dict[str, list[tuple[str, bool]]] = {}
        for word in words:
            groups.setdefault(word.partition(".")[0].replace("_", " "), []).append((word, word in held))
        return {"groups": list(groups.items()), "summary": SUMMARIES[row.slug]}
