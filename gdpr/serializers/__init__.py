"""What the archive shows, the same through every door."""
