"""``manage.py changepassword``: in place of Django's, through the operation."""

from accounts.management.commands.user_set_password import Command as UserSetPassword


class Command(UserSetPassword):
    """Set a password: Django's name for ``user_set_password``."""

    help = "Give a user another password, asked for twice on a terminal: the same as user_set_password."
    examples = ("changepassword bob@example.com", "changepassword bob@example.com --password-stdin < password.txt")
