# SPDX-License-Identifier: Apache-2.0
# Stands in for the second factor of logins, which is a library in Rust: tokens of the API have none.
package PVE::RS::TFA;
use strict;
use warnings;

1;
