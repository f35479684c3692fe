#!/usr/bin/env python3
"""Run a Django command, on embedded servers where the environment names none."""

import os
import signal
import sys
from contextlib import nullcontext

from django.core.management import execute_from_command_line

from config import runtime

SERVERLESS = {"check", "collectstatic", "compilemessages", "help", "makemessages", "spectacular", "version"}


def main(arguments: list[str]) -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Leave through the blocks that stop the servers when asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    serverless = len(arguments) < 2 or arguments[1] in SERVERLESS or "--help" in arguments
    with nullcontext() if serverless else runtime.serving():
        execute_from_command_line(arguments)


if __name__ == "__main__":
    main(sys.argv)
