"""The Monitor step."""
