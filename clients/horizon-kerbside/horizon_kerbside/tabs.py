# SPDX-License-Identifier: Apache-2.0
"""The tab of an instance."""

from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tabs
from openstack_dashboard import policy

from horizon_kerbside import desktop
from horizon_kerbside import services


class DesktopTab(policy.PolicyTargetMixin, tabs.Tab):
    """Both ways to the desktop, or the reason why there is none."""

    name = _("Desktop")
    slug = "desktop"
    template_name = "horizon_kerbside/_desktop_tab.html"
    # Kerbside is asked when somebody looks.
    preload = False
    policy_rules = (("compute", "os_compute_api:os-remote-consoles"),)

    def allowed(self, request):
        """Only for those who may open it."""
        return desktop.permitted(request, self.tab_group.kwargs["instance"])

    def get_context_data(self, request):
        """Give what the template shows."""
        instance = self.tab_group.kwargs["instance"]
        panel = request.resolver_match.namespace
        in_use = request.GET.get("in_use")
        return {
            # Horizon renders tabs without the request, which would bring it.
            "csrf_token": get_token(request),
            "how_native": desktop.NATIVE,
            "how_browser": desktop.BROWSER,
            "in_use": in_use if in_use in (desktop.NATIVE, desktop.BROWSER) else None,
            "in_use_message": desktop.IN_USE,
            "may_replace": desktop.permitted(request, instance, "kerbside:consoles:replace"),
            "unready": self._unready(request, instance),
            "url": reverse(f"{panel}:desktop", args=[instance.id]),
        }

    def _unready(self, request, instance):
        """Give the reason why the desktop cannot be opened now; None when it can."""
        reason = desktop.unready(instance)
        if reason is not None:
            return reason
        kerbside = services.Kerbside(request)
        if kerbside.present:
            try:
                kerbside.minor()
            except services.Refused:
                return desktop.SILENT
        return None
