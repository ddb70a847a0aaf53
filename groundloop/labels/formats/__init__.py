"""Labelled data sets in the formats of other tools: one folder each, with `from_<format>` and `as_<format>`.

All meet in `labels.formats.dataset.LabelledDataset`; `labels.formats.registry` knows them by name and recognises files.
"""
