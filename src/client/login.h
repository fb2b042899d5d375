/* The login of iExec's market and scheduler: a challenge in EIP-712 typed data, signed by a wallet.
 */
#ifndef IA_CLIENT_LOGIN_H
#define IA_CLIENT_LOGIN_H

#include "client/net.h"

/* Value of the header Authorization: <hash>_<signature>_<address>, NUL-terminated. url: where the
 * challenge is asked. Only a login of the iExec gateway for this chain is signed, nothing else that
 * a server might send. */
IA_MUST bool ia_login(ia_buf *out, const ia_net *net, const ia_wallet *w, const char *url,
                      ia_err *e);

#endif
