/* Receipts and evidence, checked offline. */
#ifndef IAPP_RECEIPT_H
#define IAPP_RECEIPT_H

#include "iapp/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verifies a receipt (docs/receipts.md) against the caller's own trust file: trust anchors never
 * come from the receipt. result_path: the result as it was downloaded, or NULL. *out (iapp_free):
 * {"verdict":"proven"|"not proven"|"refused","code"?,"simulated":bool,"completed":bool,"taskId",
 *  "checks":[{"name","ok","text","code"?,"missing"?,"note"?}],"notProven":[text]}.
 * "proven": every check holds, and the caller's own anchors lead to it. "not proven": nothing
 * contradicts, but an anchor is missing (the checks marked "missing" say which). "refused":
 * something contradicts or is not signed as it must be; also of a text that is no receipt.
 * "simulated" is true unless an entry of the trust file says that this is hardware.
 * True whatever the verdict; false when the trust file or the result cannot be read. */
IAPP_MUST bool iapp_receipt_verify(char **out, const char *receipt, size_t receipt_len,
                                   const char *result_path, const char *trust, size_t trust_len,
                                   iapp_error *e);

/* What stands in a DCAP quote, versions 3 to 5 (Intel SGX and TDX), nothing of it verified. *out
 * (iapp_free): {"version","tee":"tdx"|"sgx","simulated":bool,"debug":bool,"measurement","rtmr":[4],
 * "reportData","mrConfigId","mrOwner"}; hex. QUOTE_SIZE, QUOTE_VERSION, QUOTE_PARSE, .. */
IAPP_MUST bool iapp_quote_read(char **out, const unsigned char *quote, size_t len, iapp_error *e);

#ifdef __cplusplus
}
#endif

#endif
