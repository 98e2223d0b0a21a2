# SPDX-License-Identifier: Apache-2.0
"""The file that makes Horizon load the plugin, to be copied or linked into openstack_dashboard/local/enabled."""
