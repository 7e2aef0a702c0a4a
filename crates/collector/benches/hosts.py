#!/usr/bin/env python3
"""How much of a minute does ping_bot need for 10 000 hosts?

    python3 crates/collector/benches/hosts.py [HOSTS] [INTERVAL_SECONDS]

Builds and starts ping_bot with a backend of this script's own and as many addresses of 127.0.0.0/8 as hosts, all of them
this machine. Counts what comes in for one interval and prints a line of JSON. Needs Linux, where all of 127.0.0.0/8 is
local.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3))
TOKEN = "00000000-0000-4000-8000-000000000001"


def build():
    command = ["cargo", "build", "--release", "--locked", "--message-format=json"]
    command += ["--package", "lastgood-collector", "--example", "ping_bot"]
    built = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE)
    return next(filter(None, (json.loads(line).get("executable") for line in built.stdout.splitlines())))


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def listen():
    """Takes every connection to any of the addresses; returns the port."""
    listener = socket.create_server(("", 0), backlog=4096)

    def accept():
        while True:
            listener.accept()[0].close()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


class Backend(BaseHTTPRequestHandler):
    """As much of Grafolean as ping_bot asks for."""

    protocol_version = "HTTP/1.1"
    answers = {}
    values = []

    def do_GET(self):
        self.answer(200, json.dumps(self.answers[self.path.split("?")[0].strip("/")]).encode())

    def do_PUT(self):
        self.values.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(204, b"")

    def answer(self, status, body):
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    interval = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    bot = build()
    polling = {"ping": {"credential": 1, "sensors": [{"sensor": 1, "interval": interval}], "bot": None}}
    entities = [
        {"id": number + 1, "name": "host", "entity_type": "device", "parent": None,
         "details": {"ipv4": address(number)}, "protocols": polling}
        for number in range(hosts)
    ]
    one = {"id": 1, "name": "one", "protocol": "ping"}
    Backend.answers = {
        "api/profile": {"user_id": 1, "user_type": "bot", "record": {**one, "tied_to_account": 1}},
        "api/accounts": {"list": [{"id": 1, "name": "one"}]},
        "api/accounts/1/entities": {"list": entities},
        "api/accounts/1/credentials": {"list": [{**one, "details": {}}]},
        "api/accounts/1/sensors": {"list": [{**one, "default_interval": 60, "details": {"port": listen()}}]},
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api"
    program = subprocess.Popen([bot], env={"BACKEND_URL": url, "BOT_TOKEN": TOKEN, "JOBS_REFRESH_INTERVAL": "60"})
    while not Backend.values:
        time.sleep(0.1)
    first = int(time.time()) + 1
    # Values wait a moment for others, to go out together.
    time.sleep(first + interval + 2 - time.time())
    program.terminate()
    _, _, usage = os.wait4(program.pid, 0)
    seen = [value for value in Backend.values if first <= value["t"] < first + interval]
    answered = {value["p"] for value in seen if value["p"].endswith(".ok") and value["v"] == 1}
    away = {value["p"] for value in seen if value["p"].endswith(".ok") and value["v"] == 0}
    milliseconds = sorted(value["v"] * 1000 for value in seen if value["p"].endswith(".rtt"))
    print(json.dumps({
        "hosts": hosts,
        "seconds": interval,
        "answered": len(answered),
        "away": len(away),
        "rtt_p50_ms": round(statistics.median(milliseconds), 3),
        "rtt_p99_ms": round(milliseconds[len(milliseconds) * 99 // 100], 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": usage.ru_maxrss // 1024,
    }))


if __name__ == "__main__":
    main()
