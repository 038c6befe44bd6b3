"""A pool of forked processes, of spawned ones, and threads that start programs."""

import multiprocessing
import subprocess
import threading


def count(n: int) -> tuple[int, int, int]:
    words: dict[str, str] = {}
    for i in range(20000):
        word = f"w{i * n % 1009}"
        words[word] = words.get(word, "") + "x"
    return n, len(words), max(len(value) for value in words.values())


def pool(method: str) -> None:
    with multiprocessing.get_context(method).Pool(3) as workers:
        print(method, workers.map(count, range(1, 13)))


def programs() -> None:
    results = [""] * 8

    def run(i: int) -> None:
        results[i] = subprocess.check_output(["seq", "-s", "+", str(i + 1)], text=True)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(results)


if __name__ == "__main__":
    pool("fork")
    pool("spawn")
    programs()
