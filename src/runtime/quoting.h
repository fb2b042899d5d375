/* Simulated quoting: what stands for the processor where there is no TEE. SIMULATED: it proves
 * nothing about this machine; only SMS instances of the simulated domain that enrolled this
 * installation's root take its word (docs/release.md 5). */
#ifndef IA_RUNTIME_QUOTING_H
#define IA_RUNTIME_QUOTING_H

#include "base/buf.h"
#include "base/types.h"
#include "tee/quote.h"

typedef struct ia_quoting ia_quoting;

/* Keys in dir/sim-root.pem (certificates) and dir/sim-root.key (0600), made when missing. */
IA_MUST bool ia_quoting_open(ia_quoting **out, const char *dir, ia_err *e);
void ia_quoting_close(ia_quoting *q); /* NULL is fine */
IA_DEFINE_AUTO(ia_quoting, ia_quoting_close)
/* SHA-256 of the root's DER, which an SMS must have enrolled. */
void ia_quoting_root(const ia_quoting *q, ia_h256 *root);

/* MRTD: SHA-384 of the guest's file. */
IA_MUST bool ia_quoting_measure(ia_h384 *mr_td, const char *guest_exe, ia_err *e);

/* RTMR3' = SHA-384(RTMR3 || digest); digest of 48 bytes. */
IA_MUST bool ia_quoting_extend(ia_h384 *rtmr3, ia_span digest, ia_err *e);
/* report_data of 64 bytes. */
IA_MUST bool ia_quoting_quote(const ia_quoting *q, ia_buf *quote, const ia_h384 *mr_td,
                              const ia_h384 *rtmr3, ia_span report_data, ia_err *e);

#endif
