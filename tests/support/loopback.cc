#include "tests/support/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

constexpr int kTries = 1000;
constexpr useconds_t kBetweenTries = 10000;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool Connects(const sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MYMALLOC_CHECK(fd >= 0);
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(fd);
  return result == 0;
}

}  // namespace

std::string FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  MYMALLOC_CHECK(listener >= 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  MYMALLOC_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  MYMALLOC_CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(listener);
  return std::to_string(ntohs(address.sin_port));
}

bool AwaitListener(const std::string& port) {
  const sockaddr_in address = Loopback(std::stoi(port));
  for (int i = 0; i < kTries; ++i) {
    if (Connects(address)) return true;
    usleep(kBetweenTries);
  }
  return false;
}

}  // namespace mymalloc::test
