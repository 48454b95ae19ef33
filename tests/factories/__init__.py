"""Rows for tests."""
