"""The doors open: organizations, members, keys, the trail."""

from accounts.models import APIKey, AuditEvent, AuditPart, Membership, Organization, User
from accounts.secrets import matches, parse
from tests.shell import run

JSON = "--json"


class TestOrganizations:
    """``org_*``."""

    def test_its_life(self, root: User) -> None:
        made = run("org_create", "--slug", "acme", "--name", "Acme Ltd", JSON).json

        assert (made["slug"], made["status"]) == ("acme", "active")
        assert run("org_show", "acme", JSON).json == run("org_show", "--org", made["id"], JSON).json == made
        assert run("org_update", "acme", "--name", "Acme", JSON).json["name"] == "Acme"
        assert run("org_suspend", "acme", "--reason", "unpaid", JSON).json["status_reason"] == "unpaid"
        assert run("org_suspend", "acme", JSON).error["code"] == "CONFLICT"
        assert run("org_activate", "acme", JSON).json["status"] == "active"
        assert run("org_archive", "acme", JSON).json["status"] == "archived"
        assert [row["slug"] for row in run("org_list", JSON, "--order", "slug").json["data"]] == ["acme", "default"]
        actions = AuditEvent.objects.filter(subject_kind="organization").order_by("id").values_list("action", flat=True)
        assert list(actions) == ["org.create", "org.update", "org.suspend", "org.activate", "org.archive"]

    def test_bad_input(self, acme: Organization) -> None:
        assert run("org_create", "--slug", "acme", "--name", "x", JSON).error["fields"] == {"slug": "taken"}
        assert run("org_create", "--slug", "A b", "--name", "x", JSON).error["code"] == "VALIDATION"
        assert run("org_create", "--slug", "ok", "--name", " ", JSON).error["code"] == "VALIDATION"
        assert run("org_update", "acme", JSON).error["code"] == "VALIDATION"
        assert run("org_show", "nowhere", JSON).error["code"] == "NOT_FOUND"
        assert run("org_show", "a\x00b", JSON).error["code"] == "NOT_FOUND"

    def test_a_dry_run(self, acme: Organization) -> None:
        plan = run("org_suspend", "acme", JSON, "--dry-run").json

        assert plan["changes"][0]["after"] == {"status": "suspended"}
        assert Organization.objects.get().status == "active"


class TestMembers:
    """``org_members``."""

    def test_a_guest_comes_and_goes(self, acme: Organization, alice: User, mallory: User) -> None:
        added = run("org_members", "add", mallory.public_id, "--org", "acme", "--role", "moderator", JSON).json

        assert (added["user"], added["home"], added["roles"]) == (mallory.public_id, False, ["member", "moderator"])
        listed = run("org_members", "list", "--org", "acme", JSON).json["data"]
        assert [row["user"] for row in listed] == [alice.public_id, mallory.public_id]
        removed = run("org_members", "remove", "mallory", "--home", "nextdoor", "--org", "acme", JSON)
        assert removed.json == {"id": added["id"], "result": "removed"}
        assert Membership.objects.filter(organization=acme).get().user == alice

    def test_the_home_membership_stays(self, bob: User) -> None:
        assert run("org_members", "remove", bob.public_id, "--org", "acme", JSON).error["code"] == "CONFLICT"

    def test_the_last_owner_stays(self, acme: Organization, mallory: User) -> None:
        run("org_members", "add", mallory.public_id, "--org", "acme", "--role", "owner")

        assert run("org_members", "remove", mallory.public_id, "--org", "acme", JSON).error["code"] == "CONFLICT"


class TestKeys:
    """``api_key_*``."""

    def test_its_life(self, acme: Organization) -> None:
        made = run("api_key_create", "--org", "acme", "--name", "HR", "--scope", "user.show", JSON).json

        key = APIKey.objects.get()
        label = parse("idk", made["secret"])
        assert label is not None
        assert (label[0], matches(label[1], key.secret_hash)) == (key.lookup, True)
        assert made["secret"] not in str(list(AuditEvent.objects.values())) + str(list(AuditPart.objects.values()))
        listed = run("api_key_list", "--org", "acme", JSON)
        assert [row["id"] for row in listed.json["data"]] == [made["id"]]
        assert made["secret"] not in listed.out
        assert run("api_key_revoke", made["id"], JSON).json["revoked_at"]
        assert run("api_key_list", "--org", "acme", JSON).json["data"] == []
        assert len(run("api_key_list", "--org", "acme", "--revoked", JSON).json["data"]) == 1

    def test_bad_input(self, acme: Organization) -> None:
        def code(*words: str) -> str:
            return str(run("api_key_create", "--org", "acme", "--name", "x", JSON, *words).error["code"])

        assert code("--scope", "user.fly") == "VALIDATION"
        assert code("--scope", "org.create") == "VALIDATION"
        assert code("--scope", "user.show", "--expires-at", "400d") == "VALIDATION"
        assert code("--scope", "user.show", "--expires-at", "2020-01-01") == "VALIDATION"
        assert code("--scope", "user.show", "--expires-at", "soon") == "VALIDATION"
        assert run("api_key_revoke", "usr_01h455vb4pex5vsknk084sn02q", JSON).error["code"] == "NOT_FOUND"
        assert APIKey.objects.count() == 0


class TestAudit:
    """``audit_list``, ``audit_verify``."""

    def test_tells_who_did_what_to_whom_and_why(self, bob: User, alice: User) -> None:
        run("user_suspend", "bob", "--org", "acme", "--reason", "Ticket 1")
        run("user_activate", "bob", "--org", "acme")
        run("user_lock", "alice", "--org", "acme")

        rows = run("audit_list", "--org", "acme", JSON, "--subject", "bob").json["data"]

        assert [row["action"] for row in rows] == ["user.activate", "user.suspend"]
        assert (rows[1]["actor"], rows[1]["subject"], rows[1]["door"]) == ("operator", bob.public_id, "cli")
        assert (rows[1]["reason"], rows[1]["detail"]["after"]["status"]) == ("Ticket 1", "suspended")
        assert rows[1]["device"] != ""

    def test_filters(self, bob: User) -> None:
        run("user_suspend", "bob", "--org", "acme")

        def number(*words: str) -> int:
            return len(run("audit_list", "--org", "acme", JSON, *words).json["data"])

        assert number("--action", "user.suspend") == number("--actor", "operator") == number("--since", "1h") == 1
        assert (
            number("--action", "user.lock") == number("--actor", bob.public_id) == number("--until", "2020-01-01") == 0
        )
        assert run("audit_list", "--org", "acme", JSON, "--actor", "somebody").error["code"] == "VALIDATION"

    def test_the_trail_of_next_door_is_another_one(self, bob: User, mallory: User) -> None:
        run("user_suspend", "bob", "--org", "acme")

        assert run("audit_list", "--org", "nextdoor", JSON).json["data"] == []

    def test_verifies(self, bob: User) -> None:
        run("user_suspend", "bob", "--org", "acme")

        result = run("audit_verify", JSON)

        assert (result.code, result.json["result"], result.json["events"]) == (0, "intact", 1)
