/* Log-in challenges of iExec's services, EIP-712 "Challenge(string challenge)", good once. Nothing
 * is kept of one that was asked for: its text is a MAC over address and time, made again when it
 * comes back signed. Only who signed one leaves a trace, until it would have expired; so nobody can
 * take the challenges of others away by asking. Any thread. */
#ifndef IA_ETH_CHALLENGE_H
#define IA_ETH_CHALLENGE_H

#include "base/buf.h"
#include "base/types.h"

typedef struct ia_challenges ia_challenges;

/* domain, intro: text before the random part; both stay the caller's. seconds: good so long, up to
 * a 32nd more. */
IA_MUST bool ia_challenges_new(ia_challenges **out, const char *domain, const char *intro,
                               uint64_t seconds, ia_err *e);
void ia_challenges_free(ia_challenges *c); /* NULL is fine */
/* Appends the text that `who` shall sign. */
IA_MUST bool ia_challenge_make(ia_challenges *c, ia_buf *text, const ia_addr *who, uint64_t now,
                               ia_err *e);
/* Whether that digest is of a challenge for `who` that is still good; it is used up then. Ask only
 * for a digest that `who` has signed. BUSY: too many were used of late. */
IA_MUST bool ia_challenge_take(ia_challenges *c, uint64_t chain_id, const ia_addr *who,
                               const ia_h256 *digest, uint64_t now, ia_err *e);

#endif
