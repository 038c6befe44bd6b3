// Containers, streams, exceptions and threads of the C++ library.
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string Work(int seed) {
  std::map<std::string, std::vector<int>> table;
  for (int i = 0; i < 5000; ++i) table["key" + std::to_string(i * seed % 307)].push_back(i);
  std::ostringstream text;
  for (const auto& [key, values] : table) {
    text << key << '=' << std::accumulate(values.begin(), values.end(), 0) << ';';
  }
  return text.str().substr(0, 300);
}

int Caught() {
  int caught = 0;
  for (int i = 0; i < 1000; ++i) {
    try {
      throw std::runtime_error(std::string(100, 'x'));
    } catch (const std::exception&) {
      ++caught;
    }
  }
  return caught;
}

}  // namespace

int main() {
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&results, i] { results[i] = Work(i + 2); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) std::cout << result << '\n';
  std::cout << Caught() << '\n';
}
