#!/usr/bin/perl
# crowd.pl HOST:PORT N - open N connections and keep them until killed: some say nothing, some begin a request
# and never end it, some send rubbish, some ask well. Says how many there are.
use strict;
use warnings;
use IO::Socket::INET;

$SIG{PIPE} = 'IGNORE';
my ($address, $n) = @ARGV;
my @sayings = (
	'', "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ", "\x00\xff\x16\x03 rubbish\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "BREW /pot HTTP/9.9\r\n\r\n", 'A' x 20000 . "\r\n\r\n",
	"POST /stats HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "GET http://[::1 HTTP/1.1\r\n\r\n",
	"GET /%00%zz/../stats HTTP/1.1\r\n" . "H: x\r\n" x 3000 . "\r\n",
);
my @crowd;
for my $i (0 .. $n - 1) {
	my $socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10) or die "connection $i: $@\n";
	$socket->blocking(0);
	syswrite $socket, $sayings[$i % @sayings];
	push @crowd, $socket;
}
$| = 1;
print scalar(@crowd), " connections\n";
sleep;
