/* What the demonstrations print of a heap. */

#ifndef MYMALLOC_EXAMPLES_SHOW_H_
#define MYMALLOC_EXAMPLES_SHOW_H_

/* To be called before anything is printed: stdout then has no block of the heap that is shown. */
void show_nothing_of_stdout(void);

/* What the signs in the drawings mean. */
void explain_signs(void);

/* A line of a call, the address that it is about, and what the heap knows of that. */
void say(const char* call, const void* block);

/* The page in which the block lies, as print_mem_heap() draws it. */
void draw_page(const void* block);

/* The compiler knows what malloc and free mean, and leaves out what nobody would notice. Of what
 * went through here it knows nothing. */
void* hidden(void* pointer);

#endif /* MYMALLOC_EXAMPLES_SHOW_H_ */
