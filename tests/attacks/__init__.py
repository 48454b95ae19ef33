"""The known attacks that have no better room, each over all its sibling paths; docs/attacks.csv lists all."""
