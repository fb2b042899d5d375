/* Asking a ledger for its refusals, and keeping account of which rows of the table answered. */
#ifndef IA_TESTS_SERVICE_REVERTS_LAB_H
#define IA_TESTS_SERVICE_REVERTS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "eth/eip191.h"
#include "ledger_world.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/revert.h"
#include "poco/tag.h"

enum { START = 1800000000 };

static const ia_addr nobody;
static bool seen[IA_REVERT_COUNT];
static const ia_poco_rules *rules;

static inline void compare(const json_t *reply, ia_revert_id id)
{
  const json_t *error = json_object_get(reply, "error");
  const ia_revert_row *row = ia_revert_row_of(id);
  const char *detail = json_string_value(json_object_get(error, "detail"));
  const char *reason = ia_revert_reason(rules, &(ia_revert){.id = id});
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) hex = {0};
  char message[200];

  if (!detail || strncmp(detail, row->id, strlen(row->id)) != 0 || detail[strlen(row->id)] != ':')
    fail_msg("%s: got %s", row->id,
             detail ? detail : json_string_value(json_object_get(error, "message")));
  (void)snprintf(message, sizeof(message), "execution reverted%s%s", reason[0] ? ": " : "", reason);
  assert_string_equal(json_string_value(json_object_get(error, "message")), message);
  assert_int_equal(json_integer_value(json_object_get(error, "code")), 3);
  /* what a custom error carries behind this depends on the call */
  ia_revert_data(&data, rules, &(ia_revert){.id = id});
  ia_buf_hex0x(&hex, ia_buf_view(&data));
  ia_buf_u8(&hex, 0);
  const char *got = json_string_value(json_object_get(error, "data"));
  if (strncmp(got, (const char *)hex.ptr, hex.len - 1) != 0)
    fail_msg("%s: %s", row->id, got);
  seen[id] = true;
}

static inline void no_raw(world *w, person from, const ia_addr *to, ia_span data, const char *value,
                          ia_revert_id id)
{
  IA_AUTOV(ia_buf) params = {0};

  ia_buf_printf(&params, "[{\"from\":\"%s\",\"value\":\"%s\",", ia_addr_lower(&w->who[from]).s,
                value);
  if (to)
    ia_buf_printf(&params, "\"to\":\"%s\",", ia_addr_lower(to).s);
  ia_buf_str(&params, "\"data\":\"");
  ia_buf_hex0x(&params, data);
  ia_buf_str(&params, "\"},\"latest\"]");
  ia_buf_u8(&params, 0);
  IA_AUTO_JSON *reply = world_rpc(w, "eth_call", (const char *)params.ptr);
  compare(reply, id);
}

static inline void no(world *w, person from, const ia_addr *to, ia_call_id call, const void *args,
                      ia_revert_id id)
{
  IA_AUTOV(ia_buf) data = {0};

  ia_call_encode(&data, call, args);
  no_raw(w, from, to, ia_buf_view(&data), "0x0", id);
}

static inline void yes(world *w, person from, const ia_addr *to, ia_call_id call, const void *args)
{
  json_decref(world_send(w, from, to, call, args, true));
}

static inline void at(world *w, uint64_t seconds)
{
  char params[40];

  (void)snprintf(params, sizeof(params), "[%llu]", (unsigned long long)(START + seconds));
  json_decref(world_ask(w, "evm_setNextBlockTimestamp", params));
}

/* A call may say that it comes from the zero address, or not say from whom. */
static inline void money_of_nobody(world *w)
{
  const ia_addr kept = w->who[ENCLAVE];
  ia_args to = {.addr = {w->who[STRANGER]}};

  w->who[ENCLAVE] = nobody;
  no(w, ENCLAVE, &w->hub, IA_CALL_APPROVE, &to, IA_REVERT_HUB_APPROVE_FROM_ZERO);
  no(w, ENCLAVE, &w->hub, IA_CALL_INCREASE_ALLOWANCE, &to, IA_REVERT_HUB_APPROVE_FROM_ZERO);
  no(w, ENCLAVE, &w->hub, IA_CALL_DECREASE_ALLOWANCE, &to, IA_REVERT_HUB_APPROVE_FROM_ZERO);
  no(w, ENCLAVE, &w->hub, IA_CALL_TRANSFER, &to, IA_REVERT_HUB_FROM_ZERO);
  no(w, ENCLAVE, &w->hub, IA_CALL_WITHDRAW, &(ia_args){0}, IA_REVERT_HUB_BURN_ZERO);
  no(w, ENCLAVE, &w->hub, IA_CALL_WITHDRAW_TO, &to, IA_REVERT_HUB_BURN_ZERO);
  no(w, ENCLAVE, &w->token, IA_CALL_TRANSFER, &to, IA_REVERT_TOKEN_SENDER);
  no(w, ENCLAVE, &w->token, IA_CALL_APPROVE, &to, IA_REVERT_TOKEN_APPROVER);
  w->who[ENCLAVE] = kept;
}

static inline ia_u256 most(void)
{
  ia_u256 v;

  memset(&v, 0xff, sizeof(v));
  return v;
}

static inline void token_money(world *w)
{
  ia_args to_none = {.value = {ia_u256_of(0)}}, much = {.value = {most()}};
  ia_args owed = {.addr = {w->who[STRANGER], w->hub}, .value = {ia_u256_of(5)}};

  much.addr[0] = w->who[WORKER];
  no(w, STRANGER, &w->token, IA_CALL_TRANSFER, &much, IA_REVERT_TOKEN_BALANCE);
  no(w, ENCLAVE, &w->token, IA_CALL_TRANSFER_FROM, &owed, IA_REVERT_TOKEN_ALLOWANCE);
  no(w, STRANGER, &w->token, IA_CALL_TRANSFER, &to_none, IA_REVERT_TOKEN_RECEIVER);
  no(w, STRANGER, &w->token, IA_CALL_TRANSFER_FROM, &(ia_args){0}, IA_REVERT_TOKEN_APPROVER);
  no(w, STRANGER, &w->token, IA_CALL_APPROVE, &to_none, IA_REVERT_TOKEN_SPENDER);
  no(w, STRANGER, &w->token, IA_CALL_DECREASE_ALLOWANCE, &much, IA_REVERT_TOKEN_DECREASE);
  no(w, STRANGER, &w->token, IA_CALL_APPROVE_AND_CALL, &much, IA_REVERT_NO_SPENDER_CODE);
  no(w, STRANGER, &w->token, IA_CALL_FAUCET, &much, IA_REVERT_FAUCET_LIMIT);
}

#endif
