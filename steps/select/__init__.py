"""The Select step."""
