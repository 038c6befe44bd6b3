# Hashes, regular expressions, strings that grow, sorting, closures, fork and pipes.
use strict;
use warnings;

my %count;
my $text = '';
for my $i (1 .. 50000) {
  my $word = sprintf('w%03d', ($i * 7919) % 997);
  $count{$word}++;
  $text .= "$word ";
}
print length($text), ' ', scalar(keys %count), "\n";
my @most = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print "$_ $count{$_}\n" for @most[0 .. 9];
(my $changed = $text) =~ s/w(\d)(\d)(\d)/$3$2$1/g;
print substr($changed, 0, 60), "\n";
print scalar(() = $text =~ /w1\d\d/g), "\n";

my @adders = map { my $n = $_; sub { $n + shift } } 1 .. 1000;
my $sum = 0;
$sum += $adders[$_]->($_) for 0 .. 999;
print "$sum\n";

for my $child (1 .. 5) {
  my $pid = open(my $pipe, '-|') // die "fork: $!";
  if (!$pid) {
    print join(',', map { $_ * $child } 1 .. 200), "\n";
    exit 0;
  }
  print <$pipe>;
  close $pipe;
}
