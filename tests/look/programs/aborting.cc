// Has a text and a hundred objects of a class, and aborts: for a debugger.

#include <cstdlib>
#include <cstring>

namespace {

struct Shape {
  virtual ~Shape() = default;
  int number = 0;
};
struct Circle : Shape {
  double middle[3] = {};
};

}  // namespace

char* g_text;
Shape* g_shapes[100];

int main() {
  g_text = static_cast<char*>(malloc(100));
  std::strcpy(g_text, "a text in a block");
  for (Shape*& shape : g_shapes) shape = new Circle;
  std::abort();
}
