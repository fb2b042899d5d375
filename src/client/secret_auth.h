/* What is signed (EIP-191 over the 32-byte hash) to put a secret into an SMS, as iExec clients do:
 * keccak256(keccak256("IEXEC_SMS_DOMAIN") || address20 [|| keccak256(name)] || keccak256(value)).
 */
#ifndef IA_CLIENT_SECRET_AUTH_H
#define IA_CLIENT_SECRET_AUTH_H

#include "base/span.h"
#include "base/types.h"

/* Name of the web2 secret that holds a result key. */
#define IA_RESULT_KEY_SECRET "iexec-result-encryption-public-key"
/* Index of an app's only secret. */
#define IA_APP_SECRET_INDEX "1"

/* Key of a dataset; signed by the dataset's owner. */
void ia_secret_auth_web3(ia_h256 *out, const ia_addr *address, ia_span value);
/* Named secret of a wallet (web2: name as given; requester: key; app: IA_APP_SECRET_INDEX). */
void ia_secret_auth_named(ia_h256 *out, const ia_addr *address, ia_span name, ia_span value);

#endif
