"""The Register step."""
