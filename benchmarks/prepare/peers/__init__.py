"""What one would run instead of Prepare: each a program of its own, given a manifest and a folder to write to."""
