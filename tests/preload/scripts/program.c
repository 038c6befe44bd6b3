/* Lists, strings and threads in plain C. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
  struct node* next;
  char* text;
};

static void* build(void* argument) {
  const int count = *(const int*)argument;
  struct node* list = NULL;
  for (int i = 0; i < count; ++i) {
    struct node* node = malloc(sizeof(*node));
    char text[64];
    snprintf(text, sizeof(text), "%d:%d", count, i);
    node->text = strdup(text);
    node->next = list;
    list = node;
  }
  return list;
}

static size_t consume(struct node* list) {
  size_t length = 0;
  while (list != NULL) {
    struct node* next = list->next;
    length += strlen(list->text);
    free(list->text);
    free(list);
    list = next;
  }
  return length;
}

int main(void) {
  pthread_t threads[4];
  int counts[4] = {1000, 20000, 300, 5000};
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, build, &counts[i]);
  for (int i = 0; i < 4; ++i) {
    void* list = NULL;
    pthread_join(threads[i], &list);
    printf("%zu\n", consume(list));
  }
  return 0;
}
