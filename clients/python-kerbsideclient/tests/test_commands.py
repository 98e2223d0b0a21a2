# SPDX-License-Identifier: Apache-2.0
"""The commands as a user types them: the real openstack command, in this process, against a cloud on loopback."""

import importlib
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests.cloud import SERVER, TOKEN, VV_FILE, Cloud

HERE = Path(__file__).resolve().parent.parent
SCRATCH = tempfile.TemporaryDirectory(prefix="kerbsideclient-")
SHELL = "openstackclient.shell"
LOGIN = {
    "OS_USERNAME": "alice",
    "OS_PASSWORD": "s3cret-password",
    "OS_PROJECT_NAME": "demo",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
    "OS_IDENTITY_API_VERSION": "3",
}


def setUpModule():
    """Make the entry points known, as an installation does, without one."""
    egg_info = ["egg_info", "--egg-base", SCRATCH.name]
    make = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *egg_info]
    subprocess.run(make, cwd=HERE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sys.path[:0] = [SCRATCH.name, str(HERE)]
    os.environ["XDG_CACHE_HOME"] = SCRATCH.name
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(LOGIN)
    # Plugins are found when this is imported; every command then starts with it in memory.
    importlib.import_module(SHELL)


def tearDownModule():
    """Remove what was made."""
    SCRATCH.cleanup()


class Outcome:
    """What a command came to."""

    def __init__(self, status, data, errors):
        self.status = status
        self.data = data
        self.output = data.decode()
        self.errors = errors


def openstack(*words):
    """Run the command in a process of its own: it keeps clients in its classes. Give what it came to."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            run(words, output, errors)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        errors.seek(0)
        return Outcome(os.waitstatus_to_exitcode(status), output.read(), errors.read().decode())


def run(words, output, errors):
    """Be the command, with the modules that are loaded already; never return."""
    os.dup2(output.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    sys.stdout = io.TextIOWrapper(open(1, "wb", 0, closefd=False), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(open(2, "wb", 0, closefd=False), encoding="utf-8", write_through=True)
    status = 70
    try:
        status = importlib.import_module(SHELL).main(list(words))
    except SystemExit as end:
        status = end.code or 0
    finally:
        os._exit(status)


class CommandCase(unittest.TestCase):
    """A cloud for each test."""

    def setUp(self):
        self.cloud = Cloud()
        self.addCleanup(self.cloud.close)
        os.environ["OS_AUTH_URL"] = f"{self.cloud.base}/identity/v3"
        folder = tempfile.TemporaryDirectory(prefix="kerbsideclient-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

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

    def program(self, name, text):
        """Make a program in the test's folder and put it first in PATH."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        before = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", before)
        os.environ["PATH"] = f"{self.folder}:{before}"
        return path


class DesktopTest(CommandCase):
    """console desktop open"""

    def test_save(self):
        path = self.folder / "console.vv"
        self.good("console", "desktop", "open", "windows-desktop", "--save", str(path))
        self.assertEqual(path.read_bytes(), VV_FILE)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        _, _, _, headers, body = self.cloud.asked("POST", "/v1/consoles")[0]
        self.assertEqual(json.loads(body), {"instance_uuid": SERVER})
        self.assertEqual(headers["X-Auth-Token"], TOKEN)
        self.assertEqual(headers["OpenStack-API-Version"], "console 1.0")

    def test_save_replaces_a_file_that_others_may_read(self):
        path = self.folder / "console.vv"
        path.write_text("old")
        path.chmod(0o644)
        self.good("console", "desktop", "open", SERVER, "--save", str(path))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["console.vv"])

    def test_save_to_standard_output(self):
        self.assertEqual(self.good("console", "desktop", "open", SERVER, "--save", "-").data, VV_FILE)

    def test_save_where_nobody_can_write(self):
        self.bad("cannot be written", "console", "desktop", "open", SERVER, "--save", str(self.folder / "no" / "vv"))

    def test_viewer_gets_the_file_and_it_is_removed(self):
        copy = self.folder / "copy"
        self.program("remote-viewer", f'cp "$1" {copy}; stat -c %a "$1" > {copy}.mode; echo "$1" > {copy}.path')
        self.good("console", "desktop", "open", "windows-desktop")
        self.assertEqual(copy.read_bytes(), VV_FILE)
        self.assertEqual(Path(f"{copy}.mode").read_text(), "600\n")
        self.assertFalse(Path(Path(f"{copy}.path").read_text().strip()).exists())

    def test_viewer_may_remove_the_file_itself(self):
        self.program("remote-viewer", 'rm "$1"')
        self.good("console", "desktop", "open", "windows-desktop")

    def test_viewer_that_fails(self):
        self.program("remote-viewer", "exit 3")
        self.bad("remote-viewer ended with status 3", "console", "desktop", "open", SERVER)

    def test_viewer_that_is_missing_costs_no_token(self):
        self.bad("is not installed", "console", "desktop", "open", SERVER, "--viewer", "no-such-viewer")
        self.assertEqual(self.cloud.asked("POST", "/v1/consoles"), [])

    def test_browser(self):
        seen = self.folder / "url"
        browser = self.program("a-browser", f'echo "$1" > {seen}')
        os.environ["BROWSER"] = f"{browser} %s"
        self.addCleanup(os.environ.pop, "BROWSER")
        self.good("console", "desktop", "open", SERVER, "--html5")
        self.assertEqual(seen.read_text().strip(), f"{self.cloud.base}/spice_auto.html?token=t1")
        _, _, _, headers, _ = self.cloud.asked("POST", f"/compute/v2.1/servers/{SERVER}/remote-consoles")[0]
        self.assertEqual(headers["OpenStack-API-Version"], "compute 2.6")

    def test_browser_of_a_cloud_without_such_consoles(self):
        path = f"/compute/v2.1/servers/{SERVER}/remote-consoles"
        self.cloud.faults[path] = (400, {"badRequest": {"code": 400, "message": "Unavailable console type"}})
        self.bad("Nova has no console for a browser", "console", "desktop", "open", SERVER, "--html5")

    def test_source_is_passed_on(self):
        self.good("console", "desktop", "open", SERVER, "--source", "RegionTwo", "--save", "-")
        self.assertEqual(json.loads(self.cloud.asked("POST", "/v1/consoles")[0][4])["source"], "RegionTwo")

    def test_unknown_server(self):
        self.bad("No Server found for nobody", "console", "desktop", "open", "nobody", "--save", "-")

    def test_stopped_server(self):
        errors = {"errors": [{"status": 409, "detail": "the instance is stopped", "request_id": "req-7"}]}
        self.cloud.faults["/v1/consoles"] = (409, errors)
        self.bad("the instance is stopped", "console", "desktop", "open", SERVER, "--save", "-")

    def test_cloud_without_kerbside(self):
        self.cloud.has_console = False
        self.bad("kerbside-manage service register", "console", "desktop", "open", SERVER, "--save", "-")


class SessionTest(CommandCase):
    """console session list, show, end"""

    def test_list_shows_what_is_open_over_all_pages(self):
        rows = json.loads(self.good("console", "session", "list", "-f", "json").output)
        self.assertEqual([row["ID"] for row in rows], ["session-1", "session-2", "session-4"])
        self.assertEqual(rows[0]["State"], "active")
        self.assertEqual(len(self.cloud.asked("GET", "/v1/sessions")), 3)

    def test_list_all_and_long(self):
        rows = json.loads(self.good("console", "session", "list", "--all", "--long", "-f", "json").output)
        self.assertEqual(len(rows), 5)
        self.assertEqual(rows[2]["Server ID"], SERVER)

    def test_limit_and_marker(self):
        page = ["--limit", "3", "--marker", "session-1"]
        words = ["console", "session", "list", "--all", *page, "-f", "value", "-c", "ID"]
        self.assertEqual(self.good(*words).output.split(), ["session-2", "session-3", "session-4"])

    def test_filters(self):
        words = ["--server", "windows-desktop", "--project", "p1", "--source", "RegionOne"]
        self.good("console", "session", "list", *words)
        query = self.cloud.asked("GET", "/v1/sessions")[0][2]
        self.assertEqual(query, {"instance_uuid": SERVER, "project_id": "p1", "source": "RegionOne"})

    def test_table(self):
        self.assertIn("| session-1 | windows-desktop | active", self.good("console", "session", "list").output)

    def test_limit_that_is_no_number(self):
        self.bad("is not a number of at least 1", "console", "session", "list", "--limit", "0")

    def test_show(self):
        shown = json.loads(self.good("console", "session", "show", "session-1", "-f", "json").output)
        self.assertEqual(shown["id"], "session-1")
        self.assertEqual(shown["channels"][0]["client_ip"], "192.0.2.7")
        self.assertEqual(self.cloud.asked("GET", "/v1/connections")[0][2], {"session_id": "session-1"})

    def test_show_unknown(self):
        self.bad("session not found", "console", "session", "show", "a/b")
        self.assertEqual(len(self.cloud.asked("GET", "/v1/sessions/a%2Fb")), 1)

    def test_end(self):
        self.good("console", "session", "end", "session-1", "session-4")
        self.assertEqual(self.cloud.ended, ["session-1", "session-4"])

    def test_end_goes_on_after_one_that_is_unknown(self):
        self.bad("1 of 2 sessions could not be ended", "console", "session", "end", "nobody", "session-4")
        self.assertEqual(self.cloud.ended, ["session-4"])


class OtherTest(CommandCase):
    """Sources, services, the audit trail, versions"""

    def test_sources(self):
        rows = json.loads(self.good("console", "source", "list", "-f", "json").output)
        self.assertEqual(rows[0]["Name"], "RegionOne")

    def test_audit_shows_the_newest(self):
        rows = json.loads(self.good("console", "audit", "list", "-f", "json").output)
        self.assertEqual((len(rows), rows[0]["Message"]), (100, "event 250"))

    def test_audit_all(self):
        rows = json.loads(self.good("console", "audit", "list", "--all", "-f", "json").output)
        self.assertEqual(len(rows), 250)

    def test_audit_limit_over_pages(self):
        rows = json.loads(self.good("console", "audit", "list", "--limit", "120", "-f", "json").output)
        self.assertEqual(len(rows), 120)

    def test_services_need_their_version(self):
        version = ["--os-kerbside-api-version", "1.1"]
        rows = json.loads(self.good(*version, "console", "service", "list", "-f", "json").output)
        self.assertEqual(rows[0]["Binary"], "kerbside-proxy")
        self.assertEqual(self.cloud.asked("GET", "/v1/services")[0][3]["OpenStack-API-Version"], "console 1.1")

    def test_latest_version(self):
        self.good("--os-kerbside-api-version", "1.latest", "console", "source", "list")
        self.assertEqual(self.cloud.asked("GET", "/v1/sources")[0][3]["OpenStack-API-Version"], "console latest")

    def test_version_of_the_environment(self):
        os.environ["OS_KERBSIDE_API_VERSION"] = "1.1"
        self.addCleanup(os.environ.pop, "OS_KERBSIDE_API_VERSION")
        self.good("console", "source", "list")
        self.assertEqual(self.cloud.asked("GET", "/v1/sources")[0][3]["OpenStack-API-Version"], "console 1.1")

    def test_version_that_is_none(self):
        words = ["--os-kerbside-api-version", "two", "console", "source", "list"]
        self.bad("is no version of the console service", *words)

    def test_not_allowed(self):
        errors = {"errors": [{"status": 403, "detail": "policy forbids it", "request_id": "req-9"}]}
        self.cloud.faults["/v1/audit-events"] = (403, errors)
        self.bad("policy forbids it", "console", "audit", "list")

    def test_completion_knows_the_commands(self):
        self.assertIn("cmds_console_desktop='open'", self.good("complete").output)

    def test_help(self):
        self.assertIn("--save <file>", self.good("help", "console", "desktop", "open").output)


if __name__ == "__main__":
    unittest.main()
