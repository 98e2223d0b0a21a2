# SPDX-License-Identifier: Apache-2.0
"""Tests with the distribution's Horizon (package openstack-dashboard), and services that speak HTTP on loopback."""

import os
import sys
import types
import warnings

# Debian's modules warn of each other.
warnings.simplefilter("ignore")

# In place of /etc/openstack-dashboard/local_settings.py, which only Horizon's own user may use.
LOCAL = types.ModuleType("local.local_settings")
LOCAL.ALLOWED_HOSTS = ["testserver"]
LOCAL.SECRET_KEY = "of a test"
LOCAL.LOGGING = {"version": 1, "disable_existing_loggers": True}
sys.modules["local.local_settings"] = LOCAL
os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"

from openstack_dashboard.local import enabled  # noqa: E402

from horizon_kerbside import enabled as ours  # noqa: E402

enabled.__path__.append(ours.__path__[0])

import django  # noqa: E402

django.setup()
