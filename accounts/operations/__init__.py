"""The verbs: the one way in for every change."""
