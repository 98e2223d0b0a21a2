# SPDX-License-Identifier: Apache-2.0
"""What a user can do with the desktop of an instance, and what they are told when it does not work."""

from django.utils.translation import gettext_lazy as _
from openstack_dashboard import policy

from horizon_kerbside import services

#: The ways to a desktop.
NATIVE, BROWSER = "native", "browser"

#: Statuses of Nova in which an instance has a screen.
READY = ("ACTIVE", "PAUSED", "RESCUE", "VERIFY_RESIZE", "REBOOT", "HARD_REBOOT", "PASSWORD")
#: What Nova is doing while nobody is let in.
MOVING = ("migrating", "deleting")

UNREADY = {
    "BUILD": _("The instance is being built: its desktop can be opened in a moment."),
    "SHUTOFF": _("The instance is stopped. Start it, then open its desktop."),
    "SUSPENDED": _("The instance is suspended. Resume it, then open its desktop."),
    "SHELVED": _("The instance is shelved. Unshelve it, then open its desktop."),
    "SHELVED_OFFLOADED": _("The instance is shelved. Unshelve it, then open its desktop."),
    "MIGRATING": _("The instance is being moved to another host. Try again in a moment."),
    "RESIZE": _("The instance is being resized. Try again in a moment."),
    "ERROR": _("The instance is in error, and has no desktop that could be opened."),
    "DELETED": _("The instance is deleted."),
    "SOFT_DELETED": _("The instance is deleted."),
}
UNREADY_OTHERWISE = _("The instance is not ready. Try again in a moment.")
MOVED = _("The instance is being moved or deleted. Try again in a moment.")

IN_USE = _("Somebody else has this desktop open.")
SILENT = _("The console service does not answer. Try again in a moment; if it stays so, tell your administrator.")
NO_NATIVE = _(
    "This cloud has no native desktops: Kerbside is not in the catalog, and Nova makes no spice-direct consoles. "
    "Tell your administrator, or use the tab Console."
)
NO_BROWSER = _("This cloud has no SPICE desktops in the browser. Use the tab Console, or open the desktop in a viewer.")
REASONS = {
    401: _("The console service does not take your login. Sign out and in again, or tell your administrator."),
    403: _("You may not open the desktop of this instance."),
    404: _("The console service does not know this instance, or it is not for you."),
    409: UNREADY_OTHERWISE,
    501: _("The hypervisor of this instance has no desktops of this kind."),
    503: _("The console service cannot reach what it needs. Try again in a moment, or tell your administrator."),
}
#: The words that Kerbside has for it in the detail of a 409.
IN_USE_DETAIL = "console in use"


class Closed(Exception):
    """A desktop was not opened.

    :param message: for the user
    :param in_use: whether it is because somebody else has it
    """

    def __init__(self, message, in_use=False):
        super().__init__(message)
        self.message, self.in_use = message, in_use


def unready(instance):
    """Give the reason why an instance has no screen now; None when it has one."""
    if getattr(instance, "OS-EXT-STS:task_state", None) in MOVING:
        return MOVED
    return None if instance.status in READY else UNREADY.get(instance.status, UNREADY_OTHERWISE)


def permitted(request, instance, rule="kerbside:consoles:create"):
    """Whether Kerbside's policy, as far as the dashboard knows it, lets the user do it; Nova's where there is none."""
    if not services.Kerbside(request).present:
        return True
    target = {"project_id": getattr(instance, "tenant_id", None)}
    return policy.check(((services.SERVICE_TYPE, rule),), request, target)


def native(request, instance_id, replace=False):
    """Open a desktop for a viewer: give the bytes of a .vv file, or the URL of one. Raises Closed."""
    kerbside = services.Kerbside(request)
    try:
        if kerbside.present:
            return kerbside.vv_file(instance_id, replace)
        return services.Nova(request).console_url(instance_id, "spice-direct", services.SPICE_DIRECT)
    except services.Refused as refused:
        raise closed(refused, kerbside.present, NO_NATIVE) from refused


def browser(request, instance_id, replace=False):
    """Open a desktop for the browser: give its URL. Raises Closed."""
    kerbside = services.Kerbside(request)
    asked = kerbside.present
    try:
        url = kerbside.browser_url(instance_id, replace) if kerbside.present else None
        if url is not None:
            return url
        asked = False
        return services.Nova(request).console_url(instance_id, "spice-html5", services.REMOTE_CONSOLES)
    except services.Refused as refused:
        raise closed(refused, asked, NO_BROWSER) from refused


def closed(refused, by_kerbside, impossible):
    """Give what a refusal means to the user.

    :param impossible: what is said when Nova has no consoles of the kind
    """
    status, detail = refused.status, refused.detail
    if by_kerbside and status == 409 and detail.startswith(IN_USE_DETAIL):
        return Closed(IN_USE, in_use=True)
    # Nova: a version or a type that there is not; and its way to say that the instance is stopped or being moved.
    if not by_kerbside and status in (400, 406):
        return Closed(impossible)
    if not by_kerbside and status == 500:
        return Closed(UNREADY_OTHERWISE)
    message = REASONS.get(status, SILENT)
    if not detail or status not in (400, 409, 503):
        return Closed(message)
    return Closed(_("%(message)s (%(detail)s)") % {"message": message, "detail": detail})
