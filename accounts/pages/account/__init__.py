"""The pages under ``/account/``, for everybody about themselves: each a file beside this one, joined in ``PAGES``."""
