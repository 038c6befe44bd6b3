// The explanation of a fault never hangs: a thread may fault in a signal handler that interrupted
// the allocator, and then holds its locks itself.

#include "mymalloc/misuse/crash.h"

#include <unistd.h>

#include "mymalloc/base/sequence_counter.h"
#include "mymalloc/report/inspector.h"
#include "tests/heap/engine.h"
#include "tests/heap/faults.h"

namespace mymalloc {
namespace {

constexpr uintptr_t kNowhere = 0x10000;

class CrashTest : public test::EngineTest {
 protected:
  CrashTest() { alarm(20); }
  ~CrashTest() override { alarm(0); }

  test::Faults faults_;
};

TEST_F(CrashTest, ComesToAnEndUnderTheLockOfTheLargeBlocks) {
  LockHolder holder(g_large_blocks.lock());
  EXPECT_FALSE(ExplainAccess(kNowhere, "load"));
}

TEST_F(CrashTest, ComesToAnEndInTheMidstOfAnEditOfThePageMap) {
  EditHolder holder(g_page_map.lock(), Inspector::Edits(g_page_map),
                    Inspector::EditorOf(g_page_map));
  EXPECT_FALSE(ExplainAccess(kNowhere, "load"));
}

TEST_F(CrashTest, ExplainsNothingThatIsNotTheHeaps) {
  EXPECT_FALSE(ExplainAccess(kNowhere, "load"));
  EXPECT_TRUE(faults_.Take().empty());
}

}  // namespace
}  // namespace mymalloc
