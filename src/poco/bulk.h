/* Bulk: one request, many protected data. The request's bulk_cid names an array of CIDs, one a
 * task; each of them names a slice, an array of signed dataset orders. */
#ifndef IA_POCO_BULK_H
#define IA_POCO_BULK_H

#include "base/json.h"
#include "poco/types.h"

enum {
  IA_BULK_DATASETS_MAX = 100, /* in a slice */
  IA_BULK_SLICES_MAX = 10000,
  IA_BULK_BYTES_MAX = 1 << 20, /* of either text */
};
#define IA_BULK_VOLUME UINT64_C(9007199254740991) /* of a bulk grant; one less is taken as well */

/* A grant for bulk costs nothing and never ends: its volume is not consumed. */
bool ia_bulk_is_grant(const ia_dataset_order *o);
/* The slice of task `index`. PARAMS_INVALID; *cid is borrowed from root. */
IA_MUST bool ia_bulk_slice_of(const char **cid, const json_t *root, uint64_t index, ia_err *e);
/* An array of at most IA_BULK_DATASETS_MAX entries and not empty: PARAMS_INVALID. What the entries
 * are is judged one by one. */
IA_MUST bool ia_bulk_slice_check(const json_t *slice, ia_err *e);

#endif
