/* `iapp-guest get PATH [N]`: one protected value as plain bytes on stdout, for apps in any
 * language. */
#ifndef IA_GUEST_GET_H
#define IA_GUEST_GET_H

#include "base/buf.h"

/* From the archive $IEXEC_IN/$IEXEC_DATASET_FILENAME, or dataset number `n` (from 1) of a slice:
 * $IEXEC_DATASET_<n>_FILENAME. Types are told from the bytes, as for the plain files. */
IA_MUST bool ia_guest_get(ia_buf *out, const char *path, const char *n, ia_err *e);

#endif
