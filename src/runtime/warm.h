/* A small pool of started guests, so that a task does not wait for one. Each guest takes one task;
 * the pool starts the next in the background, and has it unpack the image used last. Nothing that a
 * warm guest checked is taken over by another. */
#ifndef IA_RUNTIME_WARM_H
#define IA_RUNTIME_WARM_H

#include "runtime/guest.h"

typedef struct ia_warm ia_warm;

/* spec's texts are copied; its slot is the pool's to give. size: guests kept ready, 0 = start each
 * when it is asked for. most: guests alive at one time, borrowed ones included. */
IA_MUST bool ia_warm_open(ia_warm **out, const ia_guest_spec *spec, unsigned size, unsigned most,
                          ia_err *e);
/* Every borrowed guest must have been given back. NULL is fine. */
void ia_warm_close(ia_warm *w);
IA_DEFINE_AUTO(ia_warm, ia_warm_close)
/* A guest for a task of this image: one that has it, else any, else a new one. BUSY beyond `most`.
 * Any thread. */
IA_MUST bool ia_warm_take(ia_warm *w, ia_guest **out, const ia_h256 *image, ia_err *e);
/* Ends it and makes its place free. Any thread. */
void ia_warm_give(ia_warm *w, ia_guest *g);
/* Starts a guest and ends it, to see whether that works. Nothing is started, and true, while `most`
 * are alive. Any thread. */
IA_MUST bool ia_warm_try(ia_warm *w, ia_err *e);
/* An image that will be asked for soon. */
void ia_warm_hint(ia_warm *w, const ia_h256 *image);

#endif
