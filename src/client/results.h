/* Fetching what a task left: the receipt, the result it vouches for, its plain files. */
#ifndef IA_CLIENT_RESULTS_H
#define IA_CLIENT_RESULTS_H

#include "client/net.h"
#include "data/result.h"
#include "data/stream.h"
#include "data/zip.h"
#include "receipt/receipt.h"

/* Where the ledger says the result lies ("/ipfs/<cid>"), for tasks without a receipt, and the
 * digest that was settled (may be NULL): the pool's word. NOT_FOUND while the task is not
 * completed, or when it left nothing but a callback. */
IA_MUST bool ia_result_location(const ia_net *net, ia_buf *out, ia_h256 *digest,
                                const ia_h256 *task, ia_err *e);
/* Asks the node at rpc whether the ledger of the trust entry knows the task in the state that the
 * receipt claims, and adds the answer to the verdict as one check more: REFUSED where it
 * contradicts, NOT PROVEN where it cannot be asked. */
void ia_verdict_ask_ledger(ia_verdict *v, const char *rpc);

/* Gets the receipt, verifies it, downloads the result to fd and compares it with the run statement.
 * The class of the check that decided when the receipt is not proven; nothing is to be used then.
 * receipt may be NULL; else the receipt's text is appended. */
IA_MUST bool ia_result_fetch(const ia_net *net, int fd, ia_verdict *verdict, ia_buf *receipt,
                             const ia_h256 *task, const ia_trust *trust, ia_err *e);
/* The same by the ledger's word alone, without a receipt; the digest is the settled one. */
IA_MUST bool ia_result_fetch_unsigned(const ia_net *net, int fd, ia_h256 *digest,
                                      const ia_h256 *task, ia_err *e);
/* What a verdict that holds says of the archive; borrows from it. */
ia_result_claim ia_verdict_claim(const ia_verdict *v);

/* The receipt alone, verified as above and appended to text. */
IA_MUST bool ia_receipt_fetch(const ia_net *net, ia_verdict *verdict, ia_buf *text,
                              const ia_h256 *task, const ia_trust *trust, ia_err *e);
/* Downloads the logs that a verified receipt names; sealed ones as they are (*sealed). NOT_FOUND
 * when the task left none. */
IA_MUST bool ia_result_logs(const ia_net *net, int fd, bool *sealed, ia_span receipt, ia_err *e);

/* Unpacks into a folder that must not exist yet: all files or none. */
IA_MUST bool ia_result_unpack(const char *dir, const ia_zip *zip, ia_err *e);

#endif
