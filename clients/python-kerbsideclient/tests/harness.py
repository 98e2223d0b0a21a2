# SPDX-License-Identifier: Apache-2.0
"""The real openstack command, in a process of its own, against a cloud on loopback."""

import functools
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tests.cloud import Cloud
from tests.command import SHELL, run

HERE = Path(__file__).resolve().parent.parent
SCRATCH = tempfile.TemporaryDirectory(prefix="kerbsideclient-")
#: Commands begin as forks of a server that has loaded the command: the tests' own process has threads, clouds among
#: them, and a fork of it could wait for ever for what a thread held.
PROCESSES = multiprocessing.get_context("forkserver")
#: Seconds after which something that should have happened has not.
DEADLINE = 60
LOGIN = {
    "OS_USERNAME": "alice",
    "OS_PASSWORD": "s3cret-password",
    "OS_PROJECT_NAME": "demo",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
    "OS_IDENTITY_API_VERSION": "3",
}


@functools.cache
def prepare():
    """Make the entry points known, as an installation does, without one."""
    egg_info = ["egg_info", "--egg-base", SCRATCH.name]
    make = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *egg_info]
    subprocess.run(make, cwd=HERE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ["XDG_CACHE_HOME"] = SCRATCH.name
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(LOGIN)
    # Plugins are found when the command is loaded; every one then starts with it in memory. The server that loads it
    # knows the path from the environment, its forks know that of this process.
    sys.path[:0] = [SCRATCH.name, str(HERE)]
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])
    PROCESSES.set_forkserver_preload([SHELL, run.__module__])


class Outcome:
    """What a command came to."""

    def __init__(self, status, data, errors):
        self.status = status
        self.data = data
        self.output = data.decode()
        self.errors = errors


def openstack(*words, meanwhile=None):
    """Run the command in a process of its own: it keeps clients in its classes. Give what it came to.

    :param meanwhile: called with the id of the process, which leads a group of its own
    """
    with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as errors:
        child = PROCESSES.Process(target=run, args=(words, dict(os.environ), output.name, errors.name))
        child.start()
        if meanwhile is not None:
            meanwhile(child.pid)
        child.join()
        return Outcome(child.exitcode, output.read(), errors.read().decode())


class CommandCase(unittest.TestCase):
    """A cloud for each test."""

    @classmethod
    def setUpClass(cls):
        prepare()

    def setUp(self):
        self.start(Cloud())
        folder = tempfile.TemporaryDirectory(prefix="kerbsideclient-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, cloud):
        """Have commands log in to this cloud."""
        self.cloud = cloud
        self.addCleanup(cloud.close)
        os.environ["OS_AUTH_URL"] = f"{cloud.base}/identity/v3"

    def good(self, *words):
        """Run a command that must succeed."""
        outcome = openstack(*words)
        self.assertEqual(outcome.status, 0, outcome.errors)
        return outcome

    def bad(self, sentence, *words):
        """Run a command that must fail with a sentence."""
        outcome = openstack(*words)
        self.assertNotEqual(outcome.status, 0)
        self.assertIn(sentence, outcome.errors)
        self.assertNotIn("Traceback", outcome.errors)
        self.assertNotIn(LOGIN["OS_PASSWORD"], outcome.errors)
        return outcome

    def wait_for(self, condition):
        """Wait until something is true."""
        end = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), end, "nothing happened")
            time.sleep(0.02)

    def setting(self, name, value):
        """Set a variable of the environment for this test."""
        before = os.environ.get(name)
        if before is None:
            self.addCleanup(os.environ.pop, name)
        else:
            self.addCleanup(os.environ.__setitem__, name, before)
        os.environ[name] = value

    def program(self, name, text):
        """Make a program in the test's folder and put it first in PATH."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        self.setting("PATH", f"{self.folder}:{os.environ['PATH']}")
        return path
