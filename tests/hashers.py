"""A hasher that costs nothing, for tests that are not about hashing."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class CheapHasher(PBKDF2PasswordHasher):
    """PBKDF2 with one iteration."""

    algorithm = "cheap"
    iterations = 1
