"""A bot of the original grafoleancollector to be measured: `load` runs jobs that do nothing, `fetch` lists what to poll.

Started by compare.py, with BACKEND_URL and BOT_TOKEN. Writes a line of JSON for every refresh or listing. A run writes the
instant of its start, eight bytes, to the file RUNS.
"""

import argparse
import json
import os
import struct
import time

from grafoleancollector import Collector

RUNS = os.open(os.environ.get("RUNS", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def say(**words):
    print(json.dumps(words), flush=True)


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class LoadBot(Collector):
    options = None
    refreshes = 0

    def jobs(self):
        # The same as load_bot: so many of a hundred jobs change at every refresh.
        for number in range(self.options.jobs):
            changing = self.refreshes if number % 100 < self.options.changed else 0
            start = None if self.options.start is None else [self.options.start]
            yield f"job-{number}", [self.options.interval], LoadBot.perform, {"number": changing}, *(start or [])

    @staticmethod
    def perform(*arguments, **parameters):
        os.write(RUNS, struct.pack("d", time.time()))

    def refresh_jobs(self):
        before, began = resident_bytes(), time.monotonic()
        super().refresh_jobs()
        took = time.monotonic() - began
        self.refreshes += 1
        say(refresh_ms=took * 1000, before_bytes=before, after_bytes=resident_bytes(), at=time.time())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["load", "fetch"])
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--interval", type=int)
    parser.add_argument("--start", type=int)
    parser.add_argument("--refresh", type=float, default=86400)
    parser.add_argument("--changed", type=int, default=0)
    parser.add_argument("--times", type=int, default=1)
    options = LoadBot.options = parser.parse_args()
    bot = LoadBot(os.environ["BACKEND_URL"], os.environ["BOT_TOKEN"], options.refresh)
    if options.mode == "load":
        bot.execute()
    for _ in range(options.times):
        began = time.monotonic()
        entities = list(bot.fetch_job_configs("snmp"))
        took = time.monotonic() - began
        sensors = sum(len(entity["sensors"]) for entity in entities)
        say(entities=len(entities), sensors=sensors, fetch_ms=took * 1000)


if __name__ == "__main__":
    main()
