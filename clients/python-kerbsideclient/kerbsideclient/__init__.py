# SPDX-License-Identifier: Apache-2.0
"""Client of Kerbside, the broker of native SPICE desktops."""
