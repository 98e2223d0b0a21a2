# SPDX-License-Identifier: Apache-2.0
"""Where the plugin stands in Horizon, and whose clicks and policies it takes."""

import pathlib
import unittest

from django.apps import apps as django_apps
from django.conf import settings
from django.test import override_settings, RequestFactory
from django.urls import resolve
from openstack_dashboard.dashboards.admin.instances import tables as admin_tables
from openstack_dashboard.dashboards.admin.instances import tabs as admin_tabs
from openstack_dashboard.dashboards.project.instances import tables as project_tables
from openstack_dashboard.dashboards.project.instances import tabs as project_tabs
from oslo_config import cfg
from oslo_policy import policy
import yaml

from horizon_kerbside import apps
from horizon_kerbside import views

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


class PlaceTest(unittest.TestCase):
    """The panels of projects and of administrators."""

    def test_rows_have_the_action_behind_the_console(self):
        for table in (project_tables.InstancesTable, admin_tables.AdminInstancesTable):
            names = [action.name for action in table._meta.row_actions]
            self.assertEqual(names[names.index("console") + 1], "desktop")
            self.assertEqual(names.count("desktop"), 1)

    def test_a_second_start_changes_nothing(self):
        before = project_tables.InstancesTable._meta.row_actions
        apps.extend(project_tables.InstancesTable, None)
        self.assertEqual(project_tables.InstancesTable._meta.row_actions, before)

    def test_horizons_own_tabs_stay(self):
        for group in (project_tabs.InstanceDetailTabs, admin_tabs.AdminInstanceDetailTabs):
            self.assertIn("console", [tab.slug for tab in group.tabs])
            added = settings.HORIZON_CONFIG["extra_tabs"][f"{group.__module__}.{group.__name__}"]
            names = [tab if isinstance(tab, str) else tab[1] for tab in added]
            self.assertEqual(names, ["horizon_kerbside.tabs.DesktopTab"])

    def test_the_address_is_in_both_panels(self):
        for panel in ("project", "admin"):
            found = resolve(f"/{panel}/instances/x/desktop/")
            self.assertEqual((found.namespace, found.url_name), (f"horizon:{panel}:instances", "desktop"))


class ClickTest(unittest.TestCase):
    """Who has led the browser here."""

    def test_a_page_of_this_dashboard(self):
        page = "http://testserver/project/instances/"
        for headers in ({"HTTP_SEC_FETCH_SITE": "same-origin"}, {"HTTP_REFERER": page}):
            self.assertTrue(views.from_here(RequestFactory().get("/", **headers)))

    def test_anything_else(self):
        for headers in (
            {},
            {"HTTP_SEC_FETCH_SITE": "cross-site"},
            {"HTTP_SEC_FETCH_SITE": "none"},
            {"HTTP_SEC_FETCH_SITE": "same-site", "HTTP_REFERER": "http://testserver/"},
            {"HTTP_REFERER": "http://testserver.evil.example/"},
            {"HTTP_REFERER": "https://evil.example/http://testserver/"},
        ):
            self.assertFalse(views.from_here(RequestFactory().get("/", **headers)))


class PolicyTest(unittest.TestCase):
    """The rules that Horizon knows of Kerbside."""

    def setUp(self):
        with open(settings.DEFAULT_POLICY_FILES["console"], encoding="utf-8") as file:
            self.rules = {rule["name"]: rule["check_str"] for rule in yaml.safe_load(file)}

    def test_members_of_the_project_and_administrators_may_open(self):
        conf = cfg.ConfigOpts()
        conf([])
        enforcer = policy.Enforcer(conf, use_conf=False)
        enforcer.set_rules(policy.Rules.from_dict(self.rules), use_conf=False)
        for roles, project, expected in (
            (["member"], "p", True),
            (["reader"], "p", False),
            (["member"], "q", False),
            (["admin"], "q", True),
        ):
            who = {"roles": roles, "project_id": project}
            self.assertEqual(enforcer.enforce("kerbside:consoles:create", {"project_id": "p"}, who), expected)

    def test_kerbside_itself_says_the_same(self):
        sample = (REPOSITORY / "etc/kerbside/policy.yaml.sample").read_text(encoding="utf-8")
        for name in self.rules:
            self.assertRegex(sample, f'"{name}": "rule:project_member_or_admin( or rule:access_open)?"')

    def test_a_file_that_the_operator_names_counts(self):
        named = {"console": "/etc/openstack-dashboard/other.yaml"}
        with override_settings(POLICY_FILES=named):
            django_apps.get_app_config("horizon_kerbside").ready()
            self.assertEqual(settings.POLICY_FILES, named)
        self.assertEqual(yaml.safe_load(pathlib.Path(settings.POLICY_FILES["console"]).read_text()), {})
