"""The job in DuckDB's SQL: `python -m benchmarks.prepare.peers.duckdb_sql MANIFEST FOLDER`.

The manifest is read as lines of text, since read_json stops at the first line that is not JSON. Only fields that the
schema names are kept, and numbers are written as DuckDB writes them. It has no BLAKE2, so it splits by MD5.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

from benchmarks.prepare.peers.task import ATTRIBUTE, DETECTION, METADATA, SEED, SPLITS, TEST, VALIDATION

BOX = {"class_id": "INTEGER", "left": "DOUBLE", "top": "DOUBLE", "width": "DOUBLE", "height": "DOUBLE"}
SCHEMA = {
    "source-ref": "VARCHAR",
    ATTRIBUTE: {"image_size": [{"width": "INTEGER", "height": "INTEGER", "depth": "INTEGER"}], "annotations": [BOX]},
    METADATA: {
        "objects": [{"confidence": "DOUBLE"}],
        "class-map": "JSON",
        "type": "VARCHAR",
        "human-annotated": "VARCHAR",
        "creation-date": "VARCHAR",
        "job-name": "VARCHAR",
        "failure-reason": "VARCHAR",
    },
}

# ruff: noqa: S608  everything put into the queries stands in this repository
READ = f"""
CREATE TABLE lines AS
SELECT row_number() OVER () AS number, text, json_valid(text) AS valid,
       CASE WHEN valid THEN json_transform(text, '{json.dumps(SCHEMA)}') END AS line
FROM read_csv($manifest, columns = {{'text': 'VARCHAR'}}, header = false, auto_detect = false, delim = '\x01',
              quote = '', escape = '', max_line_size = 10000000);

CREATE TABLE maps AS
SELECT text, from_json(text, '"MAP(VARCHAR, VARCHAR)"') AS names
FROM (SELECT DISTINCT line."{METADATA}"."class-map" AS text FROM lines) WHERE text IS NOT NULL;
"""

JUDGE = f"""
CREATE TABLE checked AS
WITH parts AS (
    SELECT number, text, valid, line."source-ref" AS source_ref, line."{ATTRIBUTE}" AS label,
           line."{METADATA}" AS metadata
    FROM lines),
known AS (SELECT maps.text AS map, list_transform(map_keys(names), lambda key: key::INTEGER) AS ids FROM maps),
found AS (
    SELECT parts.*, CASE
        WHEN NOT valid THEN 'bad_json'
        WHEN source_ref IS NULL OR NOT starts_with(source_ref, 's3://') THEN 'source_ref'
        WHEN label IS NULL AND metadata."failure-reason" IS NOT NULL THEN 'failure_reason'
        WHEN label IS NULL THEN 'missing_label'
        WHEN metadata."type" != '{DETECTION}' THEN 'type'
        WHEN len(label.image_size) != 1 OR label.image_size[1].width < 1 OR label.image_size[1].height < 1
            THEN 'bad_image_size'
        WHEN len(metadata.objects) != len(label.annotations) THEN 'objects_mismatch'
        WHEN NOT list_has_all(known.ids, list_transform(label.annotations, lambda box: box.class_id))
            THEN 'unknown_class'
        WHEN list_bool_or(list_transform(label.annotations, lambda box: box.width <= 0 OR box.height <= 0))
            THEN 'zero_area'
        WHEN list_bool_or(list_transform(label.annotations, lambda box:
                box.left < 0 OR box.top < 0 OR box.left + box.width > label.image_size[1].width
                OR box.top + box.height > label.image_size[1].height)) THEN 'box_outside'
        ELSE '' END AS fault
    FROM parts LEFT JOIN known ON known.map = metadata."class-map")
SELECT * EXCLUDE (fault, valid), CASE
    WHEN fault = '' AND number < max(number) FILTER (fault = '') OVER (PARTITION BY source_ref) THEN 'duplicate'
    ELSE fault END AS fault
FROM found;
"""

UNIFY = f"""
CREATE TABLE classes AS
SELECT name, row_number() OVER (ORDER BY name) - 1 AS id
FROM (SELECT DISTINCT unnest(map_values(names)) AS name FROM maps);

CREATE TABLE changes AS
SELECT map, map_from_entries(list((old::INTEGER, id::INTEGER))) AS ids
FROM (SELECT maps.text AS map, unnest(map_entries(names), recursive := true) FROM maps) AS entries(map, old, name)
JOIN classes USING (name) GROUP BY map;

CREATE TABLE valid AS
SELECT to_json({{
    'source-ref': source_ref,
    'bounding-box': {{'image_size': label.image_size, 'annotations': list_transform(label.annotations,
        lambda box: struct_update(box, class_id := changes.ids[box.class_id]))}},
    'bounding-box-metadata': {{'objects': metadata.objects,
        'class-map': (SELECT json_group_object(id::VARCHAR, name) FROM classes), 'type': metadata."type",
        'human-annotated': metadata."human-annotated", 'job-name': metadata."job-name",
        'creation-date': metadata."creation-date"}}}}) AS text,
    number, source_ref, md5_number_upper(source_ref || '{SEED}') / 18446744073709551616.0 AS place
FROM checked JOIN changes ON changes.map = metadata."class-map" WHERE fault = '';
"""

TEXT = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"


def prepare(manifest: Path, folder: Path) -> None:
    """Do the whole job."""
    connection = duckdb.connect()
    for step in READ.split(";\n"):
        if step.strip():
            connection.execute(step, {"manifest": str(manifest)} if "$manifest" in step else None)
    connection.execute(JUDGE)
    connection.execute(UNIFY)
    share = f"CASE WHEN place < {TEST} THEN 'test' WHEN place < {TEST + VALIDATION} THEN 'validation' ELSE 'train' END"
    for split in SPLITS:
        order = f"hash(source_ref, {SEED})" if split == "train" else "number"
        target = folder / f"{split}.manifest"
        connection.execute(
            f"COPY (SELECT text FROM valid WHERE {share} = '{split}' ORDER BY {order}) TO '{target}' {TEXT}"
        )
    connection.execute(
        "COPY (SELECT number AS line, fault AS code, source_ref, text FROM checked WHERE fault != '' ORDER BY number) "
        f"TO '{folder / 'rejected.jsonl'}' (FORMAT json)"
    )


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
