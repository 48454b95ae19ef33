"""What entries of the map share: why anything is held, what erasure leaves, who sees it, what is not shown."""

from gdpr.registry import Basis, Days, Exemption, Life, Purpose, Recipient, Retain

__all__ = [
    "ACCESS",
    "ACCOUNT",
    "ADDRESS",
    "ANSWERED",
    "AUDIT",
    "AUTOMATED_DECISIONS",
    "COPY",
    "LETTERS",
    "MENTION",
    "OPERATION",
    "PROOF",
    "RECIPIENTS",
    "RIGHTS",
    "SECURITY",
    "SIGN_IN",
    "TECHNICAL",
    "TOMBSTONE",
    "TRAIL",
    "TRANSFERS",
]

# --- why anything is held --------------------------------------------------------------------
ACCOUNT = Purpose("account", "Keep the account that the person has with their organization", Basis.CONTRACT)
SIGN_IN = Purpose("sign-in", "Let the person in, and nobody else in their name", Basis.CONTRACT)
ACCESS = Purpose("access", "Let the person do what their roles permit", Basis.CONTRACT)
LETTERS = Purpose("letters", "Tell the person what concerns their account", Basis.CONTRACT)
SECURITY = Purpose("security", "Find misuse of an account and stop it", Basis.LEGITIMATE_INTEREST)
AUDIT = Purpose("audit", "Show who did what, when, through which door", Basis.LEGITIMATE_INTEREST)
RIGHTS = Purpose(
    "rights", "Answer what people ask for about their data, and show that it was done", Basis.LEGAL_OBLIGATION
)
OPERATION = Purpose("operation", "Run the service and mend it", Basis.LEGITIMATE_INTEREST)

# --- what erasure leaves, and why ------------------------------------------------------------
TOMBSTONE = Retain(
    why="so that the id is never given to somebody else",
    basis=Basis.LEGITIMATE_INTEREST,
    exemption=Exemption.CLAIMS,
    until=Life.ORGANIZATION,
)
TRAIL = Retain(
    why="so that it stays provable what was done; plain ids, nothing that names a person",
    basis=Basis.LEGITIMATE_INTEREST,
    exemption=Exemption.CLAIMS,
    until=Life.ORGANIZATION,
)

PROOF = Retain(
    why="so that it can be shown that, when and how thoroughly the person was erased; plain ids",
    basis=Basis.LEGAL_OBLIGATION,
    exemption=Exemption.LEGAL_OBLIGATION,
    until=Life.ORGANIZATION,
)
ANSWERED = Retain(
    why="so that it can be shown that the request was answered, and when; plain ids and dates",
    basis=Basis.LEGAL_OBLIGATION,
    exemption=Exemption.LEGAL_OBLIGATION,
    until=Days(1_095, after="closed_at"),
)

# --- who else sees it -------------------------------------------------------------------------
RECIPIENTS = (
    Recipient("owners and admins of the organization that owns the account", "everything but secrets"),
    Recipient("moderators of that organization", "profile, status, roles, tags and claims"),
    Recipient("owners and admins of organizations where the person is a guest", "name, e-mail address, membership"),
    Recipient("whoever runs the service", "everything but secrets, to run and mend it"),
    Recipient("the mail server", "the e-mail address, and the letters to it"),
)
TRANSFERS = "The service itself sends nothing to third countries; the organization says where it is run."
AUTOMATED_DECISIONS = "None: nothing is decided about people by automated processing alone (Art. 22)."

# --- what a person is not shown, and why -----------------------------------------------------
COPY = "a copy of other columns, for comparing, sorting and searching"
MENTION = "about the organization; a person can only be mentioned in it"
ADDRESS = "the address at which it is asked for says it"
TECHNICAL = "the state of a program, readable by that program alone"
