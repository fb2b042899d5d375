#include "poco/bulk.h"

bool ia_bulk_is_grant(const ia_dataset_order *o)
{
  ia_u256 least = ia_u256_of(IA_BULK_VOLUME - 1);

  return ia_u256_zero(&o->datasetprice) && ia_u256_cmp(&o->volume, &least) >= 0;
}

bool ia_bulk_slice_of(const char **cid, const json_t *root, uint64_t index, ia_err *e)
{
  if (!json_is_array(root) || json_array_size(root) > IA_BULK_SLICES_MAX)
    return ia_fail(e, IA_E_PARAMS_INVALID, "bulk_cid: want an array of at most %d slices",
                   IA_BULK_SLICES_MAX);
  *cid = json_string_value(json_array_get(root, (size_t)index));
  return *cid || ia_fail(e, IA_E_PARAMS_INVALID, "bulk_cid: there is no slice %llu",
                         (unsigned long long)index);
}

bool ia_bulk_slice_check(const json_t *slice, ia_err *e)
{
  size_t n = json_array_size(slice);

  return (n > 0 && n <= IA_BULK_DATASETS_MAX) ||
         ia_fail(e, IA_E_PARAMS_INVALID, "slice: want an array of 1 to %d dataset orders",
                 IA_BULK_DATASETS_MAX);
}
