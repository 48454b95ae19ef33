"""What is handed over: everything of the person and nothing of anybody else, the same in every format."""

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import load_command_class
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from accounts.actors import Actor
from accounts.cells import csv_cell, text_of
from accounts.errors import Conflict, Invalid, NotAllowed
from accounts.keys import Purpose, keyring
from accounts.models import AuditEvent, Invite, Organization, User
from accounts.operations.invites import user_invite
from accounts.operations.users import user_tag, user_update
from accounts.statuses import Status
from gdpr.models import PrivacyTerms
from gdpr.operations.copies import SCHEMA_VERSION, Copy, Scope, map_digest, parts
from gdpr.operations.erasure import user_purge
from gdpr.operations.exports import export_write, user_export
from gdpr.operations.renderings import FORMATS, export_schema, written
from gdpr.operations.snapshots import snapshot
from gdpr.personal_data import TABLES
from gdpr.registry import Section
from tests.factories.roles import give_custom, make_application, make_role
from tests.gdpr.canaries import Canary, planted
from tests.shell import Terminal, run

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent / "golden" / f"export-{SCHEMA_VERSION}.json"
SECTIONS = [
    "profile", "organization", "memberships", "roles", "claims", "tags", "metadata", "sessions", "factors",
    "connections", "authorizations", "api_keys", "invites", "letters", "audit_events", "requests", "holds",
]  # fmt: skip
NASTY = "<script>alert('1')</script> & \"zwei\"\nüß 漢 \u202e=1+1"


def copied(user: User, form: str = "json", scope: Scope = Scope.ACCESS) -> bytes:
    """Write a copy into memory."""
    file = io.BytesIO()
    written(Copy(user.pk, scope), form, file)
    return file.getvalue()


def document(user: User, scope: Scope = Scope.ACCESS) -> dict[str, Any]:
    """Give the JSON, read."""
    read: dict[str, Any] = json.loads(copied(user, scope=scope))
    return read


def records(read: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Give the records of a section."""
    found: list[dict[str, Any]] = read["sections"][section]["records"]
    return found


class TestCanaries:
    """A person of whom everything is filled, beside a twin in the same organization."""

    @pytest.fixture
    def bobs(self, bob: User, carol: User) -> list[Canary]:
        """Everything about bob."""
        return planted(bob, carol)

    @pytest.fixture
    def carols(self, carol: User, bobs: list[Canary], erin: User) -> list[Canary]:
        """Everything about carol."""
        return planted(carol, erin)

    @pytest.mark.parametrize("form", ["json", "html"])
    def test_all_of_the_persons_are_in_it(self, bobs: list[Canary], carols: list[Canary], bob: User, form: str) -> None:
        text = copied(bob, form).decode()
        wanted = [canary for canary in bobs if canary.text and canary.is_exported]

        assert len(wanted) > 100
        assert [canary for canary in wanted if canary.text not in text] == []

    @pytest.mark.parametrize("form", FORMATS)
    def test_no_secret_and_nothing_withheld_is(self, bobs: list[Canary], bob: User, form: str) -> None:
        text = _all_text(copied(bob, form), form)
        shown = {canary.text for canary in bobs if canary.is_exported}
        hidden = [canary for canary in bobs if canary.text and not canary.is_exported and canary.text not in shown]

        assert len(hidden) >= 10
        assert any(canary.is_secret for canary in hidden)
        assert [canary for canary in hidden if canary.text in text] == []

    @pytest.mark.parametrize("form", FORMATS)
    def test_nothing_of_the_twin_is(
        self, bobs: list[Canary], carols: list[Canary], bob: User, carol: User, form: str
    ) -> None:
        text = _all_text(copied(bob, form), form)

        assert len(carols) > 100
        assert [canary for canary in carols if canary.text and canary.text in text] == []
        assert [word for word in (carol.public_id, str(carol.pk), carol.pk.hex, "carol") if word in text] == []

    def test_a_role_is_named_with_its_application(self, bob: User, acme: Organization) -> None:
        give_custom(
            bob,
            make_role(acme, "clerk", "billing.refund", application=make_application(acme, "billing", "billing.refund")),
        )

        assert sorted(record["role"] for record in records(document(bob), "roles")) == ["billing/clerk", "member"]

    def test_what_somebody_wrote_in_an_invite_is_theirs_and_whoever_it_is_for_sees_it(
        self, erin: User, acme: Organization, acting: Callable[[User], Actor], operator: Actor
    ) -> None:
        made = user_invite(actor=acting(erin), organization=acme, email="kim@example.com", message="See you on Monday.")
        user_invite(actor=operator, organization=acme, email="lee@example.com", message="Not erin's words.")
        assert made.invite.user is not None

        theirs, whose_invite = records(document(erin), "invites"), records(document(made.invite.user), "invites")

        assert [record["message"] for record in theirs if "message" in record] == ["See you on Monday."]
        assert "kim@example.com" not in json.dumps(theirs)
        assert "See you on Monday." in [record.get("message") for record in whose_invite]
        made.invite.refresh_from_db()
        user_purge(actor=operator, user=erin)
        assert set(Invite.objects.values_list("message", flat=True)) == {"", "Not erin's words."}

    def test_every_table_about_people_is_in_a_section(self) -> None:
        shown = {part.entry.name for part in parts(Scope.ACCESS)} | {"accounts_auditpart"}
        about = {
            entry.name
            for entry in TABLES
            if any(column.whose and column.export != "no" for column in entry.columns.values())
        }
        assert about == shown

    def test_what_is_portable_is_less_and_says_so(self, bobs: list[Canary], bob: User) -> None:
        text = copied(bob, scope=Scope.PORTABILITY).decode()
        read = json.loads(text)
        own = [canary for canary in bobs if canary.text and canary.described.is_portable]
        shown = {canary.text for canary in own}  # a key to compare by may be the same text
        others = [canary for canary in bobs if canary.text and canary.text not in shown]

        assert [canary for canary in own if canary.text not in text] == []
        assert [canary for canary in others if canary.text in text] == []
        assert own
        assert others
        assert (read["scope"], read["request"]["articles"]) == ("portability", ["20"])
        assert "access" in read["withheld"][0]["reason"]
        jsonschema.Draft202012Validator(export_schema()).validate(read)

    def test_the_formats_hold_equal_values(self, bobs: list[Canary], bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(bio=NASTY, name="=HYPERLINK(1)", metadata={"<b>": [1, NASTY]})
        archive = zipfile.ZipFile(io.BytesIO(copied(bob, "zip")))
        read = json.loads(archive.read("data.json"))
        page = _Page()
        page.feed(archive.read("index.html").decode())

        expected = [
            (record["record"], {key: text_of(value) for key, value in record.items() if key != "record"})
            for section in SECTIONS
            for record in records(read, section)
        ]
        assert page.records == expected
        assert not page.strange
        for section in SECTIONS:
            lines = list(csv.DictReader(io.StringIO(archive.read(f"csv/{section}.csv").decode(), newline="")))
            for line, record in zip(lines, records(read, section), strict=True):
                assert {key for key, cell in line.items() if cell} <= set(record)
                assert line == {key: csv_cell(record.get(key)) for key in line}
        assert "'=HYPERLINK(1)" in archive.read("csv/profile.csv").decode()

    def test_it_is_as_the_schema_says(self, bobs: list[Canary], bob: User) -> None:
        schema = export_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        read = document(bob)

        assert list(validator.iter_errors(read)) == []
        assert list(validator.iter_errors({**read, "extra": 1}))
        assert list(validator.iter_errors({**read, "schema_version": "2.0.0"}))
        records(read, "profile")[0]["shoe_size"] = 43
        assert list(validator.iter_errors(read))

    def test_whoever_reads_an_earlier_version_reads_this_one(self, bobs: list[Canary], bob: User) -> None:
        kept = [json.loads(path.read_text()) for path in sorted(GOLDEN.parent.glob("export-1.*.json"))]
        now = json.loads(GOLDEN.read_text())

        jsonschema.Draft202012Validator(export_schema()).validate(now)
        assert now["schema_version"] == SCHEMA_VERSION, "keep the old file, and add one of the new version"
        assert len(kept) == 1
        for golden in kept:
            assert _shape(golden) - _shape(document(bob)) == set()


class _Page(HTMLParser):
    """Reads the records out of the page, and what has no business in it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, dict[str, str]]] = []
        self.strange: list[str] = []
        self.field = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "iframe", "img", "link", "object", "form"} or any(key.startswith("on") for key in given):
            self.strange.append(tag)
        if (given.get("href") or "#")[0] != "#":
            self.strange.append(f"{tag} {given['href']}")
        if record := given.get("data-record"):
            self.records.append((record, {}))
        if field := given.get("data-field"):
            self.field = field
            self.records[-1][1][field] = ""

    def handle_data(self, data: str) -> None:
        if self.field:
            self.records[-1][1][self.field] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"dd", "td"}:
            self.field = ""


def _all_text(raw: bytes, form: str) -> str:
    if form != "zip":
        return raw.decode()
    archive = zipfile.ZipFile(io.BytesIO(raw))
    return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def _shape(value: Any, path: str = "") -> set[str]:
    """Give every path of a document, with the kind of value there; what is empty somewhere may be of any kind."""
    if isinstance(value, dict):
        here = f"{path}[{value['record']}]" if "record" in value else path
        return {line for key, part in value.items() for line in _shape(part, f"{here}.{key}")} | {here}
    if isinstance(value, list):
        return {line for part in value for line in _shape(part, f"{path}[]")}
    return set() if value is None else {f"{path}: {type(value).__name__}"}


class TestDocument:
    """What stands around the records, and who is named in them."""

    def test_every_section_is_there_even_empty(self, bob: User) -> None:
        read = document(bob)

        assert list(read["sections"]) == SECTIONS == [str(section) for section in Section]
        assert records(read, "claims") == records(read, "holds") == []
        assert read["counts"] == {section: len(records(read, section)) for section in SECTIONS}
        assert [record["email"] for record in records(read, "profile")] == ["bob@acme.example"]
        assert records(read, "organization") == [{"record": "accounts_user", "organization": "acme"}]
        assert [record["role"] for record in records(read, "roles")] == ["member"]

    def test_it_says_why_from_where_for_whom_and_how_long(self, bob: User) -> None:
        PrivacyTerms.objects.create(organization=bob.organization, contact="privacy@acme.example")
        read = document(bob)
        information = read["information"]

        assert all(information.values())
        assert read["controller"]["contact"] == "privacy@acme.example"
        assert read["generator"]["map_sha256"] == map_digest()
        assert read["subject"]["identifiers"][0] == {"type": "email", "value": "bob@acme.example", "verified": False}
        for section in SECTIONS:
            for table in read["sections"][section]["tables"]:
                assert all(field["purpose"] and field["basis"] for field in table["fields"].values())

    def test_a_secret_is_shown_as_present(self, bob: User) -> None:
        assert records(document(bob), "profile")[0]["password"] == "present"  # noqa: S105

        bob.set_unusable_password()
        bob.save()
        assert records(document(bob), "profile")[0]["password"] is None

    def test_others_are_persons_with_a_number_and_their_role(
        self, bob: User, erin: User, carol: User, acting: Callable[[User], Actor]
    ) -> None:
        user_tag(actor=acting(erin), user=bob, tags=["a"], reason="because")
        user_update(actor=acting(bob), user=bob, changes={"nickname": "B"})
        user_tag(actor=acting(erin), user=bob, tags=["b"])

        events = records(document(bob), "audit_events")

        assert [event["actor"] for event in events] == ["person 1, admin", bob.public_id, "person 1, admin"]
        assert {event["subject"] for event in events} == {bob.public_id}
        assert events[0]["details"]["subject"]["reason"] == "because"
        assert set(events[0]["details"]) == {"subject"}  # erin's device and address are erin's
        assert set(events[1]["details"]) == {"subject", "actor", "network"}

    def test_what_the_person_did_to_others_names_nobody_and_is_counted(
        self, erin: User, carol: User, acting: Callable[[User], Actor]
    ) -> None:
        user_tag(actor=acting(erin), user=carol, tags=["a"], reason="carol is late")
        text = copied(erin).decode()
        (event,) = records(json.loads(text), "audit_events")

        assert (event["actor"], event["subject"], event["person"]) == (erin.public_id, "person 1", "person 1")
        assert set(event["details"]) == {"actor", "network"}
        assert "late" not in text
        assert carol.public_id not in text
        (withheld,) = [entry for entry in json.loads(text)["withheld"] if entry["rows"] is not None]
        assert (withheld["record"], withheld["rows"]) == ("accounts_auditpart", 1)

    def test_what_is_left_out_says_why(self, bob: User) -> None:
        withheld = document(bob)["withheld"]
        reasons = {(entry["record"], field): entry["reason"] for entry in withheld for field in entry["fields"]}

        assert reasons["accounts_user", "password"] == "a security secret; only that it is there"
        assert "copy" in reasons["accounts_usersearch", "text"]
        assert all(entry["reason"] for entry in withheld)

    def test_the_order_is_stable(self, bob: User, carol: User) -> None:
        planted(bob, carol)
        first, second = document(bob), document(bob)

        assert first["sections"] == second["sections"]

    @pytest.mark.parametrize("form", ["html", "zip"])
    def test_memory_does_not_grow_with_the_trail(self, bob: User, acme: Organization, form: str) -> None:
        class Nowhere(io.RawIOBase):
            def write(self, data: Any) -> int:
                return len(data)

        def peak() -> int:
            tracemalloc.start()
            written(Copy(bob.pk, Scope.ACCESS), form, Nowhere())  # type: ignore[arg-type]
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        make_events(bob, acme, 2_500)
        peak()  # what is read once and kept
        few = peak()
        make_events(bob, acme, 5_000)
        many = peak()

        assert many < 1.5 * few

    def test_an_archive_reads_everything_once(self, bob: User, acme: Organization) -> None:
        make_events(bob, acme, 3)
        copy = Copy(bob.pk, Scope.ACCESS)

        written(copy, "zip", io.BytesIO())

        assert copy.seen == sum(copy.count().values())


def make_events(user: User, organization: Organization, number: int) -> None:
    """Put events about somebody into the trail, past the chain."""
    start = AuditEvent.objects.filter(chain=user.pk).count()
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                chain=user.pk,
                sequence=start + sequence,
                key_id="k",
                action="user.update",
                outcome="done",
                actor_kind="user",
                actor_id=user.pk,
                subject_kind="user",
                subject_id=user.pk,
                person_id=user.pk,
                organization_id=organization.pk,
                door="api",
                request_id="r" * 32,
                occurred_at=user.created_at,
                hash="h",
            )
            for sequence in range(number)
        ),
        batch_size=500,
    )


class TestArchive:
    """The ZIP proves what is in it."""

    @pytest.fixture
    def archive(self, bob: User) -> Iterator[zipfile.ZipFile]:
        """A ZIP about bob."""
        with zipfile.ZipFile(io.BytesIO(copied(bob, "zip"))) as opened:
            yield opened

    def test_holds_what_was_promised(self, archive: zipfile.ZipFile) -> None:
        names = [f"csv/{section}.csv" for section in SECTIONS]
        assert archive.namelist() == [
            "data.json", "index.html", *names, "schema.json", "README.txt", "manifest.json", "manifest.sig"
        ]  # fmt: skip
        assert archive.testzip() is None
        assert json.loads(archive.read("schema.json")) == export_schema()

    def test_the_manifest_fits_and_is_signed(self, archive: zipfile.ZipFile) -> None:
        raw = archive.read("manifest.json")
        manifest = json.loads(raw)
        key = keyring().current(Purpose.RECEIPT)

        assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json", "manifest.sig"}
        for name, told in manifest["files"].items():
            content = archive.read(name)
            assert told == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        assert manifest["counts"] == json.loads(archive.read("data.json"))["counts"]
        assert manifest["map_sha256"] == map_digest()
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["public_key"]))
        assert manifest["key_id"] == key.id
        assert public.public_bytes_raw() == key.signing_key.public_key().public_bytes_raw()
        public.verify(archive.read("manifest.sig"), raw)

    def test_the_page_needs_nothing_from_outside(self, archive: zipfile.ZipFile) -> None:
        page = archive.read("index.html").decode()

        assert "://" not in page.replace("Identity", "")
        assert "<script" not in page
        assert "@media print" in page
        assert "prefers-color-scheme: dark" in page
        assert page.count("<h1>") == 1


class TestSnapshot:
    """One moment, while others write."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_shows_the_moment_it_was_taken_and_blocks_nobody(self, bob: User) -> None:
        with snapshot() as using:
            copy = Copy(bob.pk, Scope.ACCESS, using)
            before = [record for part in copy.parts_of(Section.PROFILE) for record in copy.records(part)]
            User.objects.filter(pk=bob.pk).update(nickname="meanwhile")
            after = [record for part in copy.parts_of(Section.PROFILE) for record in copy.records(part)]
            assert using != "default"

        assert before == after
        assert User.objects.get(pk=bob.pk).nickname == "meanwhile"
        assert records(document(bob), "profile")[0]["nickname"] == "meanwhile"

    def test_writes_nothing(self, bob: User) -> None:
        with pytest.raises(DatabaseError), snapshot() as using:
            User.objects.using(using).filter(pk=bob.pk).update(nickname="no")

        assert User.objects.get(pk=bob.pk).nickname == ""

    def test_leaves_no_connection(self, bob: User) -> None:
        with snapshot() as using:
            assert connections[using].vendor == connection.vendor

        assert not hasattr(connections._connections, using)  # type: ignore[attr-defined]

    def test_every_format_comes_of_it(self, bob: User, carol: User, operator: Actor) -> None:
        with transaction.atomic():
            planted(bob, carol)
        for form in FORMATS:
            file = io.BytesIO()
            export_write(actor=operator, user=bob, form=form, file=file)
            assert bob.public_id in _all_text(file.getvalue(), form)


class TestOperation:
    """``user_export``: recorded, and refused where there is nothing left."""

    def test_is_recorded_and_is_in_the_copy_itself(
        self, bob: User, erin: User, acting: Callable[[User], Actor], last_event: Callable[[], AuditEvent]
    ) -> None:
        file = io.BytesIO()
        export_write(actor=acting(erin), user=bob, reason="asked by letter", file=file)

        event = last_event()
        assert (event.action, event.subject_id) == ("user.export", bob.pk)
        assert event.part("subject") == {"reason": "asked by letter", "scope": "access", "format": "json"}
        assert records(json.loads(file.getvalue()), "audit_events")[-1]["action"] == "user.export"

    @pytest.mark.parametrize("status", [Status.PURGING, Status.PURGED])
    def test_of_the_erased_is_refused(
        self, bob: User, operator: Actor, status: Status, everything: Callable[[], Any]
    ) -> None:
        gone = dict.fromkeys(["email", "email_key", "username", "username_key"]) if status is Status.PURGED else {}
        User.objects.filter(pk=bob.pk).update(status=status, **gone)
        before, events = everything(), AuditEvent.objects.count()

        with pytest.raises(Conflict):
            user_export(actor=operator, user=bob)

        assert everything() == before
        assert AuditEvent.objects.count() == events

    @pytest.mark.parametrize("status", [Status.RESTRICTED, Status.ARCHIVED, Status.SUSPENDED])
    def test_of_whoever_else_is_possible(self, bob: User, operator: Actor, status: Status) -> None:
        before = Status.ACTIVE if status is Status.RESTRICTED else ""
        User.objects.filter(pk=bob.pk).update(status=status, status_before=before)

        user_export(actor=operator, user=bob)

    @pytest.mark.parametrize("wrong", [{"scope": "all"}, {"form": "pdf"}])
    def test_what_cannot_be_is_named(self, bob: User, operator: Actor, wrong: dict[str, Any]) -> None:
        with pytest.raises(Invalid) as refused:
            user_export(actor=operator, user=bob, **wrong)

        assert set(refused.value.fields) == {"format" if "form" in wrong else "scope"}
        assert not AuditEvent.objects.filter(action="user.export").exists()

    def test_of_the_more_powerful_is_refused_and_recorded(
        self, alice: User, erin: User, acting: Callable[[User], Actor], everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(NotAllowed):
            user_export(actor=acting(erin), user=alice)

        assert everything() == before
        assert AuditEvent.objects.get(action="user.export").outcome == "refused"


class TestCommand:
    """``manage.py user_export``."""

    def test_prints_json(self, bob: User) -> None:
        result = run("user_export", "bob", "--org", "acme")

        assert (result.code, result.err) == (0, "")
        assert result.json["subject"]["id"] == bob.public_id

    @pytest.mark.parametrize("form", FORMATS)
    def test_writes_a_file_for_its_owner_alone(self, bob: User, tmp_path: Path, form: str) -> None:
        target = tmp_path / f"bob.{form}"
        result = run("user_export", bob.public_id, "--format", form, "--output", str(target))

        assert (result.code, result.out) == (0, "")
        assert target.stat().st_mode & 0o777 == 0o600
        assert bob.public_id in _all_text(target.read_bytes(), form)
        assert [path.name for path in tmp_path.iterdir()] == [target.name]

    def test_a_zip_goes_down_a_pipe(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        piped = io.TextIOWrapper(io.BytesIO())
        monkeypatch.setattr("sys.stdout", piped)
        command: Any = load_command_class("gdpr", "user_export")
        command.run_from_argv(["manage.py", "user_export", bob.public_id, "--format", "zip"])

        assert "manifest.sig" in zipfile.ZipFile(piped.buffer).namelist()

    @pytest.mark.parametrize("form", ["html", "zip"])
    def test_nothing_but_json_is_for_a_terminal(self, bob: User, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        command: Any = load_command_class("gdpr", "user_export")
        with pytest.raises(SystemExit) as ended:
            command.run_from_argv(["manage.py", "user_export", bob.public_id, "--format", form])

        assert ended.value.code == 4
        assert terminal.getvalue() == ""
        assert not AuditEvent.objects.filter(action="user.export").exists()

    def test_a_bare_format_is_no_file(self, bob: User) -> None:
        result = run("user_export", bob.public_id, "--output", "zip")

        assert result.code == 4
        assert "--format zip" in result.err


def test_everybody_may_read_the_schema() -> None:
    answer = Client().get("/api/schema/personal-data-export.json")

    assert (answer.status_code, answer.json()) == (200, export_schema())
    assert Client().post("/api/schema/personal-data-export.json").status_code == 405
