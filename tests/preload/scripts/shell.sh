# Arrays, functions, pipes, subshells, command substitution, here-documents, background jobs.
set -eu

fibonacci() {
  local n=$1
  if ((n < 2)); then
    echo "$n"
  else
    echo $(($(fibonacci $((n - 1))) + $(fibonacci $((n - 2)))))
  fi
}
fibonacci 9

declare -A counts
for i in {1..3000}; do
  key="key$((i * 7919 % 101))"
  counts[$key]=$((${counts[$key]:-0} + i))
done
for key in "${!counts[@]}"; do
  echo "$key ${counts[$key]}"
done | sort | head -20

text=$(printf 'line %s\n' {1..2000})
echo "${#text} ${text//line/row}" | md5sum
cat <<END | tr a-z A-Z | grep -o 'H[A-Z]*' | sort -u
here is a document that has several words here
END

for i in 1 2 3 4; do
  (seq $((i * 1000)) | awk '{ sum += $1 } END { print sum }' >"part$i") &
done
wait
cat part1 part2 part3 part4
