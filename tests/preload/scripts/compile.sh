# compile.sh COMPILER SOURCE: the assembly text is part of the comparison.
set -eu
$1 -O2 -Wall -S -o program.s "$2"
md5sum <program.s
$1 -O2 -pthread -o program program.s
./program
