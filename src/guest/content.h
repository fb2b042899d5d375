/* Content that a requester's secret names by its address. The image says in its labels which member
 * of which secret does, so what is fetched is settled before any data is read: an app cannot choose
 * (docs/sandbox.md). Pure: hostile texts in, an address out. */
#ifndef IA_GUEST_CONTENT_H
#define IA_GUEST_CONTENT_H

#include "base/types.h"
#include "crypto/cid.h"

enum { IA_CONTENT_MAX = 8 }; /* labels of one image */

/* The number of the secret ("1") in the label's name, at most nine digits and no leading zero; NULL
 * when the label is about something else. */
const char *ia_content_secret(const char *label);

/* The address in that member of the secret, a JSON object: "/ipfs/CID" or "/p2p/CID" of version 0,
 * whose bytes a stream of content alone can be checked against. False when it is none. */
IA_MUST bool ia_content_address(ia_cid *out, ia_span secret, const char *member);

#endif
