"""A tiny stand-in for an image: counts the records of its channels, and serves what it counted.

A model with a file `answer.json` answers with its content. Run as a program.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPT_ML = Path(sys.argv[2])


def records(path: Path) -> list[bytes]:
    deadline = time.monotonic() + 20
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.01)
    content, found = path.read_bytes(), []
    while content:
        magic, length = struct.unpack("<II", content[:8])
        assert magic == 0xCED7230A
        found.append(content[8 : 8 + length])
        content = content[8 + (length + 3) // 4 * 4 :]
    return found


def train() -> int:
    config = OPT_ML / "input" / "config"
    parameters = json.loads((config / "hyperparameters.json").read_text())
    channels = json.loads((config / "inputdataconfig.json").read_text())
    if text := parameters.get("fail"):
        (OPT_ML / "output" / "failure").write_text(text)
        return 1
    if parameters.get("sleep"):
        sys.stdout.write("sleeping\n")
        sys.stdout.flush()
        time.sleep(float(parameters["sleep"]))
    seen: dict[str, list[list[str]]] = {}
    for name, channel in channels.items():
        data = OPT_ML / "input" / "data"
        if channel["TrainingInputMode"] == "Pipe":
            epochs = range(int(parameters.get("epochs", "1")))
            seen[name] = [[r.decode() for r in records(data / f"{name}_{epoch}")] for epoch in epochs]
        else:
            files = sorted(path for path in (data / name).rglob("*") if path.is_file())
            seen[name] = [[f"{path.relative_to(data / name)}={path.read_text(errors='replace')}" for path in files]]
    sys.stdout.write("quality: score=0.25;\nquality: score=0.75;\n")
    (OPT_ML / "model" / "seen.json").write_text(json.dumps({"parameters": parameters, "seen": seen}))
    return 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body.startswith(b"bad"):
            self.answer(400, b"unreadable image")
            return
        if (answer := OPT_ML / "model" / "answer.json").exists():
            self.answer(200, answer.read_bytes())
            return
        received = {"bytes": len(body), "type": self.headers["Content-Type"], "accept": self.headers["Accept"]}
        self.answer(
            200, json.dumps({**received, "model": sorted(p.name for p in (OPT_ML / "model").iterdir())}).encode()
        )

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def serve() -> int:
    if (OPT_ML / "model" / "broken").exists():
        sys.stderr.write("this model is broken\n")
        return 3
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit({"train": train, "serve": serve}[sys.argv[1]]())
