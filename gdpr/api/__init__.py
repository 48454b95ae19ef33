"""The archive's part of the API."""
