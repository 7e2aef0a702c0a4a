#!/usr/bin/env python3
"""Measures grafoleancollector 0.0.12 and lastgood-collector side by side on this machine and prints tables in Markdown.

    ./test peer
    target/peer-venv/bin/python crates/collector/benches/peer/compare.py

Both take turns, and who begins alternates; the tables show medians of all rounds and the ratio original : ours. Needs a
quiet machine, Linux, cargo, and the environment that `./test peer` makes. --help shows how to measure less.
"""

import argparse
import array
import contextlib
import json
import math
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, *[os.pardir] * 4))
ORIGINAL = os.path.join(HERE, "original.py")

# Nothing takes longer than this, in seconds: what does has failed, and the table says so.
PATIENCE = 900

# A bot is given so long to list its jobs before its runs are counted, in seconds. The original, once it has more to run than
# it can, takes many minutes, and its memory grows meanwhile.
LISTING_SECONDS = 120

# What the original needs for one job, about; measured: 4.7 kB.
ORIGINAL_JOB_BYTES = 6000


class Failed(Exception):
    """A measurement that gave no figure, with the reason that stands in the table instead."""


class Silent(Failed):
    """Nothing was written in time."""


def build():
    """Builds what is measured; returns the folder of the examples."""
    command = ["cargo", "build", "--release", "--locked", "--message-format=json"]
    command += ["--package", "lastgood-collector", "--example", "load_bot", "--example", "fetch_configs"]
    built = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE)
    paths = [json.loads(line).get("executable") for line in built.stdout.splitlines()]
    command = ["cargo", "build", "--release", "--locked", "--package", "lastgood-simulator"]
    subprocess.run([*command, "--example", "grafolean_backend"], cwd=TOP, check=True)
    return os.path.dirname(next(filter(None, paths)))


@contextlib.contextmanager
def running(command, **variables):
    """Runs a program in a session of its own, all of which is killed at the end: the original leaves workers behind."""
    environment = {**os.environ, **variables}
    program = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def next_line(program, patience=PATIENCE):
    """The next line a program writes, as JSON."""
    if not select.select([program.stdout], [], [], patience)[0]:
        raise Silent(f"nothing within {patience} s")
    line = program.stdout.readline()
    if not line:
        raise Failed("it ended")
    return json.loads(line)


@contextlib.contextmanager
def backend(examples, entities, latency_ms):
    options = ["--entities", str(entities), "--sensors", "3", "--latency-ms", str(latency_ms)]
    with running([os.path.join(examples, "grafolean_backend"), *options]) as program:
        said = next_line(program)
        yield program, {"BACKEND_URL": said["url"], "BOT_TOKEN": said["token"], "NO_PROXY": "127.0.0.1"}


def request_count(program):
    program.stdin.write(b"\n")
    program.stdin.flush()
    return next_line(program)["requests"]


def ours(examples, *options):
    with running([os.path.join(examples, "load_bot"), *map(str, options)]) as program:
        return next_line(program)


def quantile(values, share):
    return values[min(len(values) - 1, max(0, math.ceil(len(values) * share) - 1))] if values else math.nan


# --- what is measured; each takes the examples, the count and the options, and returns figures by name -------------------


def rate_of_original(examples, jobs, options):
    with backend(examples, 1, 0) as (_, variables), tempfile.NamedTemporaryFile() as runs:
        command = [sys.executable, ORIGINAL, "load", "--jobs", str(jobs), "--interval", "1", "--start", "0"]
        with running(command, RUNS=runs.name, **variables) as program:
            with contextlib.suppress(Silent):
                next_line(program, LISTING_SECONDS)
            first = math.ceil(time.time()) + 2
            end = first + options.seconds
            # A run may start a second late at most.
            time.sleep(max(0, end + 1.5 - time.time()))
        instants = array.array("d", runs.read())
    late = sorted((instant % 1) * 1000 for instant in instants if first <= instant < end)
    return {
        "runs per second": len(late) / options.seconds,
        "p50 ms": quantile(late, 0.5),
        "p99 ms": quantile(late, 0.99),
        "max ms": late[-1] if late else math.nan,
    }


def rate_of_ours(examples, jobs, options):
    said = ours(examples, "--jobs", jobs, "--intervals", 1, "--start", 0, "--seconds", options.seconds)
    names = {"runs per second": "runs_per_second", "p50 ms": "p50_ms", "p99 ms": "p99_ms", "max ms": "max_ms"}
    return {name: said[theirs] for name, theirs in names.items()}


def load_of_original(examples, jobs, refreshes, *options):
    """The lines of so many refreshes."""
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if jobs * ORIGINAL_JOB_BYTES > available:
        raise Failed(f"it needs {jobs * ORIGINAL_JOB_BYTES / 1e9:.0f} GB of memory")
    with backend(examples, 1, 0) as (_, variables):
        command = [sys.executable, ORIGINAL, "load", "--jobs", str(jobs), "--interval", "60", *options]
        with running(command, **variables) as program:
            return [next_line(program) for _ in range(refreshes)]


def memory_of_original(examples, jobs, options):
    line = load_of_original(examples, jobs, 1)[0]
    return {
        "MiB": line["after_bytes"] / 2**20,
        "bytes per job": (line["after_bytes"] - line["before_bytes"]) / jobs,
        "first refresh ms": line["refresh_ms"],
    }


def memory_of_ours(examples, jobs, options):
    said = ours(examples, "--jobs", jobs, "--intervals", 60, "--seconds", 1)
    return {"MiB": said["rss_mib"], "bytes per job": said["bytes_per_job"], "first refresh ms": said["listing_ms"]}


def refresh_of_original(examples, jobs, options):
    return {"refresh ms": load_of_original(examples, jobs, 3, "--refresh", "1", "--changed", "1")[2]["refresh_ms"]}


def refresh_of_ours(examples, jobs, options):
    # The listing that is measured is the last one: the third or later.
    load = ["--jobs", jobs, "--intervals", 60, "--refresh", 1, "--changed", 1, "--seconds", 12]
    return {"refresh ms": ours(examples, *load)["listing_ms"]}


def fetch(examples, entities, command):
    with backend(examples, entities, 5) as (server, variables):
        before = request_count(server)
        with running(command, **variables) as program:
            said = next_line(program)
            if said["entities"] != entities or said["sensors"] != 3 * entities:
                raise Failed(f"only {said['entities']} entities")
            return {"ms": said["fetch_ms"], "requests": request_count(server) - before}


def fetch_of_original(examples, entities, options):
    return fetch(examples, entities, [sys.executable, ORIGINAL, "fetch"])


def fetch_of_ours(examples, entities, options):
    return fetch(examples, entities, [os.path.join(examples, "fetch_configs")])


# What is counted, of how many by default, and who measures it.
MEASURES = {
    "rate": ("jobs, 1 s", [100, 1_000, 10_000, 100_000], rate_of_original, rate_of_ours),
    "memory": ("jobs, 60 s", [100_000, 1_000_000], memory_of_original, memory_of_ours),
    "refresh": ("jobs, 1 % changed", [100_000, 1_000_000], refresh_of_original, refresh_of_ours),
    "fetch": ("entities, 5 ms latency", [1_000], fetch_of_original, fetch_of_ours),
}


def measured(measure, examples, count, options):
    try:
        return measure(examples, count, options)
    except Failed as failed:
        return str(failed)


def median(rounds, name):
    """The median over the rounds; NaN where one gave no figure."""
    figures = [figures[name] for figures in rounds if isinstance(figures, dict)]
    return statistics.median(figures) if figures and len(figures) == len(rounds) else math.nan


def shown(figure):
    if math.isnan(figure):
        return "-"
    return f"{figure:.2f}" if abs(figure) < 100 else f"{figure:,.0f}".replace(",", " ")


def rows(count, original, own):
    """The lines of the table for one count."""
    names = next((figures for figures in [*own, *original] if isinstance(figures, dict)), {})
    for name in names:
        theirs, our = median(original, name), median(own, name)
        ratio = theirs / our if our else math.nan
        yield f"| {count:,} | {name} | {shown(theirs)} | {shown(our)} | {shown(ratio)} |".replace(",", " ")
    for side, rounds in (("original", original), ("ours", own)):
        for reason in sorted({figures for figures in rounds if isinstance(figures, str)}):
            yield f"| {count:,} | {side}: {reason} | | | |".replace(",", " ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this alone; may be repeated")
    parser.add_argument("--counts", type=lambda text: [int(count) for count in text.split(",")],
                        help="how many jobs or entities, such as 100,1000, instead of the usual")
    parser.add_argument("--rounds", type=int, default=3, help="how often (3)")
    parser.add_argument("--seconds", type=int, default=20, help="for how long runs are counted (20)")
    options = parser.parse_args()
    # What was started ends also where this is told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    examples = build()
    for name in options.only or MEASURES:
        unit, counts, *sides = MEASURES[name]
        print(f"\n| {unit} | | original | ours | ratio |\n| --- | --- | --- | --- | --- |", flush=True)
        for count in options.counts or counts:
            figures = ([], [])
            for number in range(options.rounds):
                for side in [0, 1] if number % 2 == 0 else [1, 0]:
                    figures[side].append(measured(sides[side], examples, count, options))
            print("\n".join(rows(count, *figures)), flush=True)


if __name__ == "__main__":
    main()
