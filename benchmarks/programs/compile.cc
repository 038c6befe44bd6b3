// What the compile row compiles: nothing special, but templates and headers as real programs have.

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using Value = std::variant<std::string, double, std::vector<int>>;

struct Event {
  std::string name;
  std::map<std::string, Value> fields;
};

std::vector<Event> Parse(std::istream& in) {
  std::vector<Event> events;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Event event;
    words >> event.name;
    for (std::string key, value; words >> key >> value;) event.fields.emplace(key, value);
    events.push_back(std::move(event));
  }
  return events;
}

template <typename Key>
std::unordered_map<std::string, std::vector<const Event*>> GroupBy(const std::vector<Event>& events,
                                                                   Key key) {
  std::unordered_map<std::string, std::vector<const Event*>> groups;
  for (const Event& event : events) groups[key(event)].push_back(&event);
  return groups;
}

}  // namespace

int main() {
  std::istringstream in("a x 1 y 2\nb x 3\n");
  const std::vector<Event> events = Parse(in);
  std::function<std::string(const Event&)> key = [](const Event& event) { return event.name; };
  for (const auto& [name, members] : GroupBy(events, key)) {
    std::cout << name << ' ' << members.size() << '\n';
  }
  return 0;
}
