"""Browser sessions whose key is stored as a hash: a copy of the database signs nobody in."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts.models.sessions import session_key_hash

__all__ = ["SessionStore"]


class SessionStore(DatabaseStore):
    """Django's own store, with the key hashed on its way to the table."""

    # SECURITY: the database store's asynchronous halves would write the key in clear; these go through the hash.
    aload, aexists, acreate = SessionBase.aload, SessionBase.aexists, SessionBase.acreate
    asave, adelete = SessionBase.asave, SessionBase.adelete

    def begin(self, session_key: str) -> None:
        """Leave the present session behind and begin an empty one under a key chosen before."""
        self.flush()
        self._session_key = session_key
        self.save(must_create=True)

    def _stored(self, session_key: str | None) -> str:
        return session_key_hash(session_key) if session_key else ""

    def _get_session_from_db(self) -> Any:
        rows = self.model.objects.filter(session_key=self._stored(self.session_key), expire_date__gt=timezone.now())
        row = rows.first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str | None = None) -> bool:
        """Say whether there is such a session."""
        return super().exists(self._stored(session_key))

    def create_model_instance(self, data: Any) -> Any:
        """Make the row to be stored."""
        row = super().create_model_instance(data)
        row.session_key = self._stored(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row of a session, this one's if none is named."""
        super().delete(self._stored(session_key or self.session_key))
