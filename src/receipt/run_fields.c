/* Members of run statements. */
#include "receipt/run_fields.h"

#include <stddef.h>

const ia_field ia_run_predicate[] = {
    {"domain", IA_FIELD_DOMAIN, offsetof(ia_run, desc.domain), 0},
    {"tee", IA_FIELD_TEXT, offsetof(ia_run, tee), sizeof(((ia_run *)0)->tee)},
    {"stage", IA_FIELD_TEXT, offsetof(ia_run, stage), sizeof(((ia_run *)0)->stage)},
    {"chainId", IA_FIELD_U64, offsetof(ia_run, desc.chain_id), 0},
    {"hub", IA_FIELD_ADDR, offsetof(ia_run, desc.hub), 0},
    {"dealId", IA_FIELD_H256, offsetof(ia_run, desc.deal_id), 0},
    {"botFirst", IA_FIELD_U64, offsetof(ia_run, bot_first), 0},
    {"taskIndex", IA_FIELD_U32, offsetof(ia_run, desc.task_index), 0},
    {"taskId", IA_FIELD_H256, offsetof(ia_run, desc.task_id), 0},
    {"app", IA_FIELD_ADDR, offsetof(ia_run, desc.app), 0},
    {"appDigest", IA_FIELD_H256, offsetof(ia_run, desc.app_digest), 0},
    {"dataset", IA_FIELD_ADDR, offsetof(ia_run, desc.dataset), 0},
    {"requester", IA_FIELD_ADDR, offsetof(ia_run, desc.requester), 0},
    {"requestHash", IA_FIELD_H256, offsetof(ia_run, desc.request_hash), 0},
    {"inputsHash", IA_FIELD_H256, offsetof(ia_run, desc.inputs_hash), 0},
    {"rulesHash", IA_FIELD_H256, offsetof(ia_run, desc.rules_hash), 0},
    {"nonce", IA_FIELD_H256, offsetof(ia_run, nonce), 0},
    {"pkGuest", IA_FIELD_H256, offsetof(ia_run, pk_guest), 0},
    {"smsKey", IA_FIELD_H256, offsetof(ia_run, sms_key), 0},
    {"taskHash", IA_FIELD_H256, offsetof(ia_run, task_hash), 0},
    {"exitCode", IA_FIELD_INT, offsetof(ia_run, exit_code), 0},
    {"cause", IA_FIELD_TEXT, offsetof(ia_run, cause), sizeof(((ia_run *)0)->cause)},
    {"started", IA_FIELD_U64, offsetof(ia_run, started), 0},
    {"ended", IA_FIELD_U64, offsetof(ia_run, ended), 0},
    {"inputs", IA_FIELD_OTHER, 0, 0},
    {"failed", IA_FIELD_OTHER, 0, 0},
    {"egress", IA_FIELD_OTHER, 0, 0},
};

const ia_field ia_run_object_fields[] = {
    {"size", IA_FIELD_U64, offsetof(ia_run_object, size), 0},
    {"encrypted", IA_FIELD_BOOL, offsetof(ia_run_object, encrypted), 0},
};

const ia_field ia_run_egress_fields[] = {
    {"sent", IA_FIELD_U64, offsetof(ia_run_egress, sent), 0},
    {"received", IA_FIELD_U64, offsetof(ia_run_egress, received), 0},
    {"host", IA_FIELD_OTHER, 0, 0},
};

const ia_field ia_run_failed_fields[] = {
    {"index", IA_FIELD_U64, offsetof(ia_run_failed, index), 0},
    {"dataset", IA_FIELD_ADDR, offsetof(ia_run_failed, dataset), 0},
    {"code", IA_FIELD_TEXT, offsetof(ia_run_failed, code), sizeof(((ia_run_failed *)0)->code)},
};

const size_t ia_run_n_predicate = IA_COUNT(ia_run_predicate);
const size_t ia_run_n_object = IA_COUNT(ia_run_object_fields);
const size_t ia_run_n_egress = IA_COUNT(ia_run_egress_fields);
const size_t ia_run_n_failed = IA_COUNT(ia_run_failed_fields);
