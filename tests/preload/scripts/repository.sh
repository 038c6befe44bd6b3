# A repository with some history: the same input gives the same commits, whatever the allocator.
set -eu
export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org GIT_COMMITTER_DATE='1700000000 +0000'

git init -q -b trunk repository
cd repository
git config gc.autoDetach false
git config pack.threads 4
for round in 1 2 3 4 5; do
  for file in {1..40}; do
    seq $((round * file)) $((round * file + 200)) >"file$file"
  done
  git add .
  git commit -q -m "round $round"
done
git checkout -q -b side HEAD~2
echo side >side
git add side
git commit -q -m side
git checkout -q trunk
git merge -q -m merge side
git log --format='%H %T %s'
git diff --stat HEAD~3
git gc -q --aggressive --prune=now
git fsck --full --strict --no-progress
git repack -q -a -d -f
git count-objects -v | grep -v size
git rev-list --objects --all | wc -l
git clone -q --no-local . ../clone
git -C ../clone rev-parse HEAD
git blame -s file7 | tail -3
git archive HEAD | md5sum
