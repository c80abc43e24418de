"""The sample year: from a one-stop export to a reminder in a mailbox, counted again by other code."""

import email.policy
import importlib.util
import os
import re
import unittest

import fixtures
import harness
import mail_sink

SEEDS = (2023, 7)


def recount_module():
    spec = importlib.util.spec_from_file_location(
        "recount", os.path.join(harness.ROOT, "tests/recount/recount.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
