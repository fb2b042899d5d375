/* The login of iExec's market and scheduler: a challenge in EIP-712 typed data, signed by a wallet.
 */
#ifndef IA_CLIENT_LOGIN_H
#define IA_CLIENT_LOGIN_H

#include "client/net.h"

typedef enum ia_login_at { IA_LOGIN_MARKET, IA_LOGIN_SCHEDULER } ia_login_at;

/* Value of the header Authorization: <hash>_<signature>_<address>, NUL-terminated. url: where the
 * challenge is asked. Only the login of that service for this chain is signed, nothing else that a
 * server might send: a scheduler gets no login that the market takes. INVALID. */
IA_MUST bool ia_login(ia_buf *out, const ia_net *net, const ia_wallet *w, ia_login_at at,
                      const char *url, ia_err *e);

#endif
