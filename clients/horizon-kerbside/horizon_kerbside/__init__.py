# SPDX-License-Identifier: Apache-2.0
"""Desktops of instances in Horizon, through Kerbside."""
