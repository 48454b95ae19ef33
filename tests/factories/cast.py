"""The cast, all of it at once; one by one they are fixtures (tests/conftest.py)."""

from types import SimpleNamespace

from tests.factories.organizations import make_guest, make_organization
from tests.factories.users import make_user

__all__ = ["make_cast"]


def make_cast() -> SimpleNamespace:
    """Make everybody."""
    acme, nextdoor = make_organization("acme"), make_organization("nextdoor")
    made = SimpleNamespace(
        alice=make_user(acme, "alice", role="owner"),
        bob=make_user(acme, "bob"),
        carol=make_user(acme, "carol"),
        erin=make_user(acme, "erin", role="admin"),
        frank=make_user(acme, "frank", role="moderator"),
        mallory=make_user(nextdoor, "mallory", role="owner"),
        dave=make_user(nextdoor, "dave"),
        root=make_user(make_organization("default"), "root", role="owner", is_superuser=True),
    )
    make_guest(made.dave, acme)
    return made
