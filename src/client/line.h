/* Lines of app versions: a group contract (ERC-734) whose members are apps, so that one grant holds
 * for all of them, those of tomorrow too. */
#ifndef IA_CLIENT_LINE_H
#define IA_CLIENT_LINE_H

#include "client/net.h"

/* A new line of the wallet's, empty but for itself. UNSUPPORTED where the ledger has no factory. */
IA_MUST bool ia_line_make(ia_net *net, const ia_wallet *w, ia_addr *line, ia_h256 *tx, ia_err *e);
/* Adds or removes an app. NOT_FOUND: no line, or no app; FORBIDDEN: another's line; EXISTS, or
 * NOT_FOUND, when there is nothing to do. */
IA_MUST bool ia_line_put(ia_net *net, const ia_wallet *w, const ia_addr *line, const ia_addr *app,
                         bool member, ia_h256 *tx, ia_err *e);
/* Owner and apps, by the events of the line. The caller frees *apps. */
IA_MUST bool ia_line_get(ia_net *net, const ia_addr *line, ia_addr *owner, ia_addr **apps,
                         size_t *n, ia_err *e);

#endif
