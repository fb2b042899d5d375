/* Files that an installation makes at its first start and cannot do without afterwards. One that is
 * missing or empty later is refused by name: a new one in its place would be another ledger, other
 * keys, another worker. HOME/made holds a mark for each. */
#ifndef IA_DAEMON_STORES_H
#define IA_DAEMON_STORES_H

#include "daemon/home.h"

/* Before anything of these roles is opened: CORRUPT, with the file and what it held. Says which are
 * read again from the ledger. own_ledger: settles on the ledger of this home; own_passphrase: that
 * of this home is used. */
IA_MUST bool ia_stores_check(const ia_home *h, unsigned roles, bool own_ledger, bool own_passphrase,
                             ia_err *e);
/* Marks what these roles have made, once all are ready. */
IA_MUST bool ia_stores_keep(const ia_home *h, unsigned roles, ia_err *e);

#endif
