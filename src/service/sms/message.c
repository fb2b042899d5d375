/* Owners' messages in the store: a copy of each body is sealed under a key of its place, so that
 * whoever writes in the database can put no message there, nor move or change one. */
#include "service/sms/internal.h"

static ia_sms_place place_of(const ia_sms_message_row *row)
{
  return (ia_sms_place){.table = row->kind,
                        .address = row->object,
                        .name = "message",
                        .version = row->version,
                        .pusher = row->signer,
                        .time = row->time};
}

/* The body and its place among the ledger's transfers. */
static bool sealed_text(ia_buf *out, const ia_sms_message_row *row, ia_err *e)
{
  ia_buf_u64be(out, row->moves);
  ia_buf_span(out, row->body);
  return ia_buf_ok(out, e);
}

bool ia_sms_message_seal(ia_buf *out, const ia_sms_keys *k, const ia_sms_message_row *row,
                         ia_err *e)
{
  const ia_sms_place at = place_of(row);
  IA_AUTOV(ia_buf) text = {0};

  return sealed_text(&text, row, e) && ia_sms_seal(out, k, &at, ia_buf_view(&text), e);
}

bool ia_sms_message_check(const ia_sms_keys *k, const ia_sms_message_row *row, ia_span seal,
                          ia_err *e)
{
  const ia_sms_place at = place_of(row);
  IA_AUTOV(ia_secret) got = {0};
  IA_AUTOV(ia_buf) text = {0};

  return sealed_text(&text, row, e) && ia_sms_unseal(&got, k, &at, seal, e) &&
         (ia_span_eq(ia_secret_view(&got), ia_buf_view(&text)) ||
          ia_fail(e, IA_E_CORRUPT, "store: a %s message is not the one that was taken", row->kind));
}
