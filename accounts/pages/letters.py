"""Letters that lie as files where no mail server is configured: for super-users to read while trying things out."""

from collections.abc import Callable
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import Any, Final

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace, csp_update
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts import letter_files
from accounts.models import User

__all__ = ["letter", "letter_html", "letters"]

SHOWN: Final = 50
View = Callable[..., HttpResponse]


def for_superusers(view: View) -> View:
    """Show nothing to anybody else, nor where letters do not lie as files: there is no such page then."""

    @wraps(view)
    @never_cache
    @login_required
    @require_safe
    def run(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        user = request.user
        if not (isinstance(user, User) and user.is_superuser and letter_files.are_files()):
            raise Http404
        return view(request, *arguments, **named)

    return run


@for_superusers
def letters(request: HttpRequest) -> HttpResponse:
    """List the newest letters."""
    names = [path.name for path in letter_files.listed()[:SHOWN]]
    found = [shown(name, message) for name in names if (message := letter_files.opened(name)) is not None]
    return render(request, "accounts/pages/letters.html", {"letters": found, "most": SHOWN})


@csp_update({"frame-src": [SELF]})
@for_superusers
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """Show one letter: its head, its HTML in a frame that can do nothing, its text."""
    message = read(name)
    text = message.get_body(("plain",))
    content = text.get_content() if text is not None else ""
    return render(request, "accounts/pages/letter.html", {**shown(name, message), "text": content})


@csp_replace(
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "script-src": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": [""],
    }
)
@xframe_options_sameorigin
@for_superusers
def letter_html(request: HttpRequest, name: str) -> HttpResponse:
    """Give a letter's HTML for the frame: it may carry its own style, and nothing else."""
    html = read(name).get_body(("html",))
    if html is None:
        raise Http404
    return HttpResponse(html.get_content())


def read(name: str) -> Any:
    """Read a letter.

    :raises Http404: if there is none of that name
    """
    message = letter_files.opened(name)
    if message is None:
        raise Http404
    return message


def shown(name: str, message: EmailMessage) -> dict[str, Any]:
    """Give the head of a letter."""
    return {
        "file": name,
        "subject": message["Subject"],
        "to": message["To"],
        "from": message["From"],
        "at": parsedate_to_datetime(str(message["Date"])),
    }
