"""The map of personal data: every column of every table, what it is, whose, why, and what becomes of it.

For whoever answers for privacy to read, and for whoever adds a column to extend: docs/personal-data.md
says what the words mean. What a table says holds for each of its columns that says nothing else itself.
``manage.py gdpr_coverage`` prints it; ``manage.py check`` compares it with the models.
"""

from typing import Final

from gdpr.registry import (
    ANYWHERE,
    SELF,
    SOMEBODY,
    Basis,
    Category,
    CopyOf,
    Days,
    Erase,
    Exemption,
    Export,
    Lapse,
    Life,
    Link,
    Log,
    Match,
    Overwrite,
    PlainID,
    Purpose,
    Recipient,
    Retain,
    Section,
    Source,
    Table,
    free_text,
    identifier,
    nobody,
    operational,
    personal,
    secret,
    table,
)

__all__ = ["AUTOMATED_DECISIONS", "RECIPIENTS", "TABLES", "TRANSFERS"]

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
    Recipient("moderators of that organization", "profile, status, roles and tags"),
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

ORGANIZATIONS = (
    table(
        "accounts_installation",
        "The installation: one row",
        columns={
            "id": nobody(),
            "created_at": nobody(),
            "swept_at": nobody(),
        },
    ),
    table(
        "accounts_organization",
        "Organizations",
        organization=SELF,
        purpose=OPERATION,
        source=Source.ORGANIZATION,
        retention=(Life.ORGANIZATION,),
        columns={
            "id": nobody(),
            "slug": nobody(),
            "name": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
            "status": nobody(),
            "status_reason": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
            "version": nobody(),
            "created_at": nobody(),
            "updated_at": nobody(),
        },
    ),
    table(
        "accounts_membership",
        "Who belongs to which organization, at home or as a guest",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=ACCESS,
        source=Source.ORGANIZATION,
        section=Section.MEMBERSHIPS,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(),
            "organization_id": personal(Category.WORK),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "created_at": operational(),
        },
    ),
    table(
        "accounts_application",
        "What people sign in to",
        organization=Link("organization"),
        purpose=ACCESS,
        source=Source.ORGANIZATION,
        retention=(Life.ORGANIZATION,),
        columns={
            "id": nobody(),
            "organization_id": nobody(),
            "slug": nobody(),
            "name": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
            "description": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
            "version": nobody(),
            "updated_at": nobody(),
            "created_at": nobody(),
        },
    ),
    table(
        "accounts_role",
        "Roles",
        organization=Link("organization"),
        purpose=ACCESS,
        source=Source.ORGANIZATION,
        retention=(Life.ORGANIZATION,),
        columns={
            "id": nobody(),
            "organization_id": nobody(),
            "slug": nobody(),
            "name": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
            "created_at": nobody(),
        },
    ),
    table(
        "accounts_rolepermission",
        "What a role permits",
        columns={
            "id": nobody(),
            "role_id": nobody(),
            "permission": nobody(),
        },
    ),
    table(
        "accounts_roleassignment",
        "Who has which role, given by whom, until when",
        whose=(Link("membership__user"),),
        organization=Link("organization"),
        purpose=ACCESS,
        source=Source.ORGANIZATION,
        section=Section.ROLES,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(),
            "organization_id": personal(Category.WORK),
            "membership_id": operational(),
            "role_id": personal(Category.AUTHORIZATION),
            "assigned_by": identifier(
                Category.UNIQUE_ID, whose=(PlainID("assigned_by"),), erase=Erase.NULL, log=Log.YES
            ),
            "created_at": operational(),
            "until": operational(),
        },
    ),
)

PEOPLE = (
    table(
        "accounts_user",
        "People's accounts",
        whose=(SELF,),
        organization=Link("organization"),
        purpose=ACCOUNT,
        source=Source.PROVIDED,
        section=Section.PROFILE,
        retention=(Life.ACCOUNT,),
        columns={
            "id": identifier(Category.UNIQUE_ID, source=Source.DERIVED, erase=TOMBSTONE, log=Log.YES),
            "organization_id": personal(
                Category.WORK, source=Source.ORGANIZATION, section=Section.ORGANIZATION, erase=TOMBSTONE
            ),
            "email": identifier(Category.EMAIL, erase=Erase.NULL),
            "email_key": identifier(
                Category.EMAIL, source=Source.DERIVED, erase=Erase.NULL, export=Export.NO, withheld=COPY
            ),
            "email_verified_at": personal(
                Category.ACCOUNT,
                source=Source.OBSERVED,
                erase=Erase.NULL,
                unshown="shown as email_verified",
            ),
            "username": identifier(Category.USERNAME, erase=Erase.NULL),
            "username_key": identifier(
                Category.USERNAME, source=Source.DERIVED, erase=Erase.NULL, export=Export.NO, withheld=COPY
            ),
            "password": secret(Category.PASSWORD, purpose=SIGN_IN, erase=Overwrite("!")),
            "name": personal(Category.NAME, erase=Erase.DEFAULT),
            "given_name": personal(Category.NAME, erase=Erase.DEFAULT),
            "family_name": personal(Category.NAME, erase=Erase.DEFAULT),
            "nickname": personal(Category.NAME, erase=Erase.DEFAULT),
            "name_key": personal(
                Category.NAME, source=Source.DERIVED, erase=Erase.DEFAULT, export=Export.NO, withheld=COPY
            ),
            "phone_number": identifier(Category.PHONE_NUMBER, erase=Erase.DEFAULT),
            "locale": personal(Category.LANGUAGE, erase=Erase.DEFAULT),
            "zoneinfo": personal(Category.LOCATION, erase=Erase.DEFAULT),
            "picture": personal(Category.IMAGE, erase=Erase.DEFAULT),
            "bio": free_text(Category.CONTENT, erase=Erase.DEFAULT),
            "metadata": free_text(
                Category.CONTENT, source=Source.ORGANIZATION, section=Section.METADATA, erase=Erase.DEFAULT
            ),
            "status": personal(Category.ACCOUNT, source=Source.ORGANIZATION, erase=Overwrite("purged")),
            "status_reason": free_text(Category.ACCOUNT, source=Source.ORGANIZATION, erase=Erase.DEFAULT),
            "status_until": personal(Category.ACCOUNT, source=Source.ORGANIZATION, erase=Erase.NULL),
            "status_before": personal(
                Category.ACCOUNT,
                source=Source.ORGANIZATION,
                erase=Erase.DEFAULT,
                unshown="the status now is shown",
            ),
            "is_superuser": personal(
                Category.AUTHORIZATION, purpose=ACCESS, source=Source.ORGANIZATION, erase=Erase.DEFAULT
            ),
            "must_change_password": operational(
                purpose=SIGN_IN, source=Source.DERIVED, erase=Erase.DEFAULT, unshown="told at the next sign-in"
            ),
            "last_sign_in_at": personal(Category.BEHAVIOR, purpose=SECURITY, source=Source.OBSERVED, erase=Erase.NULL),
            "version": operational(source=Source.DERIVED, erase=TOMBSTONE, unshown="shown as the ETag of the answer"),
            "created_at": personal(Category.ACCOUNT, source=Source.OBSERVED, erase=TOMBSTONE),
            "updated_at": operational(source=Source.OBSERVED, erase=Erase.NULL),
        },
    ),
    table(
        "accounts_usertag",
        "Words that an organization pinned to a person",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=ACCOUNT,
        source=Source.ORGANIZATION,
        section=Section.TAGS,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "name": free_text(Category.CONTENT),
        },
    ),
    table(
        "accounts_usersearch",
        "The words by which a person is found",
        whose=(Link("user"),),
        organization=Link("user__organization"),
        purpose=ACCOUNT,
        source=Source.DERIVED,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(export=Export.NO, withheld=COPY),
            "user_id": identifier(Category.UNIQUE_ID, export=Export.NO, withheld=COPY, log=Log.YES),
            "text": personal(Category.NAME, export=Export.NO, withheld=COPY),
        },
    ),
    # SQLite's full-text index over accounts_usersearch.text. Its triggers follow every change; the trigrams of
    # what is gone stay in the blocks until the index is optimized, which erasure has to do.
    table(
        "accounts_usersearch_trigram",
        "The search index: what it indexes",
        whose=(CopyOf("accounts_usersearch"),),
        raw_on=("sqlite",),
        purpose=ACCOUNT,
        source=Source.DERIVED,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={"text": personal(Category.NAME, export=Export.NO, withheld=COPY)},
    ),
    table(
        "accounts_usersearch_trigram_data",
        "The search index: its blocks",
        whose=(CopyOf("accounts_usersearch"),),
        raw_on=("sqlite",),
        purpose=ACCOUNT,
        source=Source.DERIVED,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": nobody(),
            "block": personal(Category.NAME, export=Export.NO, withheld=COPY),
        },
    ),
    table(
        "accounts_usersearch_trigram_idx",
        "The search index: where a block begins",
        whose=(CopyOf("accounts_usersearch"),),
        raw_on=("sqlite",),
        purpose=ACCOUNT,
        source=Source.DERIVED,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "segid": nobody(),
            "term": personal(Category.NAME, export=Export.NO, withheld=COPY),
            "pgno": nobody(),
        },
    ),
    table(
        "accounts_usersearch_trigram_docsize",
        "The search index: how long each text is",
        whose=(CopyOf("accounts_usersearch"),),
        raw_on=("sqlite",),
        purpose=ACCOUNT,
        source=Source.DERIVED,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(export=Export.NO, withheld=COPY),
            "sz": operational(export=Export.NO, withheld=COPY),
        },
    ),
    table(
        "accounts_usersearch_trigram_config",
        "The search index: its settings",
        raw_on=("sqlite",),
        columns={
            "k": nobody(),
            "v": nobody(),
        },
    ),
)

SIGNING_IN = (
    table(
        "accounts_session",
        "Sign-ins: from where, with what, until when",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=SECURITY,
        source=Source.OBSERVED,
        section=Section.SESSIONS,
        erase=Erase.DELETE_ROW,
        retention=(Days(365, after="expires_at"),),
        is_activity=True,
        columns={
            "id": operational(),
            "organization_id": operational(unshown=ADDRESS),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES, unshown=ADDRESS),
            "kind": operational(),
            "key_hash": secret(),
            "created_at": personal(Category.BEHAVIOR),
            "last_active_at": personal(Category.BEHAVIOR),
            "expires_at": operational(),
            "ended_at": personal(Category.BEHAVIOR),
            "end_reason": operational(),
            "ip": personal(Category.IP_ADDRESS, retention=(Days(90, after="last_active_at", then=Lapse.TRUNCATE),)),
            "device": personal(Category.DEVICE),
        },
    ),
    table(
        "django_session",
        "What a browser's session holds; gone when the sign-in ends",
        whose=(Match("session_key", "accounts_session", "key_hash"),),
        purpose=SIGN_IN,
        source=Source.OBSERVED,
        section=Section.SESSIONS,
        erase=Erase.DELETE_ROW,
        retention=(Days(0, after="expire_date"),),
        is_activity=True,
        columns={
            "session_key": secret(Category.COOKIE),
            "session_data": secret(Category.COOKIE),
            "expire_date": operational(),
        },
    ),
    table(
        "otp_totp_totpdevice",
        "Second factors: one-time codes from an app",
        whose=(Link("user"),),
        organization=Link("user__organization"),
        purpose=SIGN_IN,
        source=Source.PROVIDED,
        section=Section.FACTORS,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "name": free_text(Category.DEVICE),
            "confirmed": operational(),
            "key": secret(),
            "step": operational(export=Export.NO, withheld=TECHNICAL),
            "t0": operational(export=Export.NO, withheld=TECHNICAL),
            "digits": operational(export=Export.NO, withheld=TECHNICAL),
            "tolerance": operational(export=Export.NO, withheld=TECHNICAL),
            "drift": operational(export=Export.NO, withheld=TECHNICAL),
            "last_t": operational(export=Export.NO, withheld=TECHNICAL),
            "throttling_failure_timestamp": personal(Category.BEHAVIOR, source=Source.OBSERVED, purpose=SECURITY),
            "throttling_failure_count": personal(Category.BEHAVIOR, source=Source.OBSERVED, purpose=SECURITY),
            "created_at": personal(Category.BEHAVIOR, source=Source.OBSERVED),
            "last_used_at": personal(Category.BEHAVIOR, source=Source.OBSERVED),
        },
    ),
    table(
        "accounts_onetimelink",
        "Links that let one person set a password, once",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=SIGN_IN,
        source=Source.OBSERVED,
        section=Section.SESSIONS,
        erase=Erase.DELETE_ROW,
        retention=(Days(1, after="expires_at"),),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "lookup": secret(),
            "secret_hash": secret(),
            "created_at": operational(),
            "expires_at": operational(),
            "used_at": personal(Category.BEHAVIOR),
        },
    ),
    table(
        "accounts_apikey",
        "Keys of programs; one that a person made is theirs",
        whose=(Link("made_by"),),
        organization=Link("organization"),
        purpose=ACCESS,
        source=Source.PROVIDED,
        section=Section.API_KEYS,
        erase=Erase.DELETE_ROW,
        retention=(Life.ORGANIZATION, Days(90, after="revoked_at")),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "name": free_text(Category.CONTENT),
            "made_by_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "scopes": operational(),
            "lookup": secret(),
            "secret_hash": secret(),
            "created_at": operational(),
            "expires_at": operational(),
            "last_used_at": personal(Category.BEHAVIOR, source=Source.OBSERVED),
            "revoked_at": operational(),
            "revoke_reason": operational(unshown="the audit trail says what revoked it"),
        },
    ),
)

TRAIL_AND_LETTERS = (
    table(
        "accounts_auditchain",
        "The head of each organization's chain of events",
        columns={
            "id": nobody(),
            "sequence": nobody(),
            "hash": nobody(),
            "checkpointed": nobody(),
        },
    ),
    table(
        "accounts_auditevent",
        "Who did what to whom, in plain ids; never changed",
        whose=(PlainID("subject_id"), PlainID("person_id"), PlainID("actor_id")),
        organization=PlainID("organization_id"),
        purpose=AUDIT,
        source=Source.OBSERVED,
        section=Section.AUDIT_EVENTS,
        erase=TRAIL,
        retention=(Life.ORGANIZATION,),
        columns={
            "id": operational(),
            "chain": nobody(),
            "sequence": nobody(),
            "layout": nobody(),
            "key_id": nobody(),
            "action": personal(Category.BEHAVIOR),
            "outcome": personal(Category.BEHAVIOR),
            "actor_kind": operational(),
            "actor_id": identifier(Category.UNIQUE_ID, whose=(PlainID("actor_id"),), log=Log.YES),
            "subject_kind": operational(),
            "subject_id": identifier(Category.UNIQUE_ID, whose=(PlainID("subject_id"),), log=Log.YES),
            "person_id": identifier(Category.UNIQUE_ID, whose=(PlainID("person_id"),), log=Log.YES),
            "organization_id": operational(),
            "door": operational(),
            "request_id": operational(),
            "occurred_at": personal(Category.BEHAVIOR),
            "subject_commitment": nobody(),  # says nothing without the salt of the part, and goes on saying nothing
            "actor_commitment": nobody(),
            "network_commitment": nobody(),
            "hash": nobody(),
        },
    ),
    table(
        "accounts_auditpart",
        "What an event says about a person, a device or a place; can only be deleted",
        whose=(PlainID("person_id"),),
        organization=PlainID("organization_id"),
        purpose=AUDIT,
        source=Source.OBSERVED,
        section=Section.AUDIT_EVENTS,
        erase=Erase.DELETE_ROW,
        retention=(
            Days(90, after="event__occurred_at", where=(("kind", "network"),)),
            # What is about nobody stays, so that missing parts stay explained; an address is somebody's always.
            Days(365, after="event__occurred_at", where=(("kind", "actor"), ("person_id", SOMEBODY))),
            Days(365, after="event__occurred_at", where=(("kind", "subject"), ("person_id", SOMEBODY))),
        ),
        is_activity=True,
        columns={
            "id": operational(),
            "event_id": operational(),
            "kind": operational(),
            "person_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "organization_id": operational(),
            "salt": secret(export=Export.NO, withheld="opens nothing but the proof that the part is unchanged"),
            "payload": free_text(Category.BEHAVIOR),
        },
    ),
    table(
        "django_admin_log",
        "What Django's admin site notes; the trail is in accounts_auditevent",
        whose=(Link("user"),),
        organization=ANYWHERE,
        purpose=AUDIT,
        source=Source.OBSERVED,
        section=Section.AUDIT_EVENTS,
        erase=Erase.DELETE_ROW,
        retention=(Days(90, after="action_time"),),
        is_activity=True,
        columns={
            "id": operational(),
            "action_time": personal(Category.BEHAVIOR),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "content_type_id": operational(),
            "object_id": identifier(Category.UNIQUE_ID, whose=(PlainID("object_id"),), erase=Erase.NULL),
            "object_repr": free_text(Category.NAME, whose=(PlainID("object_id"),), erase=Erase.DEFAULT),
            "action_flag": operational(),
            "change_message": free_text(Category.BEHAVIOR, whose=(PlainID("object_id"),), erase=Erase.DEFAULT),
        },
    ),
    table(
        "accounts_outbox",
        "Letters on their way, and what became of them",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=LETTERS,
        source=Source.OBSERVED,
        section=Section.LETTERS,
        erase=Erase.DELETE_ROW,
        retention=(Days(30, after="delivered_at"), Days(90, after="created_at")),
        is_activity=True,
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "kind": personal(Category.BEHAVIOR),
            "address": identifier(Category.EMAIL),
            "created_at": operational(),
            "state": operational(),
            "attempts": operational(),
            "next_attempt_at": operational(),
            "delivered_at": operational(),
            "dead_at": operational(),
            "last_error": free_text(Category.OPERATIONS),
        },
    ),
    table(
        "accounts_idempotencykey",
        "Requests that changed something, so that their repetition changes nothing more",
        whose=(PlainID("principal_id"), PlainID("result_id")),
        organization=ANYWHERE,
        purpose=OPERATION,
        source=Source.OBSERVED,
        section=Section.AUDIT_EVENTS,
        erase=Erase.DELETE_ROW,
        retention=(Days(0, after="expires_at"),),
        is_activity=True,
        columns={
            "id": operational(),
            "principal_id": identifier(Category.UNIQUE_ID, whose=(PlainID("principal_id"),), log=Log.YES),
            "key": free_text(Category.OPERATIONS),
            "request_digest": personal(
                Category.BEHAVIOR, source=Source.DERIVED, export=Export.NO, withheld="a digest, to compare requests"
            ),
            "result_kind": operational(),
            "result_id": identifier(Category.UNIQUE_ID, whose=(PlainID("result_id"),), log=Log.YES),
            "created_at": operational(),
            "expires_at": operational(),
        },
    ),
    table(
        "django_tasks_database_dbtaskresult",
        "Work in the background: it carries the ids of outbox rows, but a fault may quote anything",
        organization=ANYWHERE,
        purpose=OPERATION,
        source=Source.OBSERVED,
        retention=(Days(14, after="enqueued_at"),),
        columns={
            "id": nobody(),
            "status": nobody(),
            "enqueued_at": nobody(),
            "started_at": nobody(),
            "finished_at": nobody(),
            "args_kwargs": free_text(Category.OPERATIONS, erase=Erase.SCRUB, export=Export.NO, withheld=TECHNICAL),
            "priority": nobody(),
            "task_path": nobody(),
            "worker_ids": nobody(),
            "queue_name": nobody(),
            "backend_name": nobody(),
            "run_after": nobody(),
            "return_value": free_text(Category.OPERATIONS, erase=Erase.SCRUB, export=Export.NO, withheld=TECHNICAL),
            "exception_class_path": nobody(),
            "traceback": free_text(Category.OPERATIONS, erase=Erase.SCRUB, export=Export.NO, withheld=TECHNICAL),
        },
    ),
)

ARCHIVE = (
    table(
        "gdpr_erasure",
        "Erasures, planned and done, with their receipts",
        whose=(PlainID("user_id"),),
        organization=Link("organization"),
        purpose=RIGHTS,
        source=Source.OBSERVED,
        section=Section.REQUESTS,
        erase=PROOF,
        retention=(Life.ORGANIZATION,),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "how": operational(),
            "status": operational(),
            "reason": free_text(Category.CONTENT, erase=Erase.DEFAULT),
            "requested_by_kind": operational(),
            "requested_by": identifier(Category.UNIQUE_ID, whose=(PlainID("requested_by"),), log=Log.YES),
            "created_at": operational(),
            "due_at": operational(),
            "erased_at": operational(),
            "completed_at": operational(),
            "cancelled_at": operational(),
            "counts": nobody(),
            "event_id": operational(),
            "receipt": nobody(),
        },
    ),
    table(
        "gdpr_export",
        "Copies of what is held about a person, made on request, and for how long they can be fetched",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=RIGHTS,
        source=Source.OBSERVED,
        section=Section.REQUESTS,
        erase=Erase.DELETE_ROW,
        retention=(Days(90, after="created_at"),),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "requested_by_kind": operational(),
            "requested_by": identifier(
                Category.UNIQUE_ID, whose=(PlainID("requested_by"),), erase=Erase.NULL, log=Log.YES
            ),
            "scope": operational(),
            "format": operational(),
            "status": operational(),
            "rows_done": operational(),
            "rows_total": operational(),
            "file_key": secret(),
            "size": operational(),
            "leased_until": operational(),
            "created_at": operational(),
            "ready_at": operational(),
            "expires_at": operational(),
            "fetched_at": personal(Category.BEHAVIOR),
        },
    ),
    table(
        "gdpr_subjectrequest",
        "What people asked for about their data, and when it was answered",
        whose=(PlainID("user_id"),),
        organization=Link("organization"),
        purpose=RIGHTS,
        source=Source.PROVIDED,
        section=Section.REQUESTS,
        erase=ANSWERED,
        retention=(Days(1_095, after="closed_at"),),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "kind": personal(Category.BEHAVIOR),
            "status": personal(Category.BEHAVIOR),
            "note": free_text(Category.CONTENT, source=Source.ORGANIZATION, erase=Erase.DEFAULT),
            "created_at": operational(),
            "received_at": personal(Category.BEHAVIOR),
            "due_at": operational(),
            "extended_at": operational(),
            "reminded_at": operational(),
            "closed_at": operational(),
        },
    ),
    table(
        "gdpr_legalhold",
        "Why somebody's data may not be erased for now",
        whose=(Link("user"),),
        organization=Link("organization"),
        purpose=RIGHTS,
        source=Source.ORGANIZATION,
        section=Section.HOLDS,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={
            "id": operational(),
            "organization_id": operational(),
            "user_id": identifier(Category.UNIQUE_ID, log=Log.YES),
            "reason": free_text(Category.CONTENT),
            "exemption": operational(),
            "created_at": operational(),
            "review_at": operational(),
            "released_at": operational(),
        },
    ),
    table(
        "gdpr_privacyterms",
        "What an organization settled for its people's data",
        organization=Link("organization"),
        purpose=RIGHTS,
        source=Source.ORGANIZATION,
        retention=(Life.ORGANIZATION,),
        columns={
            "organization_id": nobody(),
            "erasure_grace_days": nobody(),
            "archived_days": nobody(),
            "contact": free_text(Category.CONTENT, erase=Erase.SCRUB, export=Export.NO, withheld=MENTION),
        },
    ),
)

FRAMEWORK = (
    table(
        "auth_group",
        "Django's groups: not used",
        columns={
            "id": nobody(),
            "name": nobody(),
        },
    ),
    table(
        "auth_group_permissions",
        "Django's groups: not used",
        columns={
            "id": nobody(),
            "group_id": nobody(),
            "permission_id": nobody(),
        },
    ),
    table(
        "auth_permission",
        "Django's permissions: not used",
        columns={
            "id": nobody(),
            "name": nobody(),
            "content_type_id": nobody(),
            "codename": nobody(),
        },
    ),
    table(
        "django_content_type",
        "The kinds of rows",
        columns={
            "id": nobody(),
            "app_label": nobody(),
            "model": nobody(),
        },
    ),
    table(
        "django_migrations",
        "Which migrations were applied",
        raw_on=("sqlite", "postgresql"),
        columns={
            "id": nobody(),
            "app": nobody(),
            "name": nobody(),
            "applied": nobody(),
        },
    ),
    table(
        "sqlite_sequence",
        "SQLite's counters",
        raw_on=("sqlite",),
        columns={
            "name": nobody(),
            "seq": nobody(),
        },
    ),
)

TABLES: Final[tuple[Table, ...]] = (*ORGANIZATIONS, *PEOPLE, *SIGNING_IN, *TRAIL_AND_LETTERS, *ARCHIVE, *FRAMEWORK)
