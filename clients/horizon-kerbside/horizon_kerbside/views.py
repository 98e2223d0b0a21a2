# SPDX-License-Identifier: Apache-2.0
"""The URL that opens a desktop: answers with a .vv file, or leads to the desktop or back to the tab with a reason."""

from urllib.parse import urlsplit

from django import http
from django.urls import reverse
from django.utils.http import urlencode
from django.views import generic
from horizon import messages

from horizon_kerbside import desktop
from horizon_kerbside import services

#: The tab's place in the URL of an instance.
TAB = {"tab": "instance_details__desktop"}


class OpenDesktop(generic.View):
    """Opens the desktop of an instance. A POST takes it over from whoever has it."""

    def get(self, request, instance_id):
        """Open it, when the user has come from this dashboard: a page of another site opens nothing."""
        if not from_here(request):
            return http.HttpResponseRedirect(tab_url(request, instance_id))
        return self._open(request, instance_id, request.GET.get("how"), replace=False)

    def post(self, request, instance_id):
        """Open it, and end the session that has it."""
        return self._open(request, instance_id, request.POST.get("how"), replace=True)

    def _open(self, request, instance_id, how, replace):
        try:
            if how == desktop.BROWSER:
                return http.HttpResponseRedirect(desktop.browser(request, instance_id, replace))
            found = desktop.native(request, instance_id, replace)
        except desktop.Closed as closed:
            if closed.in_use:
                return http.HttpResponseRedirect(tab_url(request, instance_id, {"in_use": how or desktop.NATIVE}))
            messages.error(request, closed.message)
            return http.HttpResponseRedirect(tab_url(request, instance_id))
        return http.HttpResponseRedirect(found) if isinstance(found, str) else vv_response(found)


def vv_response(content):
    """Give a .vv file as a download. It holds a password: nobody keeps a copy."""
    response = http.HttpResponse(content, content_type=services.VIRT_VIEWER)
    response["Content-Disposition"] = 'attachment; filename="console.vv"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def tab_url(request, instance_id, more=None):
    """Give the place of the tab, in the panel that was asked."""
    panel = request.resolver_match.namespace
    return f"{reverse(f'{panel}:detail', args=[instance_id])}?{urlencode({**TAB, **(more or {})})}"


def from_here(request):
    """Whether a page of this dashboard has led here. Browsers name the site over TLS, and the page always."""
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.META.get("HTTP_REFERER", "")).netloc == request.get_host()
