#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# One service of a node of Proxmox VE, in the foreground: `spiceproxy` on port 3128, or `api` on port 8006. Servers, tickets, tokens and
# permissions are the real code, of the folders in KERBSIDE_PVE_LIB; FindBin's folder has what stands in for the rest.
use strict;
use warnings;
use FindBin;
# The last one is looked at first.
use lib split(/:/, $ENV{KERBSIDE_PVE_LIB});
use lib $FindBin::Bin;
use IO::File;

$| = 1;
my $service = shift // '';
my $name = $service eq 'api' ? 'pveproxy' : 'spiceproxy';
require PVE::Service::spiceproxy;
require PVE::APIServer::Formatter::Standard;
my $daemon = bless { name => $name }, 'PVE::Service::spiceproxy';
if ($service eq 'api') {
    require methods;
    my $lock = IO::File->new(">>/var/lock/pveproxy.lck") || die "no lock: $!\n";
    $daemon->{server_config} = {
        title => 'Proxmox VE API', keep_alive => 100, max_conn => 500, max_requests => 1000, trusted_env => 0,
        lockfile => '/var/lock/pveproxy.lck', lockfh => $lock, socket => $daemon->create_reusable_socket(8006, undef),
        logfile => '/var/log/pveproxy/access.log',
        ssl => { key_file => '/etc/pve/local/pve-ssl.key', cert_file => '/etc/pve/local/pve-ssl.pem' },
    };
} else {
    $daemon->init();
}
print "$service is ready\n";
$daemon->run();
