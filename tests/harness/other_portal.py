"""Another portal with an HTTP JSON API of its own, as a process: `python -m tests.harness.other_portal PORT FOLDER`.

It writes every request down in `FOLDER/requests.jsonl` before it answers, and keeps what it shows in memory. A file
`FOLDER/rules.json` says how it answers: `{"<key>": [503, 422]}` are the next statuses for a key, 0 is no answer at all.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

SILENT_SECONDS = 60.0


class Portal(BaseHTTPRequestHandler):
    """Takes PUT and DELETE of a key."""

    folder: Path
    given: dict[str, int]

    def do_PUT(self) -> None:
        """Show a version."""
        self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_DELETE(self) -> None:
        """Take a key away."""
        self._take(None)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def _take(self, said: object) -> None:
        key = urlsplit(self.path).path.removeprefix("/")
        line = {"method": self.command, "key": key, "once": self.headers["Idempotency-Key"], "said": said}
        with (self.folder / "requests.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        rules = self.folder / "rules.json"
        statuses = json.loads(rules.read_text(encoding="utf-8")).get(key, []) if rules.exists() else []
        number = self.given.get(key, 0)
        self.given[key] = number + 1
        status = statuses[number] if number < len(statuses) else 200
        if status == 0:
            time.sleep(SILENT_SECONDS)
            return
        answer = json.dumps({"taken": key}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def main() -> None:
    """Serve until the process is ended."""
    Portal.folder, Portal.given = Path(sys.argv[2]), {}
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Portal).serve_forever()


if __name__ == "__main__":
    main()
