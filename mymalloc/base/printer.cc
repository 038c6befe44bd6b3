#include "mymalloc/base/printer.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "mymalloc/base/signal_mask.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"

namespace mymalloc {
namespace {

// By these a write that fails ends the process: nobody reads the pipe, or the file is as long as it
// may be (ulimit -f). A message is not worth that.
constexpr uint64_t kWriteSignals = SignalBit(SIGPIPE) | SignalBit(SIGXFSZ);

// Keeps them from this thread, and takes what a write raised. What was pending before stays so.
class WriteSignalsBlocker {
 public:
  WriteSignalsBlocker()
      : blocked_(BlockSignals(kWriteSignals)), pending_before_(PendingSignals()) {}
  WriteSignalsBlocker(const WriteSignalsBlocker&) = delete;
  WriteSignalsBlocker& operator=(const WriteSignalsBlocker&) = delete;
  // Nothing but what was blocked here is unblocked: a sandbox may have refused that.
  ~WriteSignalsBlocker() {
    if (blocked_ != 0) ChangeSignalMask(SIG_UNBLOCK, blocked_);
  }

  void TakeSignalOf(long error) const {
    if (error != -EPIPE && error != -EFBIG) return;
    const uint64_t raised = SignalBit(error == -EPIPE ? SIGPIPE : SIGXFSZ) & ~pending_before_;
    const timespec no_time = {0, 0};
    Syscall(SYS_rt_sigtimedwait, reinterpret_cast<long>(&raised), 0,
            reinterpret_cast<long>(&no_time), sizeof(raised));
  }

 private:
  const uint64_t blocked_;  // here, not before
  const uint64_t pending_before_;
};

// For a file that does not block: waits until it takes more, but no longer than is left, which the
// kernel counts down. False if the time is over.
bool AwaitRoom(int fd, timespec* left) {
  pollfd file = {fd, POLLOUT, 0};
  const long result = Syscall(SYS_ppoll, reinterpret_cast<long>(&file), 1,
                              reinterpret_cast<long>(left), 0, sizeof(kWriteSignals));
  return result > 0 || result == -EINTR;
}

}  // namespace

Printer& Printer::Text(const char* text) {
  while (*text != '\0') Append(*text++);
  return *this;
}

Printer& Printer::Decimal(uint64_t n) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  while (count > 0) Append(digits[--count]);
  return *this;
}

Printer& Printer::Signed(int64_t n) {
  if (n >= 0) return Decimal(static_cast<uint64_t>(n));
  Append('-');
  return Decimal(uint64_t{0} - static_cast<uint64_t>(n));
}

Printer& Printer::Byte(unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  Append(kDigits[byte / 16]);
  Append(kDigits[byte % 16]);
  return *this;
}

Printer& Printer::Hex(uint64_t n) {
  Text("0x");
  int shift = 60;
  while (shift > 0 && (n >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) Append("0123456789abcdef"[(n >> shift) & 15]);
  return *this;
}

Printer& Printer::Size(uint64_t bytes) {
  if (bytes != 0 && bytes % kGiB == 0) return Decimal(bytes / kGiB).Text("G");
  if (bytes != 0 && bytes % kMiB == 0) return Decimal(bytes / kMiB).Text("M");
  if (bytes != 0 && bytes % kKiB == 0) return Decimal(bytes / kKiB).Text("K");
  return Decimal(bytes);
}

void Printer::CopyTo(int fd) const {
  const WriteSignalsBlocker blocker;
  timespec patience = {1, 0};
  size_t written = 0;
  while (written < size_) {
    const long result = Syscall(SYS_write, fd, reinterpret_cast<long>(buffer_ + written),
                                static_cast<long>(size_ - written));
    blocker.TakeSignalOf(result);
    if (result > 0) {
      written += static_cast<size_t>(result);
    } else if (result != -EINTR && !(result == -EAGAIN && AwaitRoom(fd, &patience))) {
      break;
    }
  }
}

}  // namespace mymalloc
