/* Deal params: the JSON text of a request order (docs/release.md 4.12). A text that begins with {
 * and is not valid: PARAMS_INVALID, never a fallback; any other text is the app's arguments as a
 * whole. Unknown keys are ignored. */
#ifndef IA_POCO_PARAMS_H
#define IA_POCO_PARAMS_H

#include "base/json.h"

/* Files and secrets: what one enclave is given at most. */
enum { IA_PARAMS_CAP = 256 << 10, IA_PARAMS_FILES_MAX = 100, IA_PARAMS_SECRETS_MAX = 100 };

typedef struct ia_params {
  json_t *root;          /* owned */
  const char *args;      /* iexec_args; "" when absent */
  const json_t *files;   /* iexec_input_files: array of texts; NULL when absent */
  bool encrypt;          /* iexec_result_encryption */
  const char *storage;   /* iexec_result_storage_provider; "" when absent */
  const char *proxy;     /* iexec_result_storage_proxy (legacy); "" when absent */
  const json_t *secrets; /* iexec_secrets: {"1":"name"}; NULL when absent */
  const char *bulk_cid;  /* "" when absent */
  const char *purpose;   /* iapp_purpose; "" when absent */
  uint64_t memory;       /* iapp_memory, bytes (base/size.h); 0 when absent */
} ia_params;

IA_MUST bool ia_params_parse(ia_params *out, ia_span text, ia_err *e);
void ia_params_free(ia_params *p); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_params, ia_params_free)

#endif
