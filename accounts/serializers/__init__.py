"""What things look like outside: the one JSON that commands print and the API answers."""
