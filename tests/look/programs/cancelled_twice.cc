// For the picture of a report: an order that the customer cancels, and then the clerk once more.

#include <cstdlib>
#include <cstring>

#define CALLED __attribute__((noinline))

enum class State { kTaken, kCancelled, kClosed };

struct Order {
  char* customer;
  State state;
};

static CALLED Order* Take(const char* customer) {
  auto* const order = static_cast<Order*>(malloc(sizeof(Order)));
  *order = {strdup(customer), State::kTaken};
  return order;
}

static inline void Cancel(Order* order, State state) {
  free(order->customer);
  order->state = state;
}

static CALLED void CustomerCalls(Order* order) { Cancel(order, State::kCancelled); }

static CALLED void ClerkTidiesUp(Order* order) { Cancel(order, State::kClosed); }  // the bug

int main() {
  Order* const order = Take("customer 4711");
  CustomerCalls(order);
  ClerkTidiesUp(order);
  free(order);
  return 0;
}
