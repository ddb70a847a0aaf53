"""Labels from Ground Truth's labelling jobs and A2I's human loops, for accounts that have these services.

Neither takes new customers. `groundloop.review` does the same work without them, and this package builds on it: images
are chosen by the same rules, and what people answer becomes the same manifests.
"""
