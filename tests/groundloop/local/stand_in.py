"""A tiny stand-in for an image: counts the records of its channels, and serves what it counted.

A model with a file `answer.json` answers with its content. Run as a program.
"""

from __future__ import annotations

import json
import socketserver
import struct
import sys
import time
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


class Handler(socketserver.StreamRequestHandler):
    """Answers one request. `http.server` would take longer to import than most of these programs run."""

    def handle(self) -> None:
        method = self.rfile.readline().split()[0]
        lines = [line.decode("latin-1").strip() for line in iter(self.rfile.readline, b"\r\n")]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if method == b"GET":
            self.answer("200 OK", b"")
        else:
            self.predict(headers, self.rfile.read(int(headers["content-length"])))

    def predict(self, headers: dict[str, str], body: bytes) -> None:
        if body.startswith(b"bad"):
            self.answer("400 Bad Request", b"unreadable image")
            return
        if (answer := OPT_ML / "model" / "answer.json").exists():
            self.answer("200 OK", answer.read_bytes())
            return
        received = {"bytes": len(body), "type": headers["content-type"], "accept": headers["accept"]}
        files = sorted(path.name for path in (OPT_ML / "model").iterdir())
        self.answer("200 OK", json.dumps({**received, "model": files}).encode())

    def answer(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


def serve() -> int:
    if (OPT_ML / "model" / "broken").exists():
        sys.stderr.write("this model is broken\n")
        return 3
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit({"train": train, "serve": serve}[sys.argv[1]]())
