/* Owners' messages in the store: a copy of each body is sealed under a key of its place, so that
 * whoever writes in the database can put no message there, nor move or change one. */
#include "service/sms/internal.h"

bool ia_sms_message_seal(ia_buf *out, const ia_sms_keys *k, const ia_sms_message_row *row,
                         ia_err *e)
{
  const ia_sms_place at = {.table = row->kind,
                           .address = row->object,
                           .name = "message",
                           .version = row->version,
                           .pusher = row->signer,
                           .time = row->time};

  return ia_sms_seal(out, k, &at, row->body, e);
}

bool ia_sms_message_check(const ia_sms_keys *k, const ia_sms_message_row *row, ia_span seal,
                          ia_err *e)
{
  const ia_sms_place at = {.table = row->kind,
                           .address = row->object,
                           .name = "message",
                           .version = row->version,
                           .pusher = row->signer,
                           .time = row->time};
  IA_AUTOV(ia_secret) body = {0};

  return ia_sms_unseal(&body, k, &at, seal, e) &&
         (ia_span_eq(ia_secret_view(&body), row->body) ||
          ia_fail(e, IA_E_CORRUPT, "store: a %s message is not the one that was taken", row->kind));
}
