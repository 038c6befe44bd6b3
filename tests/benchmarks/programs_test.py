"""What real programs do under an allocator is checked by what they say, so they must say something."""

import hashlib
import unittest

from benchmarks.harness import allocators, programs
from benchmarks.harness.catalogue import Measured

_NOTHING = hashlib.sha256(b"").hexdigest()[:16]


class ProgramsTest(unittest.TestCase):
    def _measure(self, name: str) -> Measured:
        (row,) = (row for row in programs.rows(0.03) if row.name == name)
        if row.skipped:
            self.skipTest(row.skipped)
        measured = row.measure(allocators.discover()[0])
        self.assertEqual(measured.failure, "", measured.detail)
        return measured

    def test_every_program_prints_something(self) -> None:
        for row in programs.rows(0.03):
            with self.subTest(row.name):
                self.assertNotEqual(self._measure(row.name).checksum, _NOTHING)

    def test_what_redis_holds_is_checked(self) -> None:
        self.assertRegex(self._measure("redis").checksum, r"^8 tests, \+0 wrong, [0-9a-f]{40}$")


if __name__ == "__main__":
    unittest.main()
