"""The API: the door for programs."""
