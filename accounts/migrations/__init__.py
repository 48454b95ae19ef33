"""The rows' history."""
