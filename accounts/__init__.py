"""The house: organizations, users and what is done to them."""
