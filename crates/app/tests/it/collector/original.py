"""Runs jobs with the original grafoleancollector and writes what ran, in the lines load_bot writes.

Takes BACKEND_URL, BOT_TOKEN and the options of load_bot that say which jobs there are. Everything written is what the
original's own scheduler reports: its events, and the instant at which it took a job out.
"""

import argparse
import os
import signal
import sys
import time

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.job import Job
from grafoleancollector import Collector

# The original leaves its workers behind when it is killed. Whatever happens, nothing here outlives this.
LIFE_SECONDS = 600


def say(*words):
    # One call of write: events come from several threads.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def numbers(text):
    return [int(number) for number in text.split(",")]


def start(text):
    return None if text == "creation" else int(text)


def report_lateness():
    """The original plans on from the instant at which it takes a job out: firings until then vanish without an event."""
    run_times_of = Job._get_run_times

    def reported(job, now):
        run_times = run_times_of(job, now)
        if run_times:
            taken, until = int(run_times[0].timestamp()), int(now.timestamp())
            if until > taken:
                say("late", taken, job.id, until)
        return run_times

    Job._get_run_times = reported


def report(event):
    if event.code == EVENT_JOB_EXECUTED:
        say("ran", int(event.scheduled_run_time.timestamp()), event.job_id, sorted(event.retval), 0)
    elif event.code == EVENT_JOB_MISSED:
        say("missed", int(event.scheduled_run_time.timestamp()), event.job_id)
    elif event.code == EVENT_JOB_MAX_INSTANCES:
        for run_time in event.scheduled_run_times:
            say("missed", int(run_time.timestamp()), event.job_id)
    else:
        say("failed", event.job_id, repr(event.exception))


class Original(Collector):
    """A bot of the original whose end comes when a pause between two refreshes begins after its time."""

    options = None
    until = None

    def jobs(self):
        is_first = self.until is None
        if is_first:
            events = EVENT_JOB_ERROR | EVENT_JOB_EXECUTED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED
            self.scheduler.add_listener(report, events)
        intervals, starts = self.options.intervals, self.options.start
        for number in range(self.options.jobs):
            job = f"job-{number}", intervals[number % len(intervals)], Original.perform, {"number": number}
            yield *job, starts[number % len(starts)]
        if is_first:
            for job in self.scheduler.get_jobs():
                say("created", job.trigger.start_ts, job.id, job.trigger.start_ts)
            self.until = int(time.time()) + 1 + self.options.seconds
            say("listed", self.until - self.options.seconds)

    @staticmethod
    def perform(*arguments, **parameters):
        affecting, = arguments
        return affecting

    @property
    def jobs_refresh_interval(self):
        # Past the end it goes on until nothing of the time before can still be due.
        if self.until and all(job.next_run_time.timestamp() > self.until for job in self.scheduler.get_jobs()):
            say("ended", self.until)
            raise KeyboardInterrupt
        return self.options.refresh

    @jobs_refresh_interval.setter
    def jobs_refresh_interval(self, _):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--intervals", type=numbers, action="append")
    parser.add_argument("--start", type=start, action="append")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--refresh", type=float)
    Original.options = parser.parse_args()
    signal.alarm(LIFE_SECONDS)
    os.register_at_fork(after_in_child=lambda: signal.alarm(LIFE_SECONDS))
    report_lateness()
    Original(os.environ["BACKEND_URL"], os.environ["BOT_TOKEN"], Original.options.refresh).execute()


if __name__ == "__main__":
    sys.exit(main())
