# SPDX-License-Identifier: Apache-2.0
"""Puts the plugin where Horizon has no setting for it: row actions, URLs below its own panels, a policy file."""

import os.path

from django.apps import AppConfig
from django.conf import settings

#: What the row action comes behind, where the table has it.
CONSOLE = "console"


class KerbsideConfig(AppConfig):
    """The Django application."""

    name = "horizon_kerbside"

    def ready(self):
        """Extend the panels of instances. Runs once, before the first request."""
        conf = os.path.join(self.path, "conf")
        settings.POLICY_FILES.setdefault("console", os.path.join(conf, "kerbside_policy.yaml"))
        settings.DEFAULT_POLICY_FILES.setdefault("console", os.path.join(conf, "default_policies", "kerbside.yaml"))
        # They import what needs all applications to be loaded.
        # pylint: disable=import-outside-toplevel
        from openstack_dashboard.dashboards.admin.instances import tables as admin_tables
        from openstack_dashboard.dashboards.admin.instances import urls as admin_urls
        from openstack_dashboard.dashboards.project.instances import tables as project_tables
        from openstack_dashboard.dashboards.project.instances import urls as project_urls

        extend(project_tables.InstancesTable, project_urls)
        extend(admin_tables.AdminInstancesTable, admin_urls)


def extend(table, urls):
    """Give a table the row action, and its panel the URL that the action leads to."""
    # pylint: disable=import-outside-toplevel
    from django.urls import re_path

    from horizon_kerbside import actions
    from horizon_kerbside import views

    action = actions.OpenDesktop
    if action.name in table.base_actions:
        return
    others = list(table._meta.row_actions)
    names = [other.name for other in others]
    others.insert(names.index(CONSOLE) + 1 if CONSOLE in names else len(others), action)
    table._meta.row_actions = tuple(others)
    table.base_actions[action.name] = action()
    urls.urlpatterns.append(
        re_path(r"^(?P<instance_id>[^/]+)/desktop/$", views.OpenDesktop.as_view(), name="desktop"),
    )
