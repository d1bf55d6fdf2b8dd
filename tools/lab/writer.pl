#!/usr/bin/perl
# Writes numbered, checksummed records, fsyncs each, and notes outside the volume what was confirmed.
#
#   perl writer.pl TARGET JOURNAL RUN PAUSE_MS [FIRST [COUNT]]
#
# TARGET is a file or a block device; record N is at N times 4096 bytes. JOURNAL gets a line for
# each record, in one write each, so that it survives the end of this machine:
#
#   start EPOCH_MS PID
#   ok NUMBER EPOCH_MS DURATION_MS             its fsync returned 0 after so long
#   error NUMBER EPOCH_MS DURATION_MS CALL ERRNO
#   end EPOCH_MS
#
# Ends at SIGTERM after the record at hand, after COUNT records, and after ten errors in a row.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Errno;
use Fcntl qw(O_RDWR O_CREAT O_WRONLY O_APPEND SEEK_SET);
use IO::Handle;
use Time::HiRes qw(time sleep);

my $RECORD_BYTES = 4096;
my $ERRORS_MAX = 10;
my ($target, $journal, $run, $pause_ms, $first, $count) = @ARGV;
die "usage: writer.pl TARGET JOURNAL RUN PAUSE_MS [FIRST [COUNT]]\n" unless defined $pause_ms;
die "RUN is 1 to 32 letters, digits and -\n" unless $run =~ /\A[A-Za-z0-9-]{1,32}\z/;

my $is_over = 0;
$SIG{TERM} = sub { $is_over = 1 };
sysopen(my $notes, $journal, O_WRONLY | O_CREAT | O_APPEND, 0644) or die "$journal: $!\n";

sub note { my $line = join(' ', @_) . "\n"; syswrite($notes, $line) == length $line or die "journal: $!\n"; }
sub now_ms { return sprintf('%.0f', time() * 1000) }
sub errno_name { my @names = sort grep { $!{$_} } keys %!; return $names[0] // $! + 0 }

# The head names run, number and checksum; the rest repeats the number, so that every sector says
# to which record it belongs.
sub record {
  my ($number) = @_;
  my $name = sprintf('%s %012d', $run, $number);
  my $room = $RECORD_BYTES - length("rds-record $name \n") - 64;
  my $body = substr("$name\n" x (1 + $room / (length($name) + 1)), 0, $room);
  return "rds-record $name " . sha256_hex("$name\n$body") . "\n$body";
}

# Undef when the record is on the disk; otherwise the call that failed, $! telling why.
sub put {
  my ($file, $number) = @_;
  my $bytes = record($number);
  defined sysseek($file, $number * $RECORD_BYTES, SEEK_SET) or return 'seek';
  my $written = syswrite($file, $bytes);
  defined $written or return 'write';
  $written == $RECORD_BYTES or return 'short-write';
  $file->sync or return 'fsync';
  return undef;
}

note('start', now_ms(), $$);
# Truncating a file that is in use would lose what was confirmed before: never O_TRUNC.
my $flags = -b $target ? O_RDWR : O_RDWR | O_CREAT;
my $opening = time();
my $file;
unless (sysopen($file, $target, $flags, 0644)) {
  note('error', $first // 0, sprintf('%.0f', $opening * 1000), int((time() - $opening) * 1000), 'open', errno_name());
  exit 1;
}
my $number = $first // 0;
my $last = defined $count ? $number + $count : undef;
my $errors = 0;
while (!$is_over && $errors < $ERRORS_MAX && !(defined $last && $number >= $last)) {
  my $started = time();
  my $failed = put($file, $number);
  my $errno = defined $failed ? errno_name() : undef;
  my @measured = ($number, sprintf('%.0f', $started * 1000), int((time() - $started) * 1000));
  if (defined $failed) { note('error', @measured, $failed, $errno); $errors++ }
  else { note('ok', @measured); $errors = 0 }
  $number++;
  sleep($pause_ms / 1000);
}
note('end', now_ms());
