"""What upsert would change, before it does: read from AWS, compared with the configuration, nothing written.

``plan`` makes a :class:`Plan`; ``save`` and ``load`` keep it in a file that ``groundloop upsert`` applies as it is.
"""
