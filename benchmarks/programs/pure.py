"""Pure Python that allocates: a tree, dictionaries, strings. Argument: how much of it."""

import sys


class Node:
    def __init__(self, depth: int) -> None:
        self.left = Node(depth - 1) if depth else None
        self.right = Node(depth - 1) if depth else None

    def count(self) -> int:
        if self.left is None or self.right is None:
            return 1
        return 1 + self.left.count() + self.right.count()


def words(count: int) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for i in range(count):
        index.setdefault(f"word{i * 7919 % 5003}", []).append(i)
    return index


def main() -> None:
    scale = int(sys.argv[1])
    nodes = sum(Node(10).count() for _ in range(scale))
    index = words(scale * 10000)
    longest = max(index.values(), key=len)
    text = ",".join(sorted(index))
    print(nodes, len(index), len(longest), len(text), hash(len(text.split(","))))


main()
