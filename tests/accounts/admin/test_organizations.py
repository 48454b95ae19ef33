"""Organizations by click: renamed through the operation, and never over somebody else's change."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, AuditPart, Organization, User
from accounts.operations.organizations import org_update
from tests.accounts.pages.browsing import sign_in, text_of


@pytest.fixture
def browser(alice: User) -> Client:
    """A browser in which the owner is signed in."""
    client = Client()
    sign_in(client, alice)
    return client


def page_of(organization: Organization) -> str:
    return reverse("admin:accounts_organization_change", args=[organization.public_id])


def as_opened(form: Any) -> dict[str, str]:
    """Give what a browser sends of a form in which nothing was typed."""
    values = {name: form[name].value() or "" for name in form.fields}
    return {**values, **{f"initial-{name}": form[name].initial or "" for name in ("name", "slug")}}


class TestRenaming:
    """The form on an organization's page."""

    def test_only_what_was_typed_is_sent(self, browser: Client, acme: Organization) -> None:
        opened = as_opened(browser.get(page_of(acme)).context["form"])

        assert browser.post(page_of(acme), {**opened, "name": "Acme Ltd", "reason": "sold"}).status_code == 302

        event = AuditEvent.objects.get(action="org.update")
        assert event.part(AuditPart.SUBJECT) == {
            "reason": "sold", "before": {"name": "Acme"}, "after": {"name": "Acme Ltd"},
        }  # fmt: skip

    def test_nothing_typed_changes_nothing(self, browser: Client, acme: Organization) -> None:
        opened = as_opened(browser.get(page_of(acme)).context["form"])

        answer = browser.post(page_of(acme), opened, follow=True)

        assert "Nothing was changed." in text_of(answer)
        assert not AuditEvent.objects.filter(action="org.update").exists()

    def test_a_change_meanwhile_is_shown_and_nothing_typed_is_lost(
        self, browser: Client, acme: Organization, operator: Actor
    ) -> None:
        opened = as_opened(browser.get(page_of(acme)).context["form"])
        org_update(actor=operator, organization=acme, slug="acme-2")

        answer = browser.post(page_of(acme), {**opened, "name": "Acme Ltd"})

        assert answer.status_code == 409
        assert "It was changed since you opened it. Short name is now: acme-2." in text_of(answer)
        assert Organization.objects.get(pk=acme.pk).name == "Acme"
        again = answer.context["form"]
        resent = {**{name: again[name].value() or "" for name in again.fields},
                  **{name: value for name, value in again.data.items() if name.startswith("initial-")}}  # fmt: skip
        assert browser.post(page_of(acme), resent).status_code == 302
        assert Organization.objects.filter(pk=acme.pk, name="Acme Ltd", slug="acme-2").exists()
