"""Values that readers have stumbled over elsewhere: odd ones of each format, as they stand in a file."""

from __future__ import annotations

import json

#: What would clear a terminal, turn the writing direction, or forge an error line.
HOSTILE = "bolt\x1b[2J\x9b31m\u202e\x7f\r\nerror: forged"
LONG_TEXT = "x" * 5_000
MANY_DIGITS = "9" * 5_000
_NESTING = 100_000

#: JSON, most of it valid.
JSON_VALUES = (
    *("null", "true", "false", "0", "-1", "-0", "1.5", "1e999", "-1e999", "1e-400", "NaN", "Infinity", "1.0", "2e3"),
    *("9007199254740993", "99999999999999999999", MANY_DIGITS, f"-{MANY_DIGITS}", f"0.{MANY_DIGITS}"),
    *('""', '" "', '"0"', '"01"', '"-1"', '"1e5"', '"\u0661"', '"\u00b2"', '"yes"', f'"{MANY_DIGITS}"'),
    *('"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', json.dumps(HOSTILE), json.dumps(HOSTILE, ensure_ascii=False)),
    *('"s3://"', '"s3:///"', '"s3://b/k"', '"../../etc/passwd"', '"/etc/passwd"', '"a\\\\b.jpg"', '"C:\\\\a.jpg"'),
    *('"2024-13-45T99:99:99"', '"0000-00-00"', '"9999-12-31T23:59:60Z"', '"groundtruth/object-detection"'),
    *("[]", "{}", "[[]]", '{"": ""}', "[null]", "[{}]", f'"{LONG_TEXT}"', '{"Get": "Steps.Train"}'),
    *("[" * _NESTING + "]" * _NESTING, '{"a":' * _NESTING + "0" + "}" * _NESTING, "[" * 500 + "]" * 500),
    f"[{','.join('0' * 20_000)}]",
    "{" + ",".join(f'"{number}": "{number}"' for number in range(5_000)) + "}",
)
JSON_KEYS = (
    *('""', '"\\ud800"', '"\\u001b[2J"', json.dumps(HOSTILE), f'"{LONG_TEXT}"', f'"{MANY_DIGITS}"', '"-1"', '"01"'),
    *('"source-ref"', '"class-map"', '"-metadata"', '"x-metadata"', '"annotations"', '"__class__"', '"\u0663"'),
)
YAML_VALUES = (
    *(
        "",
        "~",
        "yes",
        "-1",
        ".inf",
        ".nan",
        "1e999",
        "0o777",
        "0x1F",
        "1:60:60",
        "1_000",
        MANY_DIGITS,
        f'"{LONG_TEXT}"',
    ),
    *("2024-99-99", "2024-02-30T25:61:61Z", "0000-00-00", "2024-01-01", "!!python/object:os.system x", "!!binary ////"),
    *("!!timestamp x", "!!int x", "!!float x", "!!set {a, b}", "!!omap [a: 1]", "!unknown x", "*missing", "&a [*a]"),
    *('"\\ud800"', '"\\x1b[2J"', '"\\N\\L\\P\\_"', '"\\q"', '"a', "'a", "[1, 2", "{a: b", "[[[[]]]]", "{a: {b: {}}}"),
    *("|", ">", "| 9\n x", "<<: *x", "{<<: 1}", "? a", "- - - a", "@a", "`a`", "%a", "a: b: c", "[a]: b", "{[a]: b}"),
    *("[" * 2_000 + "]" * 2_000, "{a: " * 2_000 + "}" * 2_000, "\x00", "\x1b[2J", "\x85", "\u2028", "\ufeff", "\t"),
    *("null", "[]", "{}", "nut", "[nut, 3, null]", "[40, 50]", "=", "<<", "s3://b/k", json.dumps(HOSTILE)),
)
YAML_LINES = (
    *("\tkey: value", "key:\tvalue", "\t", "---", "...", "%YAML 9.9", "%TAG ! !", "- a", "? [a, b]\n: c", "a: 1\na: 2"),
    *("<<: {a: 1}", "? ? a", "&x y: *x", "{}: 1", "null: 1", "2024-99-99: 1", "1: 2", "true: 3", "[1]: 2", "#", "'"),
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "\n".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
)
CELLS = (
    *("", " ", "-1", "1e999", "nan", "inf", "-inf", "0", "1.5", "1e-400", "0x10", "1_0", "\u0661", MANY_DIGITS),
    *(
        "nut",
        "TP",
        "FP",
        '"',
        '""',
        '"a',
        "a\x00b",
        HOSTILE,
        LONG_TEXT,
        "s3://b/k",
        "../x.jpg",
        "a,b",
        "\ufeff",
        "None",
    ),
)
XML_PARTS = (
    *(
        "",
        "-1",
        "nan",
        "1e999",
        MANY_DIGITS,
        LONG_TEXT,
        "&#0;",
        "&#x1b;[2J",
        "&#xD800;",
        "&lol;",
        "&amp;",
        "<![CDATA[a]]>",
    ),
    *(
        "<!-- a -- b -->",
        "<?xml version='9'?>",
        "<a>" * 20_000 + "</a>" * 20_000,
        "<a>" * 100_000,
        "</annotation>",
        "\u202e",
    ),
)
DOCTYPE = b'<!DOCTYPE a [<!ENTITY l "' + b"l" * 1_000 + b'"><!ENTITY m "' + b"&l;" * 1_000 + b'">]>'
BYTES = (
    b"\x00",
    b"\xff",
    b"\xfe",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x1b",
    b"\x9b",
    b"\x7f",
    b"\n",
    b"\r",
    b"\t",
    b'"',
    b"{",
    b"[",
)
