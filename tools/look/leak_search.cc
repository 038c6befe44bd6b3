#include "tools/look/leak_search.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "tools/look/heap_reader.h"
#include "tools/look/roots.h"

namespace mymalloc::look {
namespace {

using Clock = std::chrono::steady_clock;
using Number = BlockIndex::Number;

// Of a process that is busy; one that is not needs two.
constexpr unsigned kMostRounds = 12;

// What is known of a lost block. Nobody writes to it any more: where another one has its address in
// the next round, that shows by its length, or by what it begins with.
struct Mark {
  uint64_t usable = 0;
  uint64_t contents = 0;
  bool operator==(const Mark& other) const {
    return usable == other.usable && contents == other.contents;
  }
};

Mark MarkOf(const Memory& memory, const Block& block) {
  constexpr size_t kMostWords = 32;
  uint64_t words[kMostWords] = {};
  const size_t count = std::min<uint64_t>(kMostWords, block.usable / sizeof(uint64_t));
  Mark mark = {block.usable, 0};
  if (!memory.Read(block.address, words, count * sizeof(uint64_t))) return mark;
  for (const uint64_t word : words) {
    mark.contents = (mark.contents ^ word ^ mark.contents >> 29) * 0x9e3779b97f4a7c15;
  }
  return mark;
}

// By their addresses.
using LostBlocks = std::map<uint64_t, Mark>;

class Round {
 public:
  Round(Target* target, const Descriptor& descriptor) : target_(target), descriptor_(descriptor) {}

  // The blocks, while the process runs; then the roots, of one moment. A block that comes between
  // the two is not known, and what only that leads to seems lost: not in the next round.
  bool ReadMoment(const std::vector<Thread>* threads, std::string* error) {
    std::unique_ptr<Target::Stop> stop;
    const bool has_model = threads == nullptr && ReadHeapRunning(*target_, descriptor_, &model_);
    const auto begin = Clock::now();
    if (threads == nullptr) {
      stop = target_->StopThreads(error);
      if (stop == nullptr) return false;
      threads = &stop->threads;
    }
    target_->RereadMappings();
    if (!has_model) ReadHeapOnce(*target_, descriptor_, &model_);
    roots_ = ReadRoots(*target_, model_, *threads);
    stop.reset();
    stopped_ = std::chrono::duration<double>(Clock::now() - begin).count();
    return true;
  }

  void MarkBlocks() {
    index_ = std::make_unique<BlockIndex>(model_);
    graph_ = std::make_unique<BlockGraph>(target_->memory(), model_, *index_);
    marked_.assign(index_->size(), false);
    std::vector<Number> blocks;
    for (const uint64_t word : roots_) {
      const Number block = index_->Find(word);
      if (block != BlockIndex::kNone) blocks.push_back(block);
    }
    MarkReachable(*graph_, std::move(blocks), &marked_);
  }

  std::vector<Number> Lost() const {
    std::vector<Number> lost;
    for (Number i = 0; i < index_->size(); ++i) {
      if (!marked_[i]) lost.push_back(i);
    }
    return lost;
  }

  const HeapModel& model() const { return model_; }
  const BlockIndex& index() const { return *index_; }
  const BlockGraph& graph() const { return *graph_; }
  double stopped() const { return stopped_; }

 private:
  Target* const target_;
  const Descriptor& descriptor_;
  HeapModel model_;
  std::unique_ptr<BlockIndex> index_;
  std::unique_ptr<BlockGraph> graph_;
  std::vector<uint64_t> roots_;
  std::vector<bool> marked_;
  double stopped_ = 0;
};

// Which of the lost blocks lead to the others. In the reverse of the order in which a search in
// depth leaves them, each group of blocks that lead to each other comes before what it leads to.
class LeakSorter {
 public:
  LeakSorter(const Round& round, const std::vector<Number>& lost)
      : index_(round.index()), graph_(round.graph()), is_lost_(round.index().size(), false) {
    for (const Number block : lost) is_lost_[block] = true;
    seen_ = std::vector<bool>(index_.size(), false);
    for (const Number block : lost) Leave(block);
  }

  std::vector<Leak> Sort() {
    seen_.assign(seen_.size(), false);
    std::vector<Leak> leaks;
    for (auto block = left_.rbegin(); block != left_.rend(); ++block) Cover(*block, &leaks);
    std::sort(leaks.begin(), leaks.end(),
              [](const Leak& a, const Leak& b) { return a.block.address < b.block.address; });
    return leaks;
  }

 private:
  void Leave(Number root) {
    std::vector<std::pair<Number, const Number*>> path;
    const auto enter = [&](Number block) {
      if (seen_[block] || !is_lost_[block]) return;
      seen_[block] = true;
      path.emplace_back(block, graph_.begin(block));
    };
    enter(root);
    while (!path.empty()) {
      auto& [block, next] = path.back();
      if (next == graph_.end(block)) {
        left_.push_back(block);
        path.pop_back();
      } else {
        enter(*next++);
      }
    }
  }

  void Cover(Number root, std::vector<Leak>* leaks) {
    if (seen_[root]) return;
    const uint64_t address = index_.At(root).address;
    std::vector<Number> next = {root};
    while (!next.empty()) {
      const Number block = next.back();
      next.pop_back();
      if (seen_[block] || !is_lost_[block]) continue;
      seen_[block] = true;
      leaks->push_back({index_.At(block), block == root, address});
      next.insert(next.end(), graph_.begin(block), graph_.end(block));
    }
  }

  const BlockIndex& index_;
  const BlockGraph& graph_;
  std::vector<bool> is_lost_;
  std::vector<bool> seen_;
  std::vector<Number> left_;
};

// Notes what is lost, but for what was not lost in the round before.
class Sieve {
 public:
  // Returns whether nothing was taken out, twice in a row where something was before.
  bool Filter(const Memory& memory, const BlockIndex& index, std::vector<Number>* lost) {
    const size_t found = lost->size();
    LostBlocks marks;
    std::vector<Number> rest;
    for (const Number number : *lost) {
      const Block block = index.At(number);
      const Mark mark = MarkOf(memory, block);
      if (!is_first_ && !WasLost(block.address, mark)) continue;
      marks[block.address] = mark;
      rest.push_back(number);
    }
    const bool same = !is_first_ && marks.size() == known_.size();
    const bool at_rest = same && rest.size() == found;
    settled_rounds_ = same ? settled_rounds_ + 1 : 0;
    const bool settled = settled_rounds_ >= (at_rest && !has_moved_ ? 1 : 2);
    has_moved_ = has_moved_ || (!is_first_ && !at_rest);
    is_first_ = false;
    known_ = std::move(marks);
    *lost = std::move(rest);
    return settled;
  }

 private:
  bool WasLost(uint64_t address, const Mark& mark) const {
    const auto found = known_.find(address);
    return found != known_.end() && found->second == mark;
  }

  LostBlocks known_;
  bool is_first_ = true;
  bool has_moved_ = false;
  int settled_rounds_ = 0;
};

}  // namespace

bool SearchLeaks(Target* target, const Descriptor& descriptor, const std::vector<Thread>* threads,
                 LeakResult* result, std::string* error) {
  const bool moves = target->is_live() && threads == nullptr;
  Sieve sieve;
  for (;;) {
    Round round(target, descriptor);
    if (!round.ReadMoment(threads, error)) return false;
    round.MarkBlocks();
    ++result->rounds;
    if (moves) result->longest_stop = std::max(result->longest_stop, round.stopped());
    result->damage = round.model().DescribeDamage();
    result->live_blocks = round.index().size();
    std::vector<Number> lost = round.Lost();
    const bool settled = !moves || sieve.Filter(target->memory(), round.index(), &lost);
    if (settled || lost.empty() || result->rounds == kMostRounds) {
      result->settled = settled || lost.empty();
      result->leaks = LeakSorter(round, lost).Sort();
      return true;
    }
  }
}

}  // namespace mymalloc::look
