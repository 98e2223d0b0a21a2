# SPDX-License-Identifier: Apache-2.0
"""The listings, sessions and what all commands have in common, as a user types them."""

import json
import socket
import subprocess
import unittest

from tests.cloud import POLICY, SERVER, UNKNOWN, console, fault, session
from tests.harness import CommandCase


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

    def test_limit_counts_what_is_shown(self):
        words = ["console", "session", "list", "--limit", "3", "-f", "value", "-c", "ID"]
        self.assertEqual(self.good(*words).output.split(), ["session-1", "session-2", "session-4"])

    def test_many_pages(self):
        self.cloud.sessions = [session(number) for number in range(1000)]
        rows = json.loads(self.good("console", "session", "list", "-f", "json").output)
        self.assertEqual([row["ID"] for row in rows], [f"session-{number}" for number in range(1000)])

    def test_server_that_is_gone(self):
        self.good("console", "session", "list", "--server", UNKNOWN)
        self.assertEqual(self.cloud.asked("GET", "/v1/sessions")[0][2], {"instance_uuid": UNKNOWN})

    def test_answer_that_is_no_json(self):
        self.cloud.faults["/v1/sessions"] = (200, b"<html>Please log in</html>")
        fault_text = "/v1/sessions answered with something that is not of the console service"
        self.bad(fault_text, "console", "session", "list")

    def test_filters(self):
        words = ["--server", "windows-desktop", "--project", "p1", "--source", "RegionOne"]
        self.good("console", "session", "list", *words)
        query = self.cloud.asked("GET", "/v1/sessions")[0][2]
        self.assertEqual(query, {"instance_uuid": SERVER, "project_id": "p1", "source": "RegionOne"})

    def test_search(self):
        words = ["--name", "desk", "--user", "alice", "--sort", "created_at:asc", "-f", "value", "-c", "ID"]
        shown = self.good("console", "session", "list", *words).output
        _, _, query, headers, _ = self.cloud.asked("GET", "/v1/sessions")[0]
        self.assertEqual(query, {"name~": "desk", "user": "alice", "sort": "created_at:asc"})
        self.assertEqual(headers["OpenStack-API-Version"], "console latest")
        self.assertEqual(shown.split(), ["session-1", "session-2", "session-4"])

    def test_search_by_state_shows_what_the_service_finds(self):
        self.cloud.sessions = [session(3, "closed")]
        words = ["console", "session", "list", "--state", "closed", "-f", "value", "-c", "ID"]
        self.assertEqual(self.good(*words).output.split(), ["session-3"])
        self.assertEqual(self.cloud.asked("GET", "/v1/sessions")[0][2], {"state": "closed"})

    def test_search_of_a_service_that_leaves_it_unread(self):
        self.cloud.newest = "1.2"
        fault_text = "this search needs version 1.3 of the console service, which has answered in version 1.2"
        self.bad(fault_text, "console", "session", "list", "--name", "desk")

    def test_search_that_is_none(self):
        for words, said in (
            (["--sort", "name"], "'name' is none of created_at, id, with :asc or :desc behind it"),
            (["--sort", "id:"], "'id:' is none of"),
            (["--state", "gone"], "invalid choice: 'gone'"),
            (["--state", "active", "--all"], "not allowed with argument"),
        ):
            with self.subTest(words=words):
                self.bad(said, "console", "session", "list", *words)
        self.assertEqual(self.cloud.asked("GET", "/v1/sessions"), [])

    def test_table(self):
        self.assertIn("| session-1 | windows-desktop | active", self.good("console", "session", "list").output)

    def test_limit_that_is_no_number(self):
        self.bad("is not a number of at least 1", "console", "session", "list", "--limit", "0")

    def test_show(self):
        shown = json.loads(self.good("console", "session", "show", "session-1", "-f", "json").output)
        self.assertEqual(shown["id"], "session-1")
        self.assertEqual(shown["channels"][0]["client_ip"], "192.0.2.7")
        self.assertEqual(self.cloud.asked("GET", "/v1/connections")[0][2], {"session_id": "session-1"})
        self.assertIsNone(shown["channels"][0]["bytes_up"])

    def test_show_as_a_table(self):
        self.assertIn("channel='main', channel_id='0'", self.good("console", "session", "show", "session-1").output)

    def test_show_unknown(self):
        self.bad("session not found", "console", "session", "show", "a/b")
        self.assertEqual(len(self.cloud.asked("GET", "/v1/sessions/a%2Fb")), 1)

    def test_end(self):
        self.good("console", "session", "end", "session-1", "session-4")
        self.assertEqual(self.cloud.ended, ["session-1", "session-4"])

    def test_end_goes_on_after_one_that_is_unknown(self):
        self.bad("1 of 2 sessions could not be ended", "console", "session", "end", "nobody", "session-4")
        self.assertEqual(self.cloud.ended, ["session-4"])


class DesktopListTest(CommandCase):
    """console desktop list"""

    def test_list(self):
        rows = json.loads(self.good("console", "desktop", "list", "-f", "json").output)
        expected = {"Server ID": SERVER, "Name": "windows-desktop", "State": "ACTIVE", "Source": "RegionOne"}
        self.assertEqual(rows, [expected])

    def test_long(self):
        row = json.loads(self.good("console", "desktop", "list", "--long", "-f", "json").output)[0]
        self.assertEqual((row["Protocol"], row["Tags"]), ("spice", ["pool:lab", "image:win11"]))
        self.assertIn("pool:lab", self.good("console", "desktop", "list", "--long").output)

    def test_search(self):
        self.cloud.consoles += [console("RegionTwo") | {"name": "office-17"}]
        search = ["--name", "office", "--state", "ACTIVE", "--sort", "name:desc", "--project", "p1"]
        rows = json.loads(self.good("console", "desktop", "list", *search, "-f", "json").output)
        self.assertEqual([row["Name"] for row in rows], ["office-17"])
        query = self.cloud.asked("GET", "/v1/consoles")[0][2]
        self.assertEqual(query, {"name~": "office", "state": "ACTIVE", "sort": "name:desc", "project_id": "p1"})

    def test_version_that_cannot_search(self):
        version = ["--os-kerbside-api-version", "1.2"]
        self.good(*version, "console", "desktop", "list", "--source", "RegionOne")
        said = "this search needs version 1.3 of the console service, which has answered in version 1.2"
        self.bad(said, *version, "console", "desktop", "list", "--state", "ACTIVE")


class DesktopShowTest(CommandCase):
    """console desktop show"""

    def test_policy_with_who_set_it(self):
        shown = self.good("console", "desktop", "show", "windows-desktop").output
        self.assertIn("clipboard: to-guest (source RegionOne)", shown)
        self.assertIn("usb: class:08, 046d:c52b (flavor)", shown)
        self.assertIn("view_only: no (deployment)", shown)
        self.assertIn("max_monitors: 2 (project p1)", shown)
        self.assertNotIn("hypervisor", shown)

    def test_policy_for_programs(self):
        shown = json.loads(self.good("console", "desktop", "show", SERVER, "-f", "json").output)
        self.assertEqual(shown["guest_policy"], POLICY)
        path = f"/v1/consoles/RegionOne/{SERVER}"
        self.assertEqual(self.cloud.asked("GET", path)[0][3]["OpenStack-API-Version"], "console latest")

    def test_service_that_knows_of_no_policy(self):
        version = ["--os-kerbside-api-version", "1.3"]
        shown = json.loads(self.good(*version, "console", "desktop", "show", SERVER, "-f", "json").output)
        self.assertEqual((shown["name"], "guest_policy" in shown), ("windows-desktop", False))

    def test_server_of_several_sources(self):
        self.cloud.consoles.append(console("RegionTwo"))
        self.bad("RegionOne, RegionTwo; name one with --source", "console", "desktop", "show", SERVER)
        words = ["--source", "RegionTwo", "-f", "value", "-c", "source"]
        self.assertEqual(self.good("console", "desktop", "show", SERVER, *words).output.strip(), "RegionTwo")

    def test_server_without_a_desktop(self):
        self.bad("knows no desktop of server", "console", "desktop", "show", UNKNOWN)


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

    def test_audit_long(self):
        rows = json.loads(self.good("console", "audit", "list", "--long", "--limit", "1", "-f", "json").output)
        self.assertEqual((rows[0]["Project ID"], rows[0]["Node"], rows[0]["PID"]), ("p1", "proxy1", 42))

    def test_audit_says_who_from_where_and_by_whom(self):
        row = json.loads(self.good("console", "audit", "list", "--limit", "1", "-f", "json").output)[0]
        self.assertEqual((row["Issued To"], row["Client IP"], row["Request User"]), ("ann", "192.0.2.7", "bob"))
        self.assertEqual(self.cloud.asked("GET", "/v1/audit-events")[0][3]["OpenStack-API-Version"], "console latest")
        csv = self.good("console", "audit", "list", "--limit", "1", "-f", "csv").output
        self.assertIn('"ann","192.0.2.7","bob"', csv)

    def test_audit_of_a_version_that_is_asked_for(self):
        version = ["--os-kerbside-api-version", "1.1"]
        row = json.loads(self.good(*version, "console", "audit", "list", "--limit", "1", "-f", "json").output)[0]
        self.assertEqual((row["Message"], row["Issued To"]), ("event 250", None))
        self.assertEqual(self.cloud.asked("GET", "/v1/audit-events")[0][3]["OpenStack-API-Version"], "console 1.1")

    def test_audit_of_a_session_and_of_a_user(self):
        self.good("console", "audit", "list", "--session", "s1", "--user", "ann")
        query = self.cloud.asked("GET", "/v1/audit-events")[0][2]
        self.assertEqual((query["session_id"], query["user"]), ("s1", "ann"))

    def test_audit_of_a_user_needs_a_service_that_knows_of_users(self):
        version = ["--os-kerbside-api-version", "1.1"]
        self.bad("needs version 1.2 of the console service", *version, "console", "audit", "list", "--user", "ann")

    def test_audit_of_a_time_and_of_a_kind(self):
        self.setting("TZ", "UTC-2")
        times = ["--since", "2026-11-20", "--until", "2026-11-20T12:30:00Z"]
        self.good("console", "audit", "list", *times, "--requested-by", "operator")
        query = self.cloud.asked("GET", "/v1/audit-events")[0][2]
        self.assertEqual((query["since"], query["until"]), ("2026-11-19T22:00:00.000Z", "2026-11-20T12:30:00.000Z"))
        self.assertEqual(query["requested_by"], "operator")

    def test_audit_of_a_time_needs_a_service_that_searches(self):
        version = ["--os-kerbside-api-version", "1.2"]
        words = ["console", "audit", "list", "--since", "2026-11-20"]
        self.bad("this search needs version 1.3 of the console service", *version, *words)

    def test_audit_of_a_time_that_is_none(self):
        self.bad("'yesterday' is no time such as 2026-01-31", "console", "audit", "list", "--since", "yesterday")

    def test_audit_all_and_limit_exclude_each_other(self):
        self.bad("not allowed with argument", "console", "audit", "list", "--all", "--limit", "3")

    def test_services_say_which_version_they_need(self):
        self.bad("--os-kerbside-api-version 1.1 or greater is required", "console", "service", "list")

    def test_services_need_their_version(self):
        version = ["--os-kerbside-api-version", "1.1"]
        rows = json.loads(self.good(*version, "console", "service", "list", "-f", "json").output)
        self.assertEqual(rows[0]["Binary"], "kerbside-proxy")
        self.assertEqual(self.cloud.asked("GET", "/v1/services")[0][3]["OpenStack-API-Version"], "console 1.1")

    def test_latest_version(self):
        self.good("--os-kerbside-api-version", "1.latest", "console", "source", "list")
        self.assertEqual(self.cloud.asked("GET", "/v1/sources")[0][3]["OpenStack-API-Version"], "console latest")

    def test_version_of_the_environment(self):
        self.setting("OS_KERBSIDE_API_VERSION", "1.1")
        self.good("console", "source", "list")
        self.assertEqual(self.cloud.asked("GET", "/v1/sources")[0][3]["OpenStack-API-Version"], "console 1.1")

    def test_version_that_is_none(self):
        words = ["--os-kerbside-api-version", "two", "console", "source", "list"]
        self.bad("is no version of the console service", *words)

    def test_not_allowed(self):
        errors = {"errors": [{"status": 403, "detail": "policy forbids it", "request_id": "req-9"}]}
        self.cloud.faults["/v1/audit-events"] = (403, errors)
        self.bad("policy forbids it", "console", "audit", "list")

    def test_token_that_counts_no_more(self):
        self.cloud.faults["/v1/sources"] = (401, fault(401, "the token is not valid"))
        self.bad("the token is not valid (HTTP 401, req-1234)", "console", "source", "list")

    def test_service_that_is_away(self):
        self.cloud.console = f"http://127.0.0.1:{free_port()}"
        self.bad("Unable to establish connection", "console", "source", "list")

    def test_completion(self):
        script = self.folder / "completion"
        script.write_text(self.good("complete", "--name", "openstack").output)
        for words, completed in (
            (["console", "desk"], ["desktop"]),
            (["console", "desktop", ""], ["list", "open", "show"]),
            (["console", "session", ""], ["end", "list", "show"]),
            (["console", "audit", "list", "--mark"], ["--marker"]),
            (["console", "desktop", "open", "--h"], ["--help", "--html5"]),
        ):
            self.assertEqual(sorted(complete(script, "openstack", *words)), completed, words)

    def test_help(self):
        self.assertIn("--save <file>", self.good("help", "console", "desktop", "open").output)


def free_port():
    """Give a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def complete(script, *words):
    """Give what bash completes the last word to."""
    # What the package bash-completion gives to the function that "openstack complete" prints.
    helper = "_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]}; words=(\"${COMP_WORDS[@]}\"); }"
    call = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _openstack; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "-c", f'{helper}; . "$0"; {call}', str(script), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


if __name__ == "__main__":
    unittest.main()
