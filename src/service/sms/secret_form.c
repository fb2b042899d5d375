#include "service/sms/secret_form.h"

#include "base/hex.h"
#include "client/secret_auth.h"
#include "crypto/rsa.h"
#include "data/cipher.h"

void ia_sms_result_key_pem(ia_buf *pem, ia_span value)
{
  IA_AUTOV(ia_buf) decoded = {0};

  ia_buf_span(pem, ia_unbase64(&decoded, value) ? ia_buf_view(&decoded) : value);
}

static bool is_dataset_key(const ia_sms_secret_id *id IA_UNUSED, ia_span value, ia_err *e)
{
  IA_AUTOV(ia_secret) key = {0};

  return ia_data_key_parse(&key, value, e);
}

static bool is_variable(const ia_sms_secret_id *id IA_UNUSED, ia_span value, ia_err *e)
{
  return value.len == 0 || !memchr(value.ptr, 0, value.len) ||
         ia_fail(e, IA_E_INVALID,
                 "the secret contains a NUL byte, which an environment variable cannot hold");
}

static bool is_named_value(const ia_sms_secret_id *id, ia_span value, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {0};
  IA_AUTO(ia_rsa) *key = NULL;

  if (strcmp(id->name, IA_RESULT_KEY_SECRET) != 0)
    return true;
  ia_sms_result_key_pem(&pem, value);
  return ia_buf_ok(&pem, e) && ia_rsa_public_pem(&key, ia_buf_view(&pem), e) &&
         ia_rsa_public_check(key, e);
}

bool ia_sms_secret_form(const ia_sms_secret_id *id, ia_span value, ia_err *e)
{
  static bool (*const form[])(const ia_sms_secret_id *, ia_span, ia_err *) = {
      [IA_SECRET_DATASET] = is_dataset_key,
      [IA_SECRET_APP] = is_variable,
      [IA_SECRET_REQUESTER] = is_variable,
      [IA_SECRET_WEB2] = is_named_value,
  };

  return form[id->kind](id, value, e);
}
