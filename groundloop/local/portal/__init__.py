"""The worker portal of the offline AWS: groundloop's review page stands in for the pages of Ground Truth and A2I.

The only part of the offline AWS that knows of the product: the page, its queues and the consolidation of answers. It is
imported with the first workteam.
"""
