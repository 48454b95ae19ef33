"""The house: organizations, users and what is done to them."""

__version__ = "0.1.0"
