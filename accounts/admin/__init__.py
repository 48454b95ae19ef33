"""The admin: pages for people who click."""
