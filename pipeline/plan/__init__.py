"""What upsert would change: AWS is read and compared with the configuration, nothing is written.

`planning.make_plan` returns a `Plan`; `saved_plan` keeps it in a file that `groundloop upsert` applies exactly.
"""
