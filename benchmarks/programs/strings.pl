# Perl that allocates: hashes, arrays, substitutions. Argument: how much of it.
use strict;
use warnings;

my ($scale) = @ARGV;
my (%index, @lines);
for my $i (1 .. $scale * 10000) {
    my $word = "word" . ($i * 7919 % 50021);
    push @{ $index{$word} }, $i;
    my $line = join ' ', $word, reverse(split //, $word), 'x' x ($i % 100);
    $line =~ s/(\d+)/<$1>/g;
    $lines[$i % 5000] = $line;
}
my $total = 0;
$total += length for @lines;
my @top = sort { @{ $index{$b} } <=> @{ $index{$a} } || $a cmp $b } keys %index;
print scalar(@top), " $top[0] $total\n";
