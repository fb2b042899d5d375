/* DataProtector: a dataset together with the schema of what is in it. */
#include "service/ledger/vm.h"

/* createDatasetWithSchema(owner, name, schema, multiaddr, checksum) */
static bool create(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a = {
      .addr = {in->a.addr[0]}, .bytes = {in->a.bytes[0], in->a.bytes[2]}, .id = {in->a.id[0]}};
  ia_event ev = {.bytes = {in->a.bytes[1]}};
  ia_args made;

  if (!ia_call_as_self(f, &f->vm->world->registry[IA_ASSET_DATASET], IA_CALL_CREATE_DATASET, &a,
                       &made))
    return false;
  ev.addr[0] = out->a.addr[0] = made.addr[0];
  return ia_emit(f, IA_EV_DATASET_SCHEMA, &ev);
}

static const ia_method rows[] = {{IA_CALL_CREATE_DATASET_WITH_SCHEMA, create}};
static const ia_methods methods = {rows, IA_COUNT(rows)};
static const ia_methods *const parts[] = {&methods};
static const uint8_t code[] = "\xfeiapp DataProtector";

const ia_contract ia_contract_dataprotector = {
    .name = "dataprotector",
    .parts = parts,
    .n_parts = IA_COUNT(parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {code, sizeof(code) - 1},
};
