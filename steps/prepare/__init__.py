"""The Prepare step: reads and checks the labels, splits them and writes what training reads."""
