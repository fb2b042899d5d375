/* Identifiers and hashes: Keccak-256 over plain concatenation. */
#include "poco/ids.h"

#include "crypto/keccak.h"
#include "eth/create2.h"
#include "poco/abi.h"

static void hash2(ia_h256 *out, ia_span a, ia_span b)
{
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, a);
  ia_keccak_update(&k, b);
  ia_keccak_final(&k, out);
}

static void hash3(ia_h256 *out, ia_span a, ia_span b, ia_span c)
{
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, a);
  ia_keccak_update(&k, b);
  ia_keccak_update(&k, c);
  ia_keccak_final(&k, out);
}

static void hash_index(ia_h256 *out, const ia_h256 *id, const ia_u256 *index)
{
  uint8_t word[32];

  ia_u256_to_be(word, index);
  hash2(out, IA_SPAN_ARR(id->b), IA_SPAN_ARR(word));
}

void ia_deal_id(ia_h256 *out, const ia_h256 *request_hash, const ia_u256 *first)
{
  hash_index(out, request_hash, first);
}

void ia_task_id(ia_h256 *out, const ia_h256 *dealid, const ia_u256 *idx)
{
  hash_index(out, dealid, idx);
}

void ia_result_hash(ia_h256 *out, const ia_h256 *taskid, const ia_h256 *digest)
{
  hash2(out, IA_SPAN_ARR(taskid->b), IA_SPAN_ARR(digest->b));
}

void ia_result_seal(ia_h256 *out, const ia_addr *worker, const ia_h256 *taskid,
                    const ia_h256 *digest)
{
  hash3(out, IA_SPAN_ARR(worker->b), IA_SPAN_ARR(taskid->b), IA_SPAN_ARR(digest->b));
}

void ia_enclave_message(ia_h256 *out, const ia_h256 *result_hash, const ia_h256 *result_seal)
{
  hash2(out, IA_SPAN_ARR(result_hash->b), IA_SPAN_ARR(result_seal->b));
}

void ia_authorization_message(ia_h256 *out, const ia_addr *worker, const ia_h256 *taskid,
                              const ia_addr *enclave)
{
  hash3(out, IA_SPAN_ARR(worker->b), IA_SPAN_ARR(taskid->b), IA_SPAN_ARR(enclave->b));
}

void ia_challenge_message(ia_h256 *out, const ia_h256 *taskid)
{
  ia_keccak256(out, IA_SPAN_ARR(taskid->b));
}

void ia_stage_message(ia_h256 *out, const ia_h256 *taskid, const ia_addr *worker)
{
  hash2(out, IA_SPAN_ARR(taskid->b), IA_SPAN_ARR(worker->b));
}

void ia_asset_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                      ia_span init_args, const ia_addr *owner)
{
  ia_h256 salt;

  hash2(&salt, init_args, IA_SPAN_ARR(owner->b));
  ia_create2(out, registry, &salt, proxy_code_hash);
}

static void address_of(ia_addr *out, const ia_addr *registry, const ia_h256 *code_hash,
                       ia_call_id init, const ia_args *a, const ia_addr *owner)
{
  IA_AUTOV(ia_buf) data = {0};

  ia_call_encode(&data, init, a);
  ia_asset_address(out, registry, code_hash, ia_buf_view(&data), owner);
}

void ia_app_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                    const ia_app_info *info)
{
  ia_args a = {.bytes = {info->name, info->type, info->multiaddr, info->mrenclave},
               .id = {info->checksum}};

  address_of(out, registry, proxy_code_hash, IA_CALL_INIT_APP, &a, &info->owner);
}

void ia_dataset_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                        const ia_dataset_info *info)
{
  ia_args a = {.bytes = {info->name, info->multiaddr}, .id = {info->checksum}};

  address_of(out, registry, proxy_code_hash, IA_CALL_INIT_DATASET, &a, &info->owner);
}

void ia_workerpool_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                           const ia_addr *owner, ia_span description)
{
  ia_args a = {.bytes = {description}};

  address_of(out, registry, proxy_code_hash, IA_CALL_INIT_WORKERPOOL, &a, owner);
}
