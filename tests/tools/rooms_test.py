"""The gate on the rooms of the engine: what it must refuse, and what it must let pass."""

import unittest

from tools import rooms


def include(*names: str) -> str:
    return "".join(f'#include "mymalloc/{name}"\n' for name in names)


# Enough rooms of one length that none is too large.
HOUSE = {f"{room}/{room}.h": "\n" * 20 for floor in rooms.FLOORS for room in floor}


class RoomsTest(unittest.TestCase):
    def faults(self, **changed: str) -> list[str]:
        texts = dict(HOUSE)
        for name, text in changed.items():
            room, _, file = name.partition("__")
            texts[f"{room}/{file.replace('__', '.')}"] = text
        return rooms.faults_of(texts)

    def test_arrows_that_go_down_pass(self) -> None:
        self.assertEqual(self.faults(heap__heap__cc=include("supply/supply.h", "base/base.h")), [])

    def test_an_arrow_that_climbs_is_told(self) -> None:
        self.assertEqual(
            self.faults(supply__supply__cc=include("heap/heap.h")),
            ["supply/supply includes heap/heap: heap/ is not below supply/"],
        )

    def test_rooms_of_one_floor_do_not_know_of_each_other(self) -> None:
        self.assertEqual(len(self.faults(os__os__h=include("fault/fault.h"))), 1)

    def test_a_circle_within_a_room_is_told(self) -> None:
        faults = self.faults(
            heap__a__h=include("heap/b.h"), heap__b__h="", heap__b__cc=include("heap/a.h")
        )
        self.assertEqual(faults, ["a circle: heap/a -> heap/b -> heap/a"])

    def test_a_source_counts_with_the_header_whose_name_it_carries(self) -> None:
        faults = self.faults(
            heap__heap_runs__cc=include("heap/b.h"), heap__b__h=include("heap/heap.h")
        )
        self.assertEqual(faults, ["a circle: heap/b -> heap/heap -> heap/b"])

    def test_a_room_that_holds_a_quarter_is_told(self) -> None:
        self.assertEqual(len(self.faults(heap__large__cc="\n" * 400)), 1)

    def test_an_include_of_what_is_not_there_is_told(self) -> None:
        self.assertEqual(
            self.faults(heap__heap__cc=include("heap/gone.h")),
            ["heap/heap.cc includes heap/gone.h, which is not there"],
        )

    def test_a_room_on_no_floor_is_told(self) -> None:
        self.assertEqual(
            rooms.faults_of({"attic/attic.h": ""}),
            ["attic/ is on no floor: tools/rooms.py lists them"],
        )


if __name__ == "__main__":
    unittest.main()
