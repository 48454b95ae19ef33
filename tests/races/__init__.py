"""Races with real threads, on both databases."""
