#!/usr/bin/perl
# Holds packets of netfilter queues for a time: delay.pl QUEUE:MILLISECONDS … Prints "ready" once it listens.
#
# netem would do it in the kernel, but small kernels (Firecracker's, WSL's) lack it and many have NFQUEUE. Perl, because
# it is on every Debian and opens netlink sockets; Node cannot. The wire format is linux/netfilter/nfnetlink_queue.h.
use strict;
use warnings;
use Socket;
use Time::HiRes 'time';

use constant {
	AF_NETLINK => 16, NETLINK_NETFILTER => 12, SOL_NETLINK => 270, NETLINK_NO_ENOBUFS => 5,
	PACKET => 0x300, VERDICT => 0x301, CONFIG => 0x302, NLMSG_ERROR => 2, NLM_F_REQUEST => 1, NLM_F_ACK => 4,
	ATTR_PACKET_HEADER => 1, ATTR_VERDICT => 2, CONFIG_COMMAND => 1, CONFIG_PARAMS => 2, CONFIG_MAXIMUM => 3,
	CONFIG_MASK => 4, CONFIG_FLAGS => 5, COMMAND_BIND => 1, COPY_META => 1, FLAG_GSO => 4, ACCEPT => 1,
};

my %delay = map { my ($queue, $ms) = split /:/; ($queue => $ms / 1000) } @ARGV;
die "usage: delay.pl QUEUE:MILLISECONDS ...\n" unless %delay;

socket(my $netlink, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) or die "netlink: $!\n";
bind($netlink, pack 'S S L L', AF_NETLINK, 0, 0, 0) or die "bind: $!\n";
# a burst may overrun the socket's buffer: then packets are lost, as on a full link, instead of an error here
setsockopt($netlink, SOL_NETLINK, NETLINK_NO_ENOBUFS, pack 'i', 1) or die "setsockopt: $!\n";
setsockopt($netlink, SOL_SOCKET, SO_RCVBUF, pack 'i', 8 << 20) or die "setsockopt: $!\n";

sub attribute { my ($type, $value) = @_; my $length = 4 + length $value; pack "S S a* x![4]", $length, $type, $value }

sub send_message {
	my ($type, $flags, $queue, @attributes) = @_;
	my $body = pack('C C n', 0, 0, $queue) . join '', @attributes;
	defined send $netlink, pack('L S S L L', 16 + length $body, $type, NLM_F_REQUEST | $flags, 0, 0) . $body, 0
		or die "send: $!\n";
}

sub configure {
	send_message(CONFIG, NLM_F_ACK, @_);
	defined recv $netlink, my $answer, 4096, 0 or die "recv: $!\n";
	my (undef, $type, undef, undef, undef, $error) = unpack 'L S S L L l', $answer;
	die 'the kernel refuses a queue: ' . ($! = -$error) . "\n" if $type == NLMSG_ERROR && $error != 0;
}

for my $queue (keys %delay) {
	configure($queue, attribute(CONFIG_COMMAND, pack 'C C n', COMMAND_BIND, 0, AF_INET));
	configure($queue, attribute(CONFIG_PARAMS, pack 'N C', 0, COPY_META));
	configure($queue, attribute(CONFIG_MAXIMUM, pack 'N', 65536));
	# one verdict for a whole segmented send, as the device will cut it later
	configure($queue, attribute(CONFIG_FLAGS, pack 'N', FLAG_GSO), attribute(CONFIG_MASK, pack 'N', FLAG_GSO));
}
$| = 1;
print "ready\n";

my @held; # [due, queue, packet id]; kept in order of due
for (;;) {
	my $ready = '';
	vec($ready, fileno $netlink, 1) = 1;
	my $wait = @held ? $held[0][0] - time : undef;
	if (!defined $wait || $wait > 0) {
		next unless select $ready, undef, undef, $wait;
		my $buffer;
		defined recv $netlink, $buffer, 65536, 0 or next;
		hold($buffer);
	}
	while (@held && $held[0][0] <= time) {
		my (undef, $queue, $packet) = @{ shift @held };
		send_message(VERDICT, 0, $queue, attribute(ATTR_VERDICT, pack 'N N', ACCEPT, $packet));
	}
}

sub hold {
	my ($buffer) = @_;
	while (length $buffer >= 16) {
		my ($length, $type) = unpack 'L S', $buffer;
		my $message = substr $buffer, 0, $length;
		$buffer = substr $buffer, $length + (-$length & 3) > length $buffer ? length $buffer : $length + (-$length & 3);
		next unless $type == PACKET;
		my $queue = unpack 'x18 n', $message;
		# the header is the first attribute: packet id, hardware protocol, hook
		my (undef, $attribute, $packet) = unpack 'x20 S S N', $message;
		die "unexpected attribute $attribute\n" unless $attribute == ATTR_PACKET_HEADER;
		my $due = time + $delay{$queue};
		my $place = @held;
		$place-- while $place > 0 && $held[ $place - 1 ][0] > $due;
		splice @held, $place, 0, [ $due, $queue, $packet ];
	}
}
