"""``manage.py api_key_revoke``."""

from argparse import Namespace
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management.base import ChangeCommand
from accounts.management.parser import Parser
from accounts.models import APIKey
from accounts.operations.api_keys import api_key_revoke
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output


class Command(ChangeCommand):
    """Revoke a key."""

    help = "Revoke an API key, at once and for good; again changes nothing."
    examples = ("api_key_revoke key_01h455vb4pex5vsknk084sn02q --reason 'Leaked'",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        parser.add_argument("key", metavar="KEY", help="the key's id (key_…), never its secret")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Revoke it and show it."""
        identifier = ids.decode("key", arguments.key)
        visible = APIKey.objects.visible_to(actor).select_related("organization", "made_by")
        key = visible.filter(pk=identifier).first() if identifier else None
        if key is None:
            raise NotFound("API key not found.", remedy="manage.py api_key_list shows them.")
        return self.changed(
            arguments,
            lambda: api_key_revoke(actor=actor, key=key, reason=arguments.reason),
            lambda revoked: output(APIKeyOutput, revoked),
        )
