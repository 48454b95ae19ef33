"""The archive: what is held about people, for whom, why and how long."""
