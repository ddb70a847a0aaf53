"""The demo: synthetic labelled images, and a run of the whole pipeline on the offline AWS."""
