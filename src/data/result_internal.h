/* What writer and reader of results share; not for other layers. */
#ifndef IA_DATA_RESULT_INTERNAL_H
#define IA_DATA_RESULT_INTERNAL_H

#include "crypto/sha.h"
#include "data/result.h"

/* The manifest's label and blind (NULL: none), then one line a file, in byte order of the paths. */
IA_MUST bool ia_manifest_begin(ia_sha *sha, const ia_secret *blind, bool simulated, ia_err *e);
IA_MUST bool ia_manifest_add(ia_sha *sha, ia_span path, uint64_t size, const ia_h256 *content,
                             ia_err *e);

#endif
