/* The datasets that a wallet owns, as the registry's transfers tell. */
#ifndef IA_CLIENT_OWNED_H
#define IA_CLIENT_OWNED_H

#include "client/net.h"

/* The caller frees *out. Reads the transfers of the dataset registry from the first block on. */
IA_MUST bool ia_owned_datasets(const ia_net *net, ia_addr **out, size_t *n, const ia_addr *owner,
                               ia_err *e);

#endif
