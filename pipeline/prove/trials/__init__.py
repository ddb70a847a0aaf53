"""The trials, a file each, with the assumptions that they settle."""
