# SPDX-License-Identifier: Apache-2.0
# The four methods of the API that Kerbside calls, at their real paths, with their real parameters and permissions. What stands behind the
# real ones (qemu-server) is not here: each guest is a folder with a file `name` and the QMP socket of a QEMU that runs.
package PVE::API2;
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON;
use PVE::AccessControl;
use PVE::Cluster;
use PVE::JSONSchema qw(get_standard_option);
use PVE::RPCEnvironment;
use base qw(PVE::RESTHandler);

my $PORT = 61000;
my %GUEST = (
    node => { type => 'string', format => 'pve-node' },
    vmid => { type => 'integer', minimum => 100, maximum => 999999999 },
);

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) || die "$path: $!\n";
    my $text = <$file>;
    chomp $text;
    return $text;
}

# One command of QMP after the other, on a connection of its own.
sub qmp {
    my ($vmid, @commands) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$ENV{KERBSIDE_GUESTS}/$vmid/qmp.sock") || die "VM $vmid not running\n";
    my $reply = <$socket>;
    for my $command ({ execute => 'qmp_capabilities' }, @commands) {
        print $socket encode_json($command), "\n";
        do { $reply = decode_json(<$socket> // '{"error":{"desc":"closed"}}') } while !exists $reply->{return} && !exists $reply->{error};
        die "QMP: $reply->{error}->{desc}\n" if exists $reply->{error};
    }
    return $reply->{return};
}

sub running {
    my ($vmid) = @_;
    return eval { qmp($vmid, { execute => 'query-status' })->{running} } ? 1 : 0;
}

__PACKAGE__->register_method({
    name => 'resources', path => 'cluster/resources', method => 'GET', permissions => { user => 'all' },
    parameters => {
        additionalProperties => 0,
        properties => { type => { type => 'string', optional => 1, enum => ['vm', 'storage', 'node', 'sdn'] } },
    },
    returns => { type => 'array', items => { type => 'object' } },
    code => sub {
        my $rpcenv = PVE::RPCEnvironment::get();
        my $user = $rpcenv->get_user();
        my $ids = PVE::Cluster::get_vmlist()->{ids} || {};
        my @seen = grep { $rpcenv->check($user, "/vms/$_", ['VM.Audit'], 1) } sort keys %$ids;
        return [map {
            my $runs = running($_);
            {
                id => "qemu/$_", type => 'qemu', vmid => $_ + 0, node => $ids->{$_}->{node}, template => 0,
                name => slurp("$ENV{KERBSIDE_GUESTS}/$_/name"), status => $runs ? 'running' : 'stopped', uptime => $runs ? 60 : 0,
            }
        } @seen];
    },
});

__PACKAGE__->register_method({
    name => 'permissions', path => 'access/permissions', method => 'GET', permissions => { user => 'all' },
    parameters => { additionalProperties => 0, properties => {} },
    returns => { type => 'object' },
    code => sub {
        my $rpcenv = PVE::RPCEnvironment::get();
        return $rpcenv->get_effective_permissions($rpcenv->get_user());
    },
});

__PACKAGE__->register_method({
    name => 'status', path => 'nodes/{node}/qemu/{vmid}/status/current', method => 'GET', proxyto => 'node',
    permissions => { check => ['perm', '/vms/{vmid}', ['VM.Audit']] },
    parameters => { additionalProperties => 0, properties => {%GUEST} },
    returns => { type => 'object' },
    code => sub {
        my ($param) = @_;
        my $vmid = $param->{vmid};
        die "Configuration file 'nodes/$param->{node}/qemu-server/$vmid.conf' does not exist\n" if !-e "$ENV{KERBSIDE_GUESTS}/$vmid/name";
        my $runs = running($vmid);
        return { vmid => $vmid, status => $runs ? 'running' : 'stopped', uptime => $runs ? 60 : 0, spice => 1 };
    },
});

__PACKAGE__->register_method({
    name => 'spiceproxy', path => 'nodes/{node}/qemu/{vmid}/spiceproxy', method => 'POST', proxyto => 'node', allowtoken => 1,
    permissions => { check => ['perm', '/vms/{vmid}', ['VM.Console']] },
    parameters => {
        additionalProperties => 0,
        properties => { %GUEST, proxy => { type => 'string', format => 'address', optional => 1 } },
    },
    returns => { type => 'object' },
    code => sub {
        my ($param) = @_;
        my ($vmid, $node) = ($param->{vmid}, $param->{node});
        die "VM $vmid not running\n" if !running($vmid);
        my $user = PVE::RPCEnvironment::get()->get_user();
        my $title = "VM $vmid - " . slurp("$ENV{KERBSIDE_GUESTS}/$vmid/name");
        my ($password, undef, $file) = PVE::AccessControl::remote_viewer_config($user, $vmid, $node, $param->{proxy}, $title, $PORT);
        qmp(
            $vmid,
            { execute => 'set_password', arguments => { protocol => 'spice', password => $password } },
            { execute => 'expire_password', arguments => { protocol => 'spice', time => '+30' } },
        );
        return $file;
    },
});

1;
