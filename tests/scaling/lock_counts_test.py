"""No lock that all threads share is taken in the steady state: 5 times in 1,000 pairs of malloc and free at most."""

import unittest

from tests.scaling import lock_counts

MOST = 5.0  # Acquisitions for 1,000 operations.
# So often the sums that each thread reads may be changed: each time all that read them wait for that line.
MOST_TOLD = 400.0
# How far a producer gets ahead of its consumer, and so how much its heap grows, is the scheduler's.
TRIES = 3
SCALE = 0.1
SCALES = {
    # What takes long.
    "fragmentation": 0.05,
    "idle_memory": 0.02,
    "thread_churn": 0.05,
    # What is over soon, rounded up to a round, or begins with much.
    "calloc_1k_1m": 0.4,
    "cold_heap": 0.2,
    "large_turns": 0.5,
    "medium_written": 0.4,
    "prodcons_large": 0.4,
    "random_large_heap": 0.2,
    "realloc_growth": 1.0,
    "scale_300k_2m/1": 0.6,
    "scale_300k_2m/2": 0.6,
    "scale_300k_2m/4": 0.6,
    "touch_memory": 0.5,
}

# Not about pairs of malloc and free of up to 1 MiB: what they take is told, and not judged.
OTHERS = {
    "large_turns": "blocks of 5-25 MiB, beyond what a heap keeps",
    "realloc_growth": "buffers that grow to 64 MiB, by moving a mapping",
    "idle_memory": "allocates once and frees once: it has no steady state",
    "touch_memory": "calls no malloc",
}


class LockCountsTest(unittest.TestCase):
    def test_shared_locks_are_rarely_taken(self) -> None:
        print(
            f"\n{'acquisitions of shared locks for 1,000 operations':<52}by lock, and changes of the budget"
        )
        for name in lock_counts.names():
            with self.subTest(name):
                self._judge(name, SCALES.get(name, SCALE))

    def _judge(self, name: str, scale: float) -> None:
        for _ in range(TRIES):
            counted = lock_counts.steady(name, scale)
            self.assertGreater(counted.operations, 0)
            shared = counted.shared_per_1000()
            told = counted.per_1000(lock_counts.BUDGET)
            if name in OTHERS or (-MOST < shared <= MOST and told <= MOST_TOLD):
                break
        locks = ", ".join(
            f"{lock} {counted.per_1000(lock):.2f}"
            for lock in sorted(counted.acquisitions, key=counted.per_1000, reverse=True)
            if lock != lock_counts.HEAP and counted.per_1000(lock) >= 0.01
        )
        other = OTHERS.get(name, "")
        print(f"{name:<24}{shared:>8.2f}{'':20}{locks}{f' ({other})' if other else ''}", flush=True)
        if other:
            return
        self.assertGreater(
            shared, -MOST, "the starts of the two runs differ by more than is judged"
        )
        self.assertLessEqual(told, MOST_TOLD, "changes of the budget's sums for 1,000 operations")
        if shared <= MOST:
            return
        ways = "\n".join(lock_counts.paths_to_locks(name, scale))
        self.fail(f"{shared:.2f} for 1,000 operations; the ways there, with a run's start:\n{ways}")

    def test_every_acquisition_is_counted(self) -> None:
        """Each block is a sampled one, for which malloc and free take the sampler's lock."""
        counted = lock_counts.steady("pair", 0.0001, (("MYMALLOC_SAMPLE", "1"),))
        self.assertGreaterEqual(counted.per_1000("sampled"), 2000)
        self.assertGreater(counted.held_ns["sampled"], 0)

    def test_the_ways_to_a_lock_are_told(self) -> None:
        settings = (("MYMALLOC_SAMPLE", "1"), ("LOCK_PATHS", "1"))
        counted = lock_counts.count("pair", 0.0001, settings)
        ways = [one for one in counted.paths if one[1] == "sampled"]
        times = sum(one[0] for one in ways)
        self.assertAlmostEqual(times / counted.acquisitions["sampled"], 1, delta=0.1)
        ends = {function for one in ways for function in lock_counts.where(one[2])[-1:]}
        self.assertLessEqual({"malloc", "free"}, ends)

    def test_what_is_not_judged_exists(self) -> None:
        self.assertLessEqual(set(OTHERS), set(lock_counts.names()))


if __name__ == "__main__":
    unittest.main()
