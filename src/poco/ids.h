/* Identifiers, hashes and signatures of a deal and its tasks. Messages are signed as EIP-191 over
 * the 32-byte hash that is given here. */
#ifndef IA_POCO_IDS_H
#define IA_POCO_IDS_H

#include "poco/types.h"

/* keccak256(requestHash || uint256 first task): first = consumed before the match = botFirst. */
void ia_deal_id(ia_h256 *out, const ia_h256 *request_hash, const ia_u256 *first);
/* keccak256(dealId || uint256 idx) */
void ia_task_id(ia_h256 *out, const ia_h256 *dealid, const ia_u256 *idx);
/* keccak256(taskId || digest) */
void ia_result_hash(ia_h256 *out, const ia_h256 *taskid, const ia_h256 *digest);
/* keccak256(worker || taskId || digest) */
void ia_result_seal(ia_h256 *out, const ia_addr *worker, const ia_h256 *taskid,
                    const ia_h256 *digest);
/* keccak256(resultHash || resultSeal): the enclave key signs this */
void ia_enclave_message(ia_h256 *out, const ia_h256 *result_hash, const ia_h256 *result_seal);
/* keccak256(worker || taskId || enclaveChallenge): the pool's owner signs this */
void ia_authorization_message(ia_h256 *out, const ia_addr *worker, const ia_h256 *taskid,
                              const ia_addr *enclave);
/* keccak256(taskId): request of a challenge */
void ia_challenge_message(ia_h256 *out, const ia_h256 *taskid);
/* keccak256(taskId || worker): stages before and after the app, to the worker */
void ia_stage_message(ia_h256 *out, const ia_h256 *taskid, const ia_addr *worker);

/* Address of a registry entry (CREATE2): salt = keccak256(initArgs || owner20). `init_args` is the
 * call data of the entry's initialiser. */
void ia_asset_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                      ia_span init_args, const ia_addr *owner);
/* Of an app or dataset with these fields; info->owner is the first owner. */
void ia_app_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                    const ia_app_info *info);
void ia_dataset_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                        const ia_dataset_info *info);
void ia_workerpool_address(ia_addr *out, const ia_addr *registry, const ia_h256 *proxy_code_hash,
                           const ia_addr *owner, ia_span description);

#endif
