// For docs/look.md: a server whose sessions are forgotten, now and then.

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace shop {

class Session {
 public:
  virtual ~Session() = default;
  explicit Session(int user) : name_("user " + std::to_string(user) + " of the web shop") {}

 private:
  std::string name_;
  std::vector<int> basket_ = std::vector<int>(20);
};

class Cache {
 public:
  virtual ~Cache() = default;
  std::vector<std::unique_ptr<Session>> sessions;
};

}  // namespace shop

namespace {

shop::Cache* cache;

void Serve(int user) {
  auto session = std::make_unique<shop::Session>(user);
  if (user % 10 == 0) {
    static_cast<void>(session.release());  // the bug
  } else {
    cache->sessions.push_back(std::move(session));
  }
}

}  // namespace

int main() {
  cache = new shop::Cache;
  for (int user = 0; user < 10000; ++user) Serve(user);
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
    for (int user = 0; user < 1000; ++user) Serve(user);
  }
  return 0;
}
