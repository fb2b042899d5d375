/* PoCo 6.x values: orders, deals, tasks, contributions, assets (IexecLibOrders_v5,
 * IexecLibCore_v5). Plain structs that own nothing: spans (`params`, `sign`, names, results) are
 * borrowed from the bytes that the struct was decoded from (calldata, return data, an ia_order_box)
 * and live as long as those. Prices and stakes are nRLC (10^-9 RLC), times Unix seconds, tags 32
 * bytes with bit 0 in byte 31. */
#ifndef IA_POCO_TYPES_H
#define IA_POCO_TYPES_H

#include "base/span.h"
#include "base/types.h"
#include "eth/u256.h"

typedef enum ia_order_kind {
  IA_ORDER_APP,
  IA_ORDER_DATASET,
  IA_ORDER_WORKERPOOL,
  IA_ORDER_REQUEST,
  IA_ORDER_KINDS
} ia_order_kind;

typedef struct ia_app_order {
  ia_addr app;
  ia_u256 appprice;
  ia_u256 volume;
  ia_h256 tag;
  ia_addr datasetrestrict;
  ia_addr workerpoolrestrict;
  ia_addr requesterrestrict;
  ia_h256 salt;
  ia_span sign; /* 65 or 64 bytes, empty when presigned, any length for a contract wallet */
} ia_app_order;

typedef struct ia_dataset_order {
  ia_addr dataset; /* zero address = no dataset */
  ia_u256 datasetprice;
  ia_u256 volume;
  ia_h256 tag;
  ia_addr apprestrict;
  ia_addr workerpoolrestrict;
  ia_addr requesterrestrict;
  ia_h256 salt;
  ia_span sign;
} ia_dataset_order;

typedef struct ia_workerpool_order {
  ia_addr workerpool;
  ia_u256 workerpoolprice;
  ia_u256 volume;
  ia_h256 tag;
  ia_u256 category;
  ia_u256 trust;
  ia_addr apprestrict;
  ia_addr datasetrestrict;
  ia_addr requesterrestrict;
  ia_h256 salt;
  ia_span sign;
} ia_workerpool_order;

typedef struct ia_request_order {
  ia_addr app;
  ia_u256 appmaxprice;
  ia_addr dataset;
  ia_u256 datasetmaxprice;
  ia_addr workerpool; /* a restriction: zero = any */
  ia_u256 workerpoolmaxprice;
  ia_addr requester;
  ia_u256 volume;
  ia_h256 tag;
  ia_u256 category;
  ia_u256 trust;
  ia_addr beneficiary;
  ia_addr callback;
  ia_span params; /* JSON text, see poco/params.h */
  ia_h256 salt;
  ia_span sign;
} ia_request_order;

/* One order of any kind. */
typedef struct ia_order {
  ia_order_kind kind;
  union {
    ia_app_order app;
    ia_dataset_order dataset;
    ia_workerpool_order workerpool;
    ia_request_order request;
  };
} ia_order;

/* The arguments of matchOrders and sponsorMatchOrders. */
typedef struct ia_match {
  ia_app_order app;
  ia_dataset_order dataset;
  ia_workerpool_order workerpool;
  ia_request_order request;
} ia_match;

typedef enum ia_order_operation { IA_ORDER_SIGN, IA_ORDER_CLOSE } ia_order_operation;

typedef struct ia_resource {
  ia_addr pointer;
  ia_addr owner;
  ia_u256 price;
} ia_resource;

typedef struct ia_deal {
  ia_resource app;
  ia_resource dataset;
  ia_resource workerpool;
  ia_u256 trust;
  ia_u256 category;
  ia_h256 tag;
  ia_addr requester; /* zero address = there is no such deal */
  ia_addr beneficiary;
  ia_addr callback;
  ia_span params;
  uint64_t start_time;
  ia_u256 bot_first; /* index of the first task */
  ia_u256 bot_size;  /* number of tasks */
  ia_u256 worker_stake;
  ia_u256 scheduler_reward_ratio; /* per cent */
  ia_addr sponsor;
} ia_deal;

typedef enum ia_task_status {
  IA_TASK_UNSET,
  IA_TASK_ACTIVE,
  IA_TASK_REVEALING,
  IA_TASK_COMPLETED,
  IA_TASK_FAILED
} ia_task_status;

/* A borrowed ABI array of static words: n times 32 bytes. */
typedef struct ia_words {
  const uint8_t *ptr;
  size_t n;
} ia_words;

typedef struct ia_task {
  uint8_t status; /* ia_task_status */
  ia_h256 dealid;
  ia_u256 idx;
  uint64_t timeref; /* seconds of the category */
  uint64_t contribution_deadline;
  uint64_t reveal_deadline;
  uint64_t final_deadline;
  ia_h256 consensus_value;
  ia_u256 reveal_counter;
  ia_u256 winner_counter;
  ia_words contributors; /* addresses */
  ia_h256 result_digest;
  ia_span results; /* UTF-8 JSON: {"storage":"ipfs","location":"/ipfs/<cid>"} */
  ia_u256 results_timestamp;
  ia_span results_callback;
} ia_task;

typedef enum ia_contribution_status {
  IA_CONTRIBUTION_UNSET,
  IA_CONTRIBUTION_CONTRIBUTED,
  IA_CONTRIBUTION_PROVED,
  IA_CONTRIBUTION_REJECTED
} ia_contribution_status;

typedef struct ia_contribution {
  uint8_t status; /* ia_contribution_status */
  ia_h256 result_hash;
  ia_h256 result_seal;
  ia_addr enclave_challenge;
  ia_u256 weight; /* log2 */
} ia_contribution;

typedef struct ia_account {
  ia_u256 stake;
  ia_u256 locked;
} ia_account;

typedef struct ia_category {
  ia_span name;
  ia_span description;
  uint64_t work_clock_time_ref; /* seconds */
} ia_category;

typedef struct ia_app_info {
  ia_addr owner;
  ia_span name;
  ia_span type;
  ia_span multiaddr;
  ia_h256 checksum;
  ia_span mrenclave;
} ia_app_info;

typedef struct ia_dataset_info {
  ia_addr owner;
  ia_span name;
  ia_span multiaddr;
  ia_h256 checksum;
} ia_dataset_info;

typedef struct ia_workerpool_info {
  ia_addr owner;
  ia_span description;
  ia_u256 worker_stake_ratio;     /* per cent */
  ia_u256 scheduler_reward_ratio; /* per cent */
} ia_workerpool_info;

typedef enum ia_asset_kind {
  IA_ASSET_APP,
  IA_ASSET_DATASET,
  IA_ASSET_WORKERPOOL,
  IA_ASSET_KINDS
} ia_asset_kind;

#endif
