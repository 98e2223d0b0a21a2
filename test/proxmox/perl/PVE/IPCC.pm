# SPDX-License-Identifier: Apache-2.0
# Stands in for the library that asks the cluster's file system (pmxcfs): one node, whose files lie in /etc/pve, and whose guests are the
# folders of KERBSIDE_GUESTS. Everything that is asked changes with each call, so that the tests' changes count at once.
package PVE::IPCC;
use strict;
use warnings;
use JSON;
use POSIX qw(ENOENT EINVAL);

my ($FS_VERSION, $CLUSTER_INFO, $GUEST_LIST, $CONFIG, $VERIFY_TOKEN) = (1, 2, 3, 6, 12);
my $version = 1;

sub ipcc_send_rec {
    my ($call, $data) = @_;
    $! = 0;
    $version++;
    my $text = defined($data) ? unpack('Z*', $data) : '';
    return encode_json({ starttime => 1, clinfo => 1, vmlist => $version }) if $call == $FS_VERSION;
    return encode_json({ nodename => 'pve1', version => 1 }) if $call == $CLUSTER_INFO;
    return encode_json({ version => $version, ids => guests() }) if $call == $GUEST_LIST;
    return config($text) if $call == $CONFIG;
    return verify($text) if $call == $VERIFY_TOKEN;
    $! = EINVAL;
    return undef;
}

sub guests {
    my %ids = map { m!/(\d+)$! ? ($1 => { node => 'pve1', type => 'qemu', version => 1 }) : () } glob("$ENV{KERBSIDE_GUESTS}/*");
    return \%ids;
}

sub config {
    my ($path) = @_;
    if (open(my $file, '<', "/etc/pve/$path")) {
        local $/;
        my $text = <$file>;
        $! = 0;
        return $text;
    }
    $! = ENOENT;
    return undef;
}

# A line of priv/token.cfg is a token and its secret.
sub verify {
    my ($line) = @_;
    my $known = config('priv/token.cfg') // '';
    $! = (grep { $_ eq $line } split(/\n/, $known)) ? 0 : ENOENT;
    return undef;
}

1;
