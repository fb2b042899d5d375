/* Revert data by the table. */
#include "poco/revert.h"

#include "crypto/keccak.h"

static const ia_revert_row rows[] = {
#define IA_REVERT(id, calls, condition, form, text)                                                \
  [IA_REVERT_##                                                                                    \
      id] = {#id, calls, condition, IA_REVERT_FORM_##form, text, IA_REVERT_FORM_##form, text},
#define IA_REVERT_OLD(id, calls, condition, form, text, form61, text61)                            \
  [IA_REVERT_##                                                                                    \
      id] = {#id, calls, condition, IA_REVERT_FORM_##form, text, IA_REVERT_FORM_##form61, text61},
#include "poco/reverts.def"
#undef IA_REVERT
#undef IA_REVERT_OLD
};

bool ia_revert_set(ia_revert *why, ia_revert_id id)
{
  why->id = id;
  why->n_words = 0;
  return false;
}

bool ia_revert_addr(ia_revert *why, const ia_addr *a)
{
  if (why->n_words < IA_REVERT_WORDS) {
    ia_h256 *w = &why->word[why->n_words++];

    memset(w->b, 0, 12);
    memcpy(w->b + 12, a->b, 20);
  }
  return false;
}

bool ia_revert_u256(ia_revert *why, const ia_u256 *v)
{
  if (why->n_words < IA_REVERT_WORDS)
    ia_u256_to_be(why->word[why->n_words++].b, v);
  return false;
}

const ia_revert_row *ia_revert_row_of(ia_revert_id id)
{
  return &rows[id];
}

static void word_u64(ia_buf *out, uint64_t v)
{
  ia_buf_zero(out, 24);
  ia_buf_u64be(out, v);
}

static void put_string(ia_buf *out, ia_span text)
{
  word_u64(out, 32);
  word_u64(out, text.len);
  ia_buf_span(out, text);
  ia_buf_zero(out, (32 - text.len % 32) % 32);
}

static void put_selector(ia_buf *out, ia_span signature)
{
  ia_h256 h;

  ia_keccak256(&h, signature);
  ia_buf_put(out, h.b, 4);
}

static void put_custom(ia_buf *out, const char *text, const ia_revert *why)
{
  const char *colon = strchr(text, ':');

  put_selector(out, colon ? ia_span_of(text, (size_t)(colon - text)) : ia_span_str(text));
  if (colon)
    put_string(out, ia_span_str(colon + 1));
  for (size_t i = 0; i < why->n_words; i++)
    ia_buf_put(out, why->word[i].b, 32);
}

void ia_revert_data(ia_buf *out, const ia_poco_rules *rules, const ia_revert *why)
{
  const ia_revert_row *r = &rows[why->id];
  const char *text = rules->old_texts ? r->old_text : r->text;

  switch (rules->old_texts ? r->old_form : r->form) {
  case IA_REVERT_FORM_TEXT:
    put_selector(out, ia_span_str("Error(string)"));
    put_string(out, ia_span_str(text));
    break;
  case IA_REVERT_FORM_PANIC:
    put_selector(out, ia_span_str("Panic(uint256)"));
    word_u64(out, strtoul(text, NULL, 16));
    break;
  case IA_REVERT_FORM_CUSTOM: put_custom(out, text, why); break;
  case IA_REVERT_FORM_BARE: break;
  }
}

const char *ia_revert_reason(const ia_poco_rules *rules, const ia_revert *why)
{
  const ia_revert_row *r = &rows[why->id];
  bool text = (rules->old_texts ? r->old_form : r->form) == IA_REVERT_FORM_TEXT;

  return !text ? "" : rules->old_texts ? r->old_text : r->text;
}

bool ia_revert_error(const ia_poco_rules *rules, const ia_revert *why, ia_err *e)
{
  const ia_revert_row *r = &rows[why->id];
  const char *text = rules->old_texts ? r->old_text : r->text;

  if (text[0] == '\0')
    return ia_fail(e, IA_E_REVERT, "refused: %s", r->condition);
  return ia_fail(e, IA_E_REVERT, "%s: %s", text, r->condition);
}
