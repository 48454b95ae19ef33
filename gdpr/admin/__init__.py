"""The archive's pages for people who click; whoever takes ``site`` from here has them in it."""

from accounts.admin.organizations import INSIDE
from accounts.admin.site import site
from accounts.admin.start import PANELS
from accounts.admin.user_verbs import USER_VERBS
from accounts.admin.users import TABS
from gdpr.admin.erasures import ERASURE
from gdpr.admin.holds import holds_panel
from gdpr.admin.people import PERSONAL_DATA
from gdpr.admin.requests import requests_panel
from gdpr.admin.selections import SELECTION_VERBS
from gdpr.admin.terms import terms_link

__all__ = ["site"]

PANELS.extend([requests_panel, holds_panel])
INSIDE.append(terms_link)
TABS.extend([PERSONAL_DATA, ERASURE])
USER_VERBS.update({verb.word: verb for verb in SELECTION_VERBS})
