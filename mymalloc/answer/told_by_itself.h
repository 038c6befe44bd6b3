// What the library tells by itself, where options ask for it: at the start, on a signal, at the
// end.

#ifndef MYMALLOC_ANSWER_TOLD_BY_ITSELF_H_
#define MYMALLOC_ANSWER_TOLD_BY_ITSELF_H_

namespace mymalloc {

// The option verbose, and the handler of dump_signal. REQUIRES: options were read.
void TellAtStart();

// The option stats; and what a signal has asked for that could not be told yet.
void TellAtExit();

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_TOLD_BY_ITSELF_H_
