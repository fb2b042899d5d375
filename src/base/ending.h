/* The order to end, SIGTERM or SIGINT, while a process is not yet ready for it: held back, so that
 * nothing is cut short, and seen by whoever waits for something. */
#ifndef IA_BASE_ENDING_H
#define IA_BASE_ENDING_H

#include <stdbool.h>

/* Holds the two signals back; also across exec, and in threads that are made from here on. */
void ia_ending_hold(void);
/* One of them is held back right now. */
bool ia_ending_pending(void);
/* Lets them through: once they have handlers. */
void ia_ending_let(void);

#endif
