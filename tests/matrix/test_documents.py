"""What docs/ says is so."""

import re
from pathlib import Path

import pytest

from accounts import policy
from accounts.models import AuditEvent, User
from accounts.operations.installation import installation_start
from accounts.statuses import Status
from tests.accounts.api.test_document import asked
from tests.generated import DOCS, PAGES
from tests.shell import typed


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "make docs writes them anew"


ROOT = DOCS.parent
TOUR = [
    line.removeprefix("./manage.py ")
    for line in (ROOT / "README.md").read_text().splitlines()
    if line.startswith("./manage.py ")
]


@pytest.mark.django_db
def test_the_readme_takes_a_newcomer_to_a_suspended_and_reactivated_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    installation_start(actor=policy.system())

    results = [typed(line) for line in TOUR]

    assert [result.code for result in results] == [0] * len(TOUR)
    shown = next(result.json for line, result in zip(TOUR, results, strict=True) if line.startswith("user_show"))
    assert (shown["status"], shown["status_reason"]) == ("suspended", "Contract ended")
    bob = User.objects.get(email="bob@acme.example")
    assert bob.status == Status.ACTIVE
    trail = AuditEvent.objects.filter(subject_id=bob.pk).order_by("id").values_list("action", flat=True)
    assert list(trail) == ["user.create", "user.suspend", "user.activate", "user.export"]
    olga = typed("user_suspend olga@acme.example --org acme --json")
    assert (olga.code, olga.error["message"]) == (4, "This is the last owner of the organization.")


PAGES_WITH_LINKS = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES_WITH_LINKS, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.django_db
def test_the_readme_s_request_finds_whom_it_says() -> None:
    installation_start(actor=policy.system())
    for line in TOUR[:3]:
        typed(line)
    secret = typed("api_key_create --org acme --name Payroll --scope admin:users --json").json["secret"]
    (line,) = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("curl ")]

    _, answer = asked(line, secret, "")

    assert [row["email"] for row in answer.json()["data"]] == ["bob@acme.example"]
