"""Programs and browsers that talk to the API."""

import json
from typing import Any

from accounts import policy
from accounts.actors import Actor
from accounts.models import Organization, User
from accounts.operations.api_keys import api_key_create
from tests.accounts.pages.browsing import SHELL, Browser, sign_in

__all__ = ["API", "key_of"]


class API:
    """A program that talks JSON."""

    def __init__(self, secret: str = "", scheme: str = "Api-Key") -> None:
        self.client = Browser(headers={"Authorization": f"{scheme} {secret}"} if secret else {})

    @classmethod
    def of(cls, person: User) -> "API":
        """A browser in which somebody is signed in."""
        program = cls()
        assert sign_in(program.client, person).status_code == 302
        return program

    @classmethod
    def bearing(cls, token: str) -> "API":
        """A program that shows an access token."""
        program = cls()
        program.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return program

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; the answer has ``body`` read. No refusal speaks of a command line."""
        content = json.dumps(body) if body is not None else ""
        response: Any = self.client.generic(
            method,
            f"/api/v1/{path}",
            content,
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        if response.streaming:
            response.body = b"".join(response.streaming_content)
            return response
        response.body = json.loads(response.content) if response.content else None
        if response.status_code >= 400 and response.body:
            told = (response.body["remedy"], response.body["errors"])  # the detail may quote what was sent
            assert not SHELL.search(str(told)), told
        return response

    def get(self, path: str, **headers: str) -> Any:
        """Read."""
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Change."""
        return self("POST", path, body if body is not None else {}, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """Change some."""
        return self("PATCH", path, body, **headers)


def key_of(owner: User | Organization, *scopes: str) -> API:
    """Make a client with a key that a person made, or the operator for an organization."""
    actor: Actor = policy.operator(os_user="tester")
    organization = owner.organization if isinstance(owner, User) else owner
    if isinstance(owner, User):
        actor = policy.actor_for(owner, door=actor.door)
    made = api_key_create(actor=actor, organization=organization, name="test", scopes=scopes or ["admin:users"])
    return API(made.secret)
