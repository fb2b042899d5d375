/* The call and event tables as shapes, and coding by them. */
#include "poco/abi.h"

#include "eth/u256.h"

#define FIELD(type, s, m, i, flags)                                                                \
  {                                                                                                \
#m, type, flags, offsetof(s, m) + (i) * sizeof(((s *)0)->m[0]), NULL                           \
  }
#define ONE(type, s, m)                                                                            \
  {                                                                                                \
#m, type, 0, offsetof(s, m), NULL                                                              \
  }
#define PART(s, m, shape)                                                                          \
  {                                                                                                \
#m, IA_SH_TUPLE, 0, offsetof(s, m), &(shape)                                                   \
  }
#define WHOLE(shape)                                                                               \
  {                                                                                                \
    "value", IA_SH_TUPLE, 0, 0, &(shape)                                                           \
  }
/* A row's field list as an array. It ends with an uncounted entry, so that none is empty. */
#define LIST(...)                                                                                  \
  {                                                                                                \
    __VA_ARGS__ __VA_OPT__(, )                                                                     \
    {                                                                                              \
      NULL, IA_SH_U8, 0, 0, NULL                                                                   \
    }                                                                                              \
  }
#define COUNTED(a, size)                                                                           \
  {                                                                                                \
    NULL, a, IA_COUNT(a) - 1, size                                                                 \
  }

/* --- structs -------------------------------------------------------------------------------------
 */

static const ia_shape_field shape_app_order_fields[] = {
    {"app", IA_SH_ADDR, 0, offsetof(ia_app_order, app), NULL},
    {"appprice", IA_SH_U256, 0, offsetof(ia_app_order, appprice), NULL},
    {"volume", IA_SH_U256, 0, offsetof(ia_app_order, volume), NULL},
    {"tag", IA_SH_B32, 0, offsetof(ia_app_order, tag), NULL},
    {"datasetrestrict", IA_SH_ADDR, 0, offsetof(ia_app_order, datasetrestrict), NULL},
    {"workerpoolrestrict", IA_SH_ADDR, 0, offsetof(ia_app_order, workerpoolrestrict), NULL},
    {"requesterrestrict", IA_SH_ADDR, 0, offsetof(ia_app_order, requesterrestrict), NULL},
    {"salt", IA_SH_B32, 0, offsetof(ia_app_order, salt), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_app_order, sign), NULL},
};
static const ia_shape shape_app_order = {"AppOrder", shape_app_order_fields,
                                         IA_COUNT(shape_app_order_fields), sizeof(ia_app_order)};

static const ia_shape_field shape_dataset_order_fields[] = {
    {"dataset", IA_SH_ADDR, 0, offsetof(ia_dataset_order, dataset), NULL},
    {"datasetprice", IA_SH_U256, 0, offsetof(ia_dataset_order, datasetprice), NULL},
    {"volume", IA_SH_U256, 0, offsetof(ia_dataset_order, volume), NULL},
    {"tag", IA_SH_B32, 0, offsetof(ia_dataset_order, tag), NULL},
    {"apprestrict", IA_SH_ADDR, 0, offsetof(ia_dataset_order, apprestrict), NULL},
    {"workerpoolrestrict", IA_SH_ADDR, 0, offsetof(ia_dataset_order, workerpoolrestrict), NULL},
    {"requesterrestrict", IA_SH_ADDR, 0, offsetof(ia_dataset_order, requesterrestrict), NULL},
    {"salt", IA_SH_B32, 0, offsetof(ia_dataset_order, salt), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_dataset_order, sign), NULL},
};
static const ia_shape shape_dataset_order = {"DatasetOrder", shape_dataset_order_fields,
                                             IA_COUNT(shape_dataset_order_fields),
                                             sizeof(ia_dataset_order)};

static const ia_shape_field shape_workerpool_order_fields[] = {
    {"workerpool", IA_SH_ADDR, 0, offsetof(ia_workerpool_order, workerpool), NULL},
    {"workerpoolprice", IA_SH_U256, 0, offsetof(ia_workerpool_order, workerpoolprice), NULL},
    {"volume", IA_SH_U256, 0, offsetof(ia_workerpool_order, volume), NULL},
    {"tag", IA_SH_B32, 0, offsetof(ia_workerpool_order, tag), NULL},
    {"category", IA_SH_U256, 0, offsetof(ia_workerpool_order, category), NULL},
    {"trust", IA_SH_U256, 0, offsetof(ia_workerpool_order, trust), NULL},
    {"apprestrict", IA_SH_ADDR, 0, offsetof(ia_workerpool_order, apprestrict), NULL},
    {"datasetrestrict", IA_SH_ADDR, 0, offsetof(ia_workerpool_order, datasetrestrict), NULL},
    {"requesterrestrict", IA_SH_ADDR, 0, offsetof(ia_workerpool_order, requesterrestrict), NULL},
    {"salt", IA_SH_B32, 0, offsetof(ia_workerpool_order, salt), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_workerpool_order, sign), NULL},
};
static const ia_shape shape_workerpool_order = {"WorkerpoolOrder", shape_workerpool_order_fields,
                                                IA_COUNT(shape_workerpool_order_fields),
                                                sizeof(ia_workerpool_order)};

static const ia_shape_field shape_request_order_fields[] = {
    {"app", IA_SH_ADDR, 0, offsetof(ia_request_order, app), NULL},
    {"appmaxprice", IA_SH_U256, 0, offsetof(ia_request_order, appmaxprice), NULL},
    {"dataset", IA_SH_ADDR, 0, offsetof(ia_request_order, dataset), NULL},
    {"datasetmaxprice", IA_SH_U256, 0, offsetof(ia_request_order, datasetmaxprice), NULL},
    {"workerpool", IA_SH_ADDR, 0, offsetof(ia_request_order, workerpool), NULL},
    {"workerpoolmaxprice", IA_SH_U256, 0, offsetof(ia_request_order, workerpoolmaxprice), NULL},
    {"requester", IA_SH_ADDR, 0, offsetof(ia_request_order, requester), NULL},
    {"volume", IA_SH_U256, 0, offsetof(ia_request_order, volume), NULL},
    {"tag", IA_SH_B32, 0, offsetof(ia_request_order, tag), NULL},
    {"category", IA_SH_U256, 0, offsetof(ia_request_order, category), NULL},
    {"trust", IA_SH_U256, 0, offsetof(ia_request_order, trust), NULL},
    {"beneficiary", IA_SH_ADDR, 0, offsetof(ia_request_order, beneficiary), NULL},
    {"callback", IA_SH_ADDR, 0, offsetof(ia_request_order, callback), NULL},
    {"params", IA_SH_STR, 0, offsetof(ia_request_order, params), NULL},
    {"salt", IA_SH_B32, 0, offsetof(ia_request_order, salt), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_request_order, sign), NULL},
};
static const ia_shape shape_request_order = {"RequestOrder", shape_request_order_fields,
                                             IA_COUNT(shape_request_order_fields),
                                             sizeof(ia_request_order)};

static const ia_shape_field shape_app_op_fields[] = {
    {"order", IA_SH_TUPLE, 0, offsetof(ia_order_op, order.app), &shape_app_order},
    {"operation", IA_SH_U8, 0, offsetof(ia_order_op, operation), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_order_op, sign), NULL},
};
static const ia_shape shape_app_op = {"AppOrderOperation", shape_app_op_fields,
                                      IA_COUNT(shape_app_op_fields), sizeof(ia_order_op)};

static const ia_shape_field shape_dataset_op_fields[] = {
    {"order", IA_SH_TUPLE, 0, offsetof(ia_order_op, order.dataset), &shape_dataset_order},
    {"operation", IA_SH_U8, 0, offsetof(ia_order_op, operation), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_order_op, sign), NULL},
};
static const ia_shape shape_dataset_op = {"DatasetOrderOperation", shape_dataset_op_fields,
                                          IA_COUNT(shape_dataset_op_fields), sizeof(ia_order_op)};

static const ia_shape_field shape_workerpool_op_fields[] = {
    {"order", IA_SH_TUPLE, 0, offsetof(ia_order_op, order.workerpool), &shape_workerpool_order},
    {"operation", IA_SH_U8, 0, offsetof(ia_order_op, operation), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_order_op, sign), NULL},
};
static const ia_shape shape_workerpool_op = {"WorkerpoolOrderOperation", shape_workerpool_op_fields,
                                             IA_COUNT(shape_workerpool_op_fields),
                                             sizeof(ia_order_op)};

static const ia_shape_field shape_request_op_fields[] = {
    {"order", IA_SH_TUPLE, 0, offsetof(ia_order_op, order.request), &shape_request_order},
    {"operation", IA_SH_U8, 0, offsetof(ia_order_op, operation), NULL},
    {"sign", IA_SH_BYTES, IA_SH_UNSIGNED, offsetof(ia_order_op, sign), NULL},
};
static const ia_shape shape_request_op = {"RequestOrderOperation", shape_request_op_fields,
                                          IA_COUNT(shape_request_op_fields), sizeof(ia_order_op)};

static const ia_shape_field shape_domain_fields[] = {
    {"name", IA_SH_STR, 0, offsetof(ia_domain_info, name), NULL},
    {"version", IA_SH_STR, 0, offsetof(ia_domain_info, version), NULL},
    {"chainId", IA_SH_U256, 0, offsetof(ia_domain_info, chain_id), NULL},
    {"verifyingContract", IA_SH_ADDR, 0, offsetof(ia_domain_info, verifying_contract), NULL},
};
static const ia_shape shape_domain = {"EIP712Domain", shape_domain_fields,
                                      IA_COUNT(shape_domain_fields), sizeof(ia_domain_info)};

static const ia_shape_field shape_resource_fields[] = {
    {"pointer", IA_SH_ADDR, 0, offsetof(ia_resource, pointer), NULL},
    {"owner", IA_SH_ADDR, 0, offsetof(ia_resource, owner), NULL},
    {"price", IA_SH_U256, 0, offsetof(ia_resource, price), NULL},
};
static const ia_shape shape_resource = {"Resource", shape_resource_fields,
                                        IA_COUNT(shape_resource_fields), sizeof(ia_resource)};

static const ia_shape_field ia_shape_deal_fields[] = {
    {"app", IA_SH_TUPLE, 0, offsetof(ia_deal, app), &shape_resource},
    {"dataset", IA_SH_TUPLE, 0, offsetof(ia_deal, dataset), &shape_resource},
    {"workerpool", IA_SH_TUPLE, 0, offsetof(ia_deal, workerpool), &shape_resource},
    {"trust", IA_SH_U256, 0, offsetof(ia_deal, trust), NULL},
    {"category", IA_SH_U256, 0, offsetof(ia_deal, category), NULL},
    {"tag", IA_SH_B32, 0, offsetof(ia_deal, tag), NULL},
    {"requester", IA_SH_ADDR, 0, offsetof(ia_deal, requester), NULL},
    {"beneficiary", IA_SH_ADDR, 0, offsetof(ia_deal, beneficiary), NULL},
    {"callback", IA_SH_ADDR, 0, offsetof(ia_deal, callback), NULL},
    {"params", IA_SH_STR, 0, offsetof(ia_deal, params), NULL},
    {"startTime", IA_SH_U64, 0, offsetof(ia_deal, start_time), NULL},
    {"botFirst", IA_SH_U256, 0, offsetof(ia_deal, bot_first), NULL},
    {"botSize", IA_SH_U256, 0, offsetof(ia_deal, bot_size), NULL},
    {"workerStake", IA_SH_U256, 0, offsetof(ia_deal, worker_stake), NULL},
    {"schedulerRewardRatio", IA_SH_U256, 0, offsetof(ia_deal, scheduler_reward_ratio), NULL},
    {"sponsor", IA_SH_ADDR, 0, offsetof(ia_deal, sponsor), NULL},
};
const ia_shape ia_shape_deal = {"Deal", ia_shape_deal_fields, IA_COUNT(ia_shape_deal_fields),
                                sizeof(ia_deal)};

static const ia_shape_field ia_shape_task_fields[] = {
    {"status", IA_SH_U8, 0, offsetof(ia_task, status), NULL},
    {"dealid", IA_SH_B32, 0, offsetof(ia_task, dealid), NULL},
    {"idx", IA_SH_U256, 0, offsetof(ia_task, idx), NULL},
    {"timeref", IA_SH_U64, 0, offsetof(ia_task, timeref), NULL},
    {"contributionDeadline", IA_SH_U64, 0, offsetof(ia_task, contribution_deadline), NULL},
    {"revealDeadline", IA_SH_U64, 0, offsetof(ia_task, reveal_deadline), NULL},
    {"finalDeadline", IA_SH_U64, 0, offsetof(ia_task, final_deadline), NULL},
    {"consensusValue", IA_SH_B32, 0, offsetof(ia_task, consensus_value), NULL},
    {"revealCounter", IA_SH_U256, 0, offsetof(ia_task, reveal_counter), NULL},
    {"winnerCounter", IA_SH_U256, 0, offsetof(ia_task, winner_counter), NULL},
    {"contributors", IA_SH_ADDRS, 0, offsetof(ia_task, contributors), NULL},
    {"resultDigest", IA_SH_B32, 0, offsetof(ia_task, result_digest), NULL},
    {"results", IA_SH_BYTES, 0, offsetof(ia_task, results), NULL},
    {"resultsTimestamp", IA_SH_U256, 0, offsetof(ia_task, results_timestamp), NULL},
    {"resultsCallback", IA_SH_BYTES, 0, offsetof(ia_task, results_callback), NULL},
};
const ia_shape ia_shape_task = {"Task", ia_shape_task_fields, IA_COUNT(ia_shape_task_fields),
                                sizeof(ia_task)};

static const ia_shape_field ia_shape_contribution_fields[] = {
    {"status", IA_SH_U8, 0, offsetof(ia_contribution, status), NULL},
    {"resultHash", IA_SH_B32, 0, offsetof(ia_contribution, result_hash), NULL},
    {"resultSeal", IA_SH_B32, 0, offsetof(ia_contribution, result_seal), NULL},
    {"enclaveChallenge", IA_SH_ADDR, 0, offsetof(ia_contribution, enclave_challenge), NULL},
    {"weight", IA_SH_U256, 0, offsetof(ia_contribution, weight), NULL},
};
const ia_shape ia_shape_contribution = {"Contribution", ia_shape_contribution_fields,
                                        IA_COUNT(ia_shape_contribution_fields),
                                        sizeof(ia_contribution)};

static const ia_shape_field ia_shape_account_fields[] = {
    {"stake", IA_SH_U256, 0, offsetof(ia_account, stake), NULL},
    {"locked", IA_SH_U256, 0, offsetof(ia_account, locked), NULL},
};
const ia_shape ia_shape_account = {"Account", ia_shape_account_fields,
                                   IA_COUNT(ia_shape_account_fields), sizeof(ia_account)};

static const ia_shape_field ia_shape_category_fields[] = {
    {"name", IA_SH_STR, 0, offsetof(ia_category, name), NULL},
    {"description", IA_SH_STR, 0, offsetof(ia_category, description), NULL},
    {"workClockTimeRef", IA_SH_U64, 0, offsetof(ia_category, work_clock_time_ref), NULL},
};
const ia_shape ia_shape_category = {"Category", ia_shape_category_fields,
                                    IA_COUNT(ia_shape_category_fields), sizeof(ia_category)};

static const ia_shape_field ia_shape_app_info_fields[] = {
    {"owner", IA_SH_ADDR, 0, offsetof(ia_app_info, owner), NULL},
    {"m_appName", IA_SH_STR, 0, offsetof(ia_app_info, name), NULL},
    {"m_appType", IA_SH_STR, 0, offsetof(ia_app_info, type), NULL},
    {"m_appMultiaddr", IA_SH_BYTES, 0, offsetof(ia_app_info, multiaddr), NULL},
    {"m_appChecksum", IA_SH_B32, 0, offsetof(ia_app_info, checksum), NULL},
    {"m_appMREnclave", IA_SH_BYTES, 0, offsetof(ia_app_info, mrenclave), NULL},
};
const ia_shape ia_shape_app_info = {"AppInfo", ia_shape_app_info_fields,
                                    IA_COUNT(ia_shape_app_info_fields), sizeof(ia_app_info)};

static const ia_shape_field ia_shape_dataset_info_fields[] = {
    {"owner", IA_SH_ADDR, 0, offsetof(ia_dataset_info, owner), NULL},
    {"m_datasetName", IA_SH_STR, 0, offsetof(ia_dataset_info, name), NULL},
    {"m_datasetMultiaddr", IA_SH_BYTES, 0, offsetof(ia_dataset_info, multiaddr), NULL},
    {"m_datasetChecksum", IA_SH_B32, 0, offsetof(ia_dataset_info, checksum), NULL},
};
const ia_shape ia_shape_dataset_info = {"DatasetInfo", ia_shape_dataset_info_fields,
                                        IA_COUNT(ia_shape_dataset_info_fields),
                                        sizeof(ia_dataset_info)};

static const ia_shape_field ia_shape_workerpool_info_fields[] = {
    {"owner", IA_SH_ADDR, 0, offsetof(ia_workerpool_info, owner), NULL},
    {"m_workerpoolDescription", IA_SH_STR, 0, offsetof(ia_workerpool_info, description), NULL},
    {"m_workerStakeRatioPolicy", IA_SH_U256, 0, offsetof(ia_workerpool_info, worker_stake_ratio),
     NULL},
    {"m_schedulerRewardRatioPolicy", IA_SH_U256, 0,
     offsetof(ia_workerpool_info, scheduler_reward_ratio), NULL},
};
const ia_shape ia_shape_workerpool_info = {"WorkerpoolInfo", ia_shape_workerpool_info_fields,
                                           IA_COUNT(ia_shape_workerpool_info_fields),
                                           sizeof(ia_workerpool_info)};

const ia_shape *ia_shape_order(ia_order_kind kind)
{
  static const ia_shape *const shapes[IA_ORDER_KINDS] = {
      [IA_ORDER_APP] = &shape_app_order,
      [IA_ORDER_DATASET] = &shape_dataset_order,
      [IA_ORDER_WORKERPOOL] = &shape_workerpool_order,
      [IA_ORDER_REQUEST] = &shape_request_order,
  };

  return shapes[kind];
}

/* --- rows of calls.def ---------------------------------------------------------------------------
 */

#define A(i)  FIELD(IA_SH_ADDR, ia_args, addr, i, 0)
#define W(i)  FIELD(IA_SH_ADDR, ia_args, wide, i, 0)
#define I(i)  FIELD(IA_SH_B32, ia_args, id, i, 0)
#define V(i)  FIELD(IA_SH_U256, ia_args, value, i, 0)
#define B(i)  FIELD(IA_SH_BYTES, ia_args, bytes, i, 0)
#define S(i)  FIELD(IA_SH_STR, ia_args, bytes, i, 0)
#define LB(i) FIELD(IA_SH_B32S, ia_args, list, i, 0)
#define LU(i) FIELD(IA_SH_U256S, ia_args, list, i, 0)
#define LA(i) FIELD(IA_SH_ADDRS, ia_args, list, i, 0)
#define FLAG  ONE(IA_SH_BOOL, ia_args, flag)
#define SMALL ONE(IA_SH_U8, ia_args, small)
#define B4    ONE(IA_SH_B4, ia_args, b4)
#define MATCH                                                                                      \
  PART(ia_match, app, shape_app_order), PART(ia_match, dataset, shape_dataset_order),              \
      PART(ia_match, workerpool, shape_workerpool_order),                                          \
      PART(ia_match, request, shape_request_order)
#define BULK             PART(ia_bulk_check, order, shape_dataset_order), ONE(IA_SH_B32, ia_bulk_check, dealid)
#define APP_ORDER        PART(ia_order, app, shape_app_order)
#define DATASET_ORDER    PART(ia_order, dataset, shape_dataset_order)
#define WORKERPOOL_ORDER PART(ia_order, workerpool, shape_workerpool_order)
#define REQUEST_ORDER    PART(ia_order, request, shape_request_order)
#define APP_OP           WHOLE(shape_app_op)
#define DATASET_OP       WHOLE(shape_dataset_op)
#define WORKERPOOL_OP    WHOLE(shape_workerpool_op)
#define REQUEST_OP       WHOLE(shape_request_op)
#define DOMAIN           WHOLE(shape_domain)
#define DEAL             WHOLE(ia_shape_deal)
#define TASK             WHOLE(ia_shape_task)
#define CONTRIBUTION     WHOLE(ia_shape_contribution)
#define ACCOUNT          WHOLE(ia_shape_account)
#define CATEGORY         WHOLE(ia_shape_category)
#define APP_INFO         WHOLE(ia_shape_app_info)
#define DATASET_INFO     WHOLE(ia_shape_dataset_info)
#define WORKERPOOL_INFO  WHOLE(ia_shape_workerpool_info)

#define IA_CALL(id, name, selector, in, out)                                                       \
  static const ia_shape_field in_##id[] = LIST in, out_##id[] = LIST out;
#include "poco/calls.def"
#undef IA_CALL

static const ia_call_row calls[IA_CALLS] = {
#define IA_CALL(id, name, selector, in, out)                                                       \
  [IA_CALL_##id] = {name, selector, COUNTED(in_##id, 0), COUNTED(out_##id, 0)},
#include "poco/calls.def"
#undef IA_CALL
};

/* --- rows of events.def; the fields are those of ia_event ----------------------------------------
 */

#undef A
#undef I
#undef V
#undef B
#undef S
#undef FLAG
#undef APP_ORDER
#undef DATASET_ORDER
#undef WORKERPOOL_ORDER
#undef REQUEST_ORDER
#define A(i)             FIELD(IA_SH_ADDR, ia_event, addr, i, 0)
#define I(i)             FIELD(IA_SH_B32, ia_event, id, i, 0)
#define M(i)             FIELD(IA_SH_B32, ia_event, more, i, 0)
#define V(i)             FIELD(IA_SH_U256, ia_event, value, i, 0)
#define XA(i)            FIELD(IA_SH_ADDR, ia_event, addr, i, IA_SH_INDEXED)
#define XI(i)            FIELD(IA_SH_B32, ia_event, id, i, IA_SH_INDEXED)
#define XV(i)            FIELD(IA_SH_U256, ia_event, value, i, IA_SH_INDEXED)
#define B(i)             FIELD(IA_SH_BYTES, ia_event, bytes, i, 0)
#define S(i)             FIELD(IA_SH_STR, ia_event, bytes, i, 0)
#define FLAG             ONE(IA_SH_BOOL, ia_event, flag)
#define APP_ORDER        PART(ia_event, order.app, shape_app_order)
#define DATASET_ORDER    PART(ia_event, order.dataset, shape_dataset_order)
#define WORKERPOOL_ORDER PART(ia_event, order.workerpool, shape_workerpool_order)
#define REQUEST_ORDER    PART(ia_event, order.request, shape_request_order)

#define IA_EVENT(id, name, topic0, fields) static const ia_shape_field ev_##id[] = LIST fields;
#include "poco/events.def"
#undef IA_EVENT

#define BYTES8(v)                                                                                  \
  (uint8_t)((v) >> 56), (uint8_t)((v) >> 48), (uint8_t)((v) >> 40), (uint8_t)((v) >> 32),          \
      (uint8_t)((v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)
#define TOPIC(a, b, c, d)                                                                          \
  {                                                                                                \
    {                                                                                              \
      BYTES8(a##u), BYTES8(b##u), BYTES8(c##u), BYTES8(d##u)                                       \
    }                                                                                              \
  }

static const ia_event_row events[IA_EVENTS] = {
#define IA_EVENT(id, name, topic0, fields) [IA_EV_##id] = {name, TOPIC topic0, COUNTED(ev_##id, 0)},
#include "poco/events.def"
#undef IA_EVENT
};

/* --- coding --------------------------------------------------------------------------------------
 */

const ia_call_row *ia_call_of(ia_call_id id)
{
  return &calls[id];
}

const ia_event_row *ia_event_of(ia_event_id id)
{
  return &events[id];
}

bool ia_call_selector(uint32_t *selector, ia_span calldata)
{
  return ia_span_u32be(&calldata, selector);
}

void ia_call_encode(ia_buf *out, ia_call_id id, const void *args)
{
  ia_buf_u32be(out, calls[id].selector);
  ia_shape_encode(out, &calls[id].in, args);
}

bool ia_call_decode(void *args, ia_call_id id, ia_span calldata, ia_err *e)
{
  uint32_t selector;

  if (!ia_span_u32be(&calldata, &selector) || selector != calls[id].selector)
    return ia_fail(e, IA_E_PARSE, "call data is not of %s", calls[id].name);
  return ia_shape_decode(args, &calls[id].in, calldata, e) || ia_wrap(e, "%s", calls[id].name);
}

void ia_result_encode(ia_buf *out, ia_call_id id, const void *result)
{
  ia_shape_encode(out, &calls[id].out, result);
}

bool ia_result_decode(void *result, ia_call_id id, ia_span data, ia_err *e)
{
  return ia_shape_decode(result, &calls[id].out, data, e) || ia_wrap(e, "%s", calls[id].name);
}

bool ia_match_of_calldata(ia_match *out, ia_span calldata, ia_err *e)
{
  uint32_t selector = 0;
  ia_args a;

  if (!ia_call_selector(&selector, calldata))
    return ia_fail(e, IA_E_NOT_FOUND, "no call data");
  if (selector == calls[IA_CALL_MATCH_ORDERS].selector)
    return ia_call_decode(out, IA_CALL_MATCH_ORDERS, calldata, e);
  if (selector == calls[IA_CALL_SPONSOR_MATCH_ORDERS].selector)
    return ia_call_decode(out, IA_CALL_SPONSOR_MATCH_ORDERS, calldata, e);
  if (selector == calls[IA_CALL_APPROVE_AND_CALL].selector) {
    if (!ia_call_decode(&a, IA_CALL_APPROVE_AND_CALL, calldata, e))
      return false;
  } else if (selector == calls[IA_CALL_RECEIVE_APPROVAL].selector) {
    if (!ia_call_decode(&a, IA_CALL_RECEIVE_APPROVAL, calldata, e))
      return false;
  } else {
    return ia_fail(e, IA_E_NOT_FOUND, "call data matches no orders");
  }
  if (!ia_call_selector(&selector, a.bytes[0]) || selector != calls[IA_CALL_MATCH_ORDERS].selector)
    return ia_fail(e, IA_E_NOT_FOUND, "call data matches no orders");
  return ia_call_decode(out, IA_CALL_MATCH_ORDERS, a.bytes[0], e);
}

void ia_event_encode(ia_log_entry *log, ia_buf *store, ia_event_id id, const ia_event *ev)
{
  size_t at = store->len;

  log->topics[0] = events[id].topic0;
  log->n_topics = 1 + ia_shape_event(log->topics + 1, store, &events[id].fields, ev);
  log->data = ia_span_of(store->bad ? NULL : store->ptr + at, store->bad ? 0 : store->len - at);
}

bool ia_event_is(const ia_log_entry *log, ia_event_id id)
{
  return log->n_topics > 0 && ia_h256_eq(&log->topics[0], &events[id].topic0);
}

bool ia_event_decode(ia_event *ev, ia_event_id id, const ia_log_entry *log, ia_err *e)
{
  if (!ia_event_is(log, id))
    return ia_fail(e, IA_E_PARSE, "log entry is not a %s", events[id].name);
  return ia_shape_event_decode(ev, &events[id].fields, log->topics + 1, log->n_topics - 1,
                               log->data, e);
}
