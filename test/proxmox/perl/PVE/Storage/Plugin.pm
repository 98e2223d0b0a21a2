# SPDX-License-Identifier: Apache-2.0
# Stands in for storage, which consoles have nothing to do with.
package PVE::Storage::Plugin;
use strict;
use warnings;

1;
