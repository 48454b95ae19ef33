"""What the archive does: hand over, erase, prove, hold, answer, forget in time."""
