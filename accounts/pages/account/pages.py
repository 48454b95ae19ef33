"""Which pages there are, in the order of the navigation: a new one is a line here, or joins ``PAGES`` at start."""

from accounts.pages.account.confirming import confirm
from accounts.pages.account.email import email
from accounts.pages.account.organizations import organizations
from accounts.pages.account.password import change_password
from accounts.pages.account.profile import overview, profile
from accounts.pages.account.registry import PAGES, AccountPage, account_urls
from accounts.pages.account.sessions import sessions
from accounts.pages.account.two_factor import two_factor

__all__ = ["PAGES", "account_urls"]

PAGES.extend(
    [
        AccountPage("account", "", "Overview", overview, more=(("account-confirm", "confirm/", confirm),)),
        AccountPage("account-profile", "profile", "Profile", profile),
        AccountPage("account-email", "email", "E-mail", email),
        AccountPage("password-change", "password", "Password", change_password),
        AccountPage("account-two-factor", "two-factor", "Second factor", two_factor),
        AccountPage("account-sessions", "sessions", "Sessions", sessions),
        AccountPage("account-organizations", "organizations", "Organizations", organizations),
    ]
)
