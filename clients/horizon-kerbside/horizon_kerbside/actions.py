# SPDX-License-Identifier: Apache-2.0
"""The row action of instances."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables
from openstack_dashboard import policy

from horizon_kerbside import desktop


class OpenDesktop(policy.PolicyTargetMixin, tables.LinkAction):
    """Downloads the .vv file of an instance: one click, and the viewer has it."""

    name = "desktop"
    verbose_name = _("Desktop")
    policy_rules = (("compute", "os_compute_api:os-remote-consoles"),)

    def allowed(self, request, instance=None):
        """Only where there is something to open. No service is asked: a table may have hundreds of rows."""
        return instance is None or (desktop.unready(instance) is None and desktop.permitted(request, instance))

    def get_link_url(self, datum=None):
        """Give the place that opens the desktop, in the panel that shows the table."""
        panel = self.table.request.resolver_match.namespace
        return reverse(f"{panel}:desktop", args=[self.table.get_object_id(datum)])
