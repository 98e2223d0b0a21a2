# SPDX-License-Identifier: Apache-2.0
"""Makes Horizon load the plugin. Belongs into openstack_dashboard/local/enabled; nothing in it needs to be changed."""

#: Horizon wants one of PANEL, DASHBOARD, PANEL_GROUP and FEATURE; this plugin brings no panel of its own.
FEATURE = "kerbside"

ADD_INSTALLED_APPS = ["horizon_kerbside"]

EXTRA_TABS = {
    "openstack_dashboard.dashboards.project.instances.tabs.InstanceDetailTabs": ("horizon_kerbside.tabs.DesktopTab",),
    "openstack_dashboard.dashboards.admin.instances.tabs.AdminInstanceDetailTabs": (
        "horizon_kerbside.tabs.DesktopTab",
    ),
}
