"""What the archive shows: the same for every door."""
