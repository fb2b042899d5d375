/* docs/ledger-reverts.md is the table of reverts, row by row; the data that the EVM would return.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "poco/revert.h"

static const char *form_text(ia_revert_form form)
{
  static const char *const names[] = {
      [IA_REVERT_FORM_TEXT] = "text",
      [IA_REVERT_FORM_BARE] = "bare",
      [IA_REVERT_FORM_PANIC] = "panic",
      [IA_REVERT_FORM_CUSTOM] = "custom",
  };

  return names[form];
}

static void put_form(ia_buf *out, ia_revert_form form, const char *text)
{
  ia_buf_str(out, form_text(form));
  if (text[0])
    ia_buf_printf(out, " `%s`", text);
}

static void put_row(ia_buf *out, const ia_revert_row *r)
{
  ia_buf_printf(out, "| %s | %s | %s | ", r->id, r->calls, r->condition);
  put_form(out, r->form, r->text);
  if (r->form != r->old_form || strcmp(r->text, r->old_text) != 0) {
    ia_buf_str(out, "; 6.1: ");
    put_form(out, r->old_form, r->old_text);
  }
  ia_buf_str(out, " |\n");
}

static void the_page_is_the_table(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) page = {0};
  IA_AUTOV(ia_buf) rows = {0};
  ia_path path;
  ia_err e;

  assert_true(ia_path_join(&path, &e, "%s/../docs/ledger-reverts.md", getenv("IA_TESTS")));
  assert_true(ia_file_read(&page, path.s, 1 << 20, &e));
  for (int i = IA_REVERT_NONE + 1; i < IA_REVERT_FAULT; i++)
    put_row(&rows, ia_revert_row_of((ia_revert_id)i));
  if (!memmem(page.ptr, page.len, rows.ptr, rows.len)) {
    ia_buf_u8(&rows, 0);
    print_message("%s", (const char *)rows.ptr);
    fail_msg("docs/ledger-reverts.md does not hold these rows");
  }
}

static void assert_data(ia_revert_id id, const ia_poco_rules *rules, const ia_addr *argument,
                        const char *hex)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) text = {0};
  ia_revert why = {0};

  (void)ia_revert_set(&why, id);
  if (argument)
    (void)ia_revert_addr(&why, argument);
  ia_revert_data(&data, rules, &why);
  ia_buf_hex0x(&text, ia_buf_view(&data));
  ia_buf_u8(&text, 0);
  assert_string_equal((const char *)text.ptr, hex);
}

static void data_is_what_the_evm_returns(void **state IA_UNUSED)
{
  ia_addr who = {{0}};

  memset(who.b, 0xab, 20);
  assert_data(IA_REVERT_TASK_PENDING, &ia_poco_v6_2, NULL,
              "0x08c379a0"
              "0000000000000000000000000000000000000000000000000000000000000020"
              "000000000000000000000000000000000000000000000000000000000000000c"
              "7461736b2d70656e64696e670000000000000000000000000000000000000000");
  assert_data(IA_REVERT_ARITHMETIC, &ia_poco_v6_2, NULL,
              "0x4e487b71"
              "0000000000000000000000000000000000000000000000000000000000000011");
  assert_data(IA_REVERT_NOT_ACTIVE, &ia_poco_v6_2, NULL, "0x");
  assert_data(IA_REVERT_NFT_TO_ZERO, &ia_poco_v6_2, &who,
              "0x64a0ae92" /* ERC721InvalidReceiver(address) */
              "000000000000000000000000abababababababababababababababababababab");
  assert_data(IA_REVERT_UNSUPPORTED_OPERATION, &ia_poco_v6_1, NULL, "0x");
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page_is_the_table),
      cmocka_unit_test(data_is_what_the_evm_returns),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
