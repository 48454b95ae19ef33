"""Second factors: django-otp's devices."""

import django_otp

from accounts.models.users import User

__all__ = ["has_second_factor"]


def has_second_factor(user: User) -> bool:
    """Say whether the person has enrolled a second factor."""
    return bool(django_otp.user_has_device(user))
