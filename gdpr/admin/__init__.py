"""The archive's part of the admin."""
