"""People to try the service on: two organizations, some two hundred users with roles and claims; the same each time."""

import random
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.claims import ClaimType, Place
from accounts.identifiers import fold
from accounts.models import Membership, Organization, Role, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.applications import app_create
from accounts.operations.claims import claim_create, user_claims_set
from accounts.operations.invites import user_invite, user_revoke_invite
from accounts.operations.organizations import membership_add, org_create
from accounts.operations.roles import role_assign, role_create
from accounts.operations.sessions import open_session
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.users import user_create

__all__ = ["make_demo"]

SEED: Final = 20_261_121
PEOPLE: Final = 100
SESSIONS: Final = 15
GUESTS: Final = 6
ORGANIZATIONS: Final = {"lindenhof": "Lindenhof Clinic", "tidewater": "Tidewater Logistics"}
ROLES: Final = ("owner", "owner", "admin", "admin", "admin", "moderator", "moderator", "moderator", "moderator")
"""Of the first ones; everybody else is a member."""

PLAIN: Final = str.maketrans({"ł": "l", "đ": "d", "ä": "ae", "ö": "oe", "ü": "ue"})
TAGS: Final = ("vip", "contractor", "night shift", "newsletter", "field staff", "trainee")
DEVICES: Final = ("Chrome/Windows", "Firefox/Linux", "Safari/macOS", "Safari/iOS", "Chrome/Android", "Edge/Windows")
APPLICATIONS: Final = {
    "lindenhof": ("wards", "Wards", {"shift.swap": "Swap one's own shift", "shift.approve": "Approve a swap"}),
    "tidewater": ("fleet", "Fleet", {"vehicle.book": "Book a vehicle", "vehicle.release": "Hand out its keys"}),
}
"""One each, with the words that it defines; who may do all of them is a coordinator."""
TEAMS: Final = {
    "lindenhof": ("Surgery", "Radiology", "Nursing", "Administration"),
    "tidewater": ("Dispatch", "Warehouse", "Workshop", "Administration"),
}
LANGUAGES: Final = ("en", "de", "fr", "es", "pl", "tr", "vi", "ja", "el", "ar")
RECEPTION: Final = ("user.list", "user.show", "user.search", "user.tag")
GIVEN: Final = 35
"""Among how many of the last ones more roles are given out."""
SPOKEN_OF: Final = 20
"""How many people claims say something of."""
HOLDS: Final = (
    ("suspend", "left the company"),
    ("suspend", "on long leave"),
    ("suspend", "unpaid membership"),
    ("suspend", "asked for by their manager"),
    ("lock", "sign-ins from an unusual place"),
    ("lock", "lost laptop"),
    ("archive", "retired"),
    ("archive", "account made twice"),
    ("restrict", "disputes the accuracy of the record"),
)
"""Of some: what was done to them, and why."""


class Names(NamedTuple):
    """How people of one language are called."""

    locale: str
    zoneinfo: str
    given: tuple[str, ...]
    family: tuple[str, ...]


NAMES: Final = (
    Names(
        "en-GB",
        "Europe/London",
        ("Amelia", "Oliver", "Isla", "Harry", "Poppy", "Callum", "Niamh", "Rhys"),
        ("Hughes", "O'Connor", "Fletcher", "Whitaker", "Macleod", "Ashworth", "Pryce"),
    ),
    Names(
        "de-DE",
        "Europe/Berlin",
        ("Jürgen", "Anneliese", "Lukas", "Käthe", "Matthias", "Sabine", "Jörg"),
        ("Müller", "Größmann", "Schäfer", "Vogel", "von Brandt", "Weiß"),
    ),
    Names(
        "fr-FR",
        "Europe/Paris",
        ("Chloé", "François", "Élodie", "Théo", "Margaux", "Benoît"),
        ("Lefèvre", "Dubois", "Garçon", "Moreau", "d'Aubigny"),
    ),
    Names(
        "es-MX",
        "America/Mexico_City",
        ("Lucía", "Íñigo", "Ximena", "Andrés", "Begoña", "Tomás"),
        ("Muñoz", "García Márquez", "Hernández", "Ibáñez", "Peña"),
    ),
    Names(
        "pl-PL",
        "Europe/Warsaw",
        ("Łukasz", "Agnieszka", "Michał", "Zofia", "Wojciech"),
        ("Wiśniewski", "Kowalczyk", "Żak", "Dąbrowska"),
    ),
    Names("tr-TR", "Europe/Istanbul", ("Elif", "Oğuz", "Şebnem", "Emre"), ("Öztürk", "Güneş", "Demir")),
    Names("vi-VN", "Asia/Ho_Chi_Minh", ("Ngọc", "Quang", "Thảo", "Đức"), ("Nguyễn", "Trần", "Phạm")),
    Names("ja-JP", "Asia/Tokyo", ("葵", "陽菜", "大翔", "蓮"), ("佐藤", "鈴木", "高橋")),
    Names("el-GR", "Europe/Athens", ("Ελένη", "Νίκος", "Γιώργος"), ("Παπαδόπουλος", "Δημητρίου")),
    Names("ar-EG", "Africa/Cairo", ("ليلى", "يوسف", "مريم"), ("حسن", "المصري")),
)


def make_demo(*, actor: Actor) -> int:
    """Make the organizations and their people, through the operations, so that the trail tells it; says how many.

    All in one transaction; again changes nothing.

    :raises NotAllowed: for everybody but the operator and super-users
    """
    if Organization.objects.filter(slug__in=ORGANIZATIONS).exists():
        return 0
    chance = random.Random(SEED)  # noqa: S311 -- the same people each time
    with transaction.atomic():
        made = {slug: _populate(actor, chance, slug, name) for slug, name in ORGANIZATIONS.items()}
        here, there = made.values()
        for guests, hosts in ((here, there), (there, here)):
            for guest in guests[-GUESTS:]:
                membership_add(actor=actor, organization=hosts[0].organization, user=guest, reason="works with us")
    return sum(len(people) for people in made.values())


def _populate(actor: Actor, chance: random.Random, slug: str, name: str) -> list[User]:
    organization = org_create(actor=actor, slug=slug, name=name)
    taken: set[str] = set()
    people = [_make_person(actor, chance, organization, number, taken) for number in range(PEOPLE)]
    holds = dict(zip(chance.sample(range(len(ROLES), PEOPLE - GUESTS), len(HOLDS)), HOLDS, strict=True))
    for number, person in enumerate(people):
        if number in holds:
            verb, reason = holds[number]
            STATUS_VERBS[verb].run(actor=actor, user=person, reason=reason)
    live = [person for number, person in enumerate(people) if number not in holds]
    for person in chance.sample(live, SESSIONS):
        _sign_in(chance, person)
    _give_roles(actor, chance, organization, live[-GIVEN:])
    _say(actor, chance, organization, live)
    _invite(actor, organization)
    return people


def _give_roles(actor: Actor, chance: random.Random, organization: Organization, members: list[User]) -> None:
    """Define an application with its roles and a role of the organization, and give them to some."""
    slug, name, words = APPLICATIONS[organization.slug]
    application = app_create(actor=actor, organization=organization, slug=slug, name=name, permissions=words)
    coordinator, everyday = (
        role_create(
            actor=actor,
            organization=organization,
            application=application,
            slug=role,
            name=role.capitalize(),
            permissions=held,
        )
        for role, held in (("coordinator", list(words)), ("user", list(words)[:1]))
    )
    reception = role_create(
        actor=actor,
        organization=organization,
        slug="reception",
        name="Reception",
        description="Looks people up and tags them.",
        permissions=RECEPTION,
    )
    soon = timezone.now() + timedelta(days=21)
    given = ((coordinator, 3, None), (everyday, 8, None), (reception, 4, None), (coordinator, 1, soon))
    for role, number, until in given:
        for person in chance.sample(members, number):
            _assign(actor, person, role, until)


def _assign(actor: Actor, person: User, role: Role, until: datetime | None) -> None:
    home = Membership.objects.get(user=person, organization_id=person.organization_id)
    role_assign(actor=actor, membership=home, role=role, until=until)


def _say(actor: Actor, chance: random.Random, organization: Organization, live: list[User]) -> None:
    """Define claims, and let them say something of some."""
    teams = TEAMS[organization.slug]
    team, languages, since = (
        claim_create(actor=actor, organization=organization, **defined)
        for defined in (
            {
                "name": "team",
                "type": ClaimType.STRING,
                "schema": {"enum": list(teams)},
                "appears_in": [Place.ID_TOKEN, Place.USERINFO],
                "description": "Where somebody works.",
            },
            {
                "name": "languages",
                "type": ClaimType.STRINGS,
                "is_editable": True,
                "appears_in": [Place.USERINFO],
                "description": "What somebody speaks; people set it of themselves.",
            },
            {"name": "employed_since", "type": ClaimType.DATE, "description": "The first day of work."},
        )
    )
    for person in chance.sample(live, SPOKEN_OF):
        user_claims_set(actor=actor, user=person, definition=team, value=chance.choice(teams))
        spoken = sorted(chance.sample(LANGUAGES, chance.choice((1, 2, 2, 3))))
        user_claims_set(actor=actor, user=person, definition=languages, value=spoken)
        first_day = f"20{chance.randrange(10, 26)}-{chance.randrange(1, 13):02}-01"
        user_claims_set(actor=actor, user=person, definition=since, value=first_day)


def _invite(actor: Actor, organization: Organization) -> None:
    """Invite somebody, whose link is handed over; make an open link, and one that is revoked. No letter is sent."""
    newcomer = f"new.colleague@{organization.slug}.example"
    user_invite(
        actor=actor,
        organization=organization,
        email=newcomer,
        profile={"given_name": "Robin", "family_name": "Newcomer"},
        message="Welcome! Your desk is ready on Monday.",
        print_link=True,
    )
    user_invite(actor=actor, organization=organization, max_uses=25, tags=["trainee"])
    mistaken = user_invite(actor=actor, organization=organization, max_uses=500, tags=["contractor"])
    user_revoke_invite(actor=actor, invite=mistaken.invite, reason="too many uses")


def _make_person(actor: Actor, chance: random.Random, organization: Organization, number: int, taken: set[str]) -> User:
    names = chance.choice(NAMES)
    given, family = chance.choice(names.given), chance.choice(names.family)
    username = f"{organization.slug[:4]}{number + 1:03}"
    mailbox = _mailbox((given, family), username, taken)
    user = user_create(
        actor=actor,
        organization=organization,
        email=f"{mailbox}@{organization.slug}.example",
        username=username,
        profile={"given_name": given, "family_name": family, "locale": names.locale, "zoneinfo": names.zoneinfo},
        verified=chance.random() < 0.85,
        roles=[ROLES[number]] if number < len(ROLES) else [],
        tags=chance.sample(TAGS, chance.choice((0, 0, 0, 1, 1, 2))),
    )
    now = timezone.now()
    joined = now - timedelta(days=chance.randrange(30, 900), minutes=chance.randrange(1440))
    seen = joined + (now - joined) * chance.random() ** 0.3 if chance.random() < 0.8 else None
    User.objects.filter(pk=user.pk).update(created_at=joined, last_sign_in_at=seen)
    return user


def _mailbox(names: tuple[str, str], username: str, taken: set[str]) -> str:
    """Give a mailbox from a name, the username where the name has other letters or is taken."""
    plain = [unicodedata.normalize("NFKD", fold(name).translate(PLAIN)).encode("ascii", "ignore") for name in names]
    mailbox = ".".join(re.sub(r"[^a-z]", "", name.decode()) for name in plain)
    chosen = username if mailbox.startswith(".") or mailbox.endswith(".") or mailbox in taken else mailbox
    taken.add(chosen)
    return chosen


def _sign_in(chance: random.Random, person: User) -> None:
    """Open a session some time ago; nobody has its key."""
    where = {"ip": f"192.0.2.{chance.randrange(1, 255)}", "device": chance.choice(DEVICES)}
    user = User.objects.locked(person)
    key_hash = session_key_hash(secrets.token_urlsafe(32))
    session = open_session(policy.anonymous(door=Door.PAGE, **where), user, key_hash=key_hash)
    opened = session.created_at - timedelta(minutes=chance.randrange(1, 600))
    User.objects.filter(pk=user.pk).update(last_sign_in_at=opened)
    seen = opened + (session.created_at - opened) * chance.random()
    Session.objects.filter(pk=session.pk).update(created_at=opened, last_active_at=seen)
