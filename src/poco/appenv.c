/* Arguments and environment of an app. */
#include "poco/appenv.h"

#include <stdio.h>

#include "crypto/sha.h"
#include "eth/address.h"

/* Where the quote at `at` closes; text.len when never. */
static size_t closing(ia_span text, size_t at)
{
  for (size_t i = at + 1; i < text.len; i++)
    if (text.ptr[i] == text.ptr[at])
      return i;
  return text.len;
}

/* One argument from *at on, which is no blank. */
static void take_word(ia_buf *word, ia_span text, size_t *at)
{
  while (*at < text.len && text.ptr[*at] != ' ') {
    uint8_t c = text.ptr[*at];
    size_t end = c == '"' || c == '\'' ? closing(text, *at) : text.len;

    if (end < text.len) {
      ia_buf_put(word, text.ptr + *at + 1, end - *at - 1);
      *at = end + 1;
    } else {
      ia_buf_u8(word, c);
      ++*at;
    }
  }
}

bool ia_args_split(json_t **argv, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();

  if (!list)
    return ia_fail(e, IA_E_MEMORY, "arguments");
  if (!ia_utf8_valid(text) || (text.len > 0 && memchr(text.ptr, 0, text.len)))
    return ia_fail(e, IA_E_PARAMS_INVALID, "arguments: not plain UTF-8 text");
  for (size_t at = 0; at < text.len;) {
    IA_AUTOV(ia_buf) word = {0};

    if (text.ptr[at] == ' ') {
      at++;
      continue;
    }
    if (json_array_size(list) >= IA_ARGS_MAX)
      return ia_fail(e, IA_E_PARAMS_INVALID, "more than %d arguments", IA_ARGS_MAX);
    take_word(&word, text, &at);
    if (!ia_buf_ok(&word, e))
      return false;
    if (json_array_append_new(list, ia_json_bytes(ia_buf_view(&word))) != 0)
      return ia_fail(e, IA_E_MEMORY, "arguments");
  }
  *argv = ia_steal(&list);
  return true;
}

ia_text67 ia_input_file_name(ia_span url)
{
  ia_h256 h;

  ia_sha256(&h, url);
  return ia_h256_text(&h);
}

ia_text43 ia_dataset_file_name(const ia_addr *dataset, bool bulk)
{
  return bulk ? ia_addr_text(dataset) : ia_addr_lower(dataset);
}

static bool set_text(json_t *env, const char *key, const char *value, ia_err *e)
{
  return ia_json_set(env, key, json_string(value), e);
}

static bool set_number(json_t *env, const char *key, uint64_t value, ia_err *e)
{
  char text[24];

  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
  return set_text(env, key, text, e);
}

static bool put_files(json_t *env, const json_t *files, ia_err *e)
{
  size_t n = json_array_size(files);

  if (!set_number(env, "IEXEC_INPUT_FILES_NUMBER", n, e))
    return false;
  if (n == 0)
    return true;
  if (!set_text(env, "IEXEC_INPUT_FILES_FOLDER", "/iexec_in", e))
    return false;
  for (size_t i = 0; i < n; i++) {
    const json_t *url = json_array_get(files, i);
    char key[48];

    if (!json_is_string(url))
      return ia_fail(e, IA_E_PARAMS_INVALID, "iexec_input_files: not a text");
    (void)snprintf(key, sizeof(key), "IEXEC_INPUT_FILE_NAME_%zu", i + 1);
    ia_span text = ia_span_of(json_string_value(url), json_string_length(url));
    if (!set_text(env, key, ia_input_file_name(text).s, e))
      return false;
  }
  return true;
}

static bool put_slice(json_t *env, const ia_appenv *in, ia_err *e)
{
  if (!set_number(env, "IEXEC_BULK_SLICE_SIZE", in->n_slice, e))
    return false;
  for (size_t i = 0; i < in->n_slice; i++) {
    char key[48];

    (void)snprintf(key, sizeof(key), "IEXEC_DATASET_%zu_FILENAME", i + 1);
    if (!set_text(env, key, ia_dataset_file_name(&in->slice[i].dataset, true).s, e))
      return false;
    (void)snprintf(key, sizeof(key), "IEXEC_DATASET_%zu_REFUSED", i + 1);
    if (in->slice[i].refused && !set_text(env, key, in->slice[i].refused, e))
      return false;
  }
  return true;
}

bool ia_appenv_build(json_t **env, const ia_appenv *in, ia_err *e)
{
  IA_AUTO_JSON *o = json_object();
  ia_text43 dataset = ia_dataset_file_name(&in->dataset, false);

  if (!o)
    return ia_fail(e, IA_E_MEMORY, "environment");
  if (!set_text(o, "IEXEC_DEAL_ID", ia_h256_text(&in->deal_id).s, e) ||
      !set_text(o, "IEXEC_TASK_ID", ia_h256_text(&in->task_id).s, e) ||
      !set_number(o, "IEXEC_TASK_INDEX", in->task_index, e) ||
      !set_text(o, "IEXEC_IN", "/iexec_in", e) || !set_text(o, "IEXEC_OUT", "/iexec_out", e) ||
      !set_number(o, "IEXEC_BOT_SIZE", in->bot_size, e) ||
      !set_number(o, "IEXEC_BOT_FIRST_INDEX", in->bot_first, e) ||
      !set_number(o, "IEXEC_BOT_TASK_INDEX", in->task_index, e) ||
      !set_text(o, "IEXEC_DATASET_ADDRESS", dataset.s, e) ||
      !set_text(o, "IEXEC_DATASET_FILENAME", dataset.s, e) || !put_files(o, in->files, e))
    return false;
  if (in->bulk && !put_slice(o, in, e))
    return false;
  *env = ia_steal(&o);
  return true;
}
