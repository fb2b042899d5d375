/* iapp get: what a protected-data or result archive holds. */
#include <fcntl.h>
#include <string.h>

#include "base/hex.h"
#include "cli/cli.h"
#include "data/cipher.h"
#include "data/reader.h"
#include "data/result.h"

enum { VALUE_CAP = 1 << 30 };

/* An open file, and what shows it plain where it is encrypted. */
typedef struct source {
  int file;
  ia_blob sealed;
  ia_data_view *view; /* NULL when the file is plain */
  ia_blob blob;
  ia_zip *zip;
  bool result; /* names of a result archive */
  unsigned flags;
} source;

static void source_close(source *s)
{
  ia_zip_close(s->zip);
  ia_data_view_free(s->view);
  if (s->file >= 0)
    close(s->file);
}
IA_DEFINE_AUTO_VALUE(source, source_close)

static bool key_of(ia_cli *c, ia_secret *key, bool *has, ia_err *e)
{
  const char *text = ia_cli_opt(c, "key"), *file = ia_cli_opt(c, "key-file");
  IA_AUTOV(ia_secret) from = {0};

  *has = text || file;
  if (text)
    return ia_data_key_parse(key, ia_span_str(text), e);
  if (!file)
    return true;
  return ia_cli_secret(c, &from, "data key", file, "key-file", e) &&
         ia_data_key_parse(key, ia_secret_view(&from), e);
}

/* The key is looked at first; the checksum is compared before anything is decrypted. */
static bool decrypt(ia_cli *c, source *s, ia_err *e)
{
  const char *text = ia_cli_opt(c, "checksum");
  IA_AUTOV(ia_secret) key = {0};
  ia_h256 checksum, sum;
  bool has;

  if (text && !ia_h256_parse(&checksum, ia_span_str(text)))
    return ia_fail(e, IA_E_USAGE, "--checksum wants 0x and 64 hex digits");
  if (!key_of(c, &key, &has, e))
    return false;
  if (!has) {
    if (!text)
      return true;
    if (!ia_blob_sha256(&sum, &s->blob, e))
      return false;
    return ia_h256_eq(&sum, &checksum) ||
           ia_fail(e, IA_E_BAD_CHECKSUM, "the checksum is %s", ia_h256_text(&sum).s);
  }
  s->sealed = s->blob;
  if (!ia_data_view_open(&s->view, &s->sealed, &key, text ? &checksum : NULL, e))
    return false;
  s->blob = ia_data_view_blob(s->view);
  return true;
}

/* What is no archive and was read without a key may be the encrypted file of protected data. */
static bool sealed_data(const source *s, ia_err *e)
{
  if (!s->view && e->code == IA_E_BAD_ZIP)
    return ia_hint(e, "an encrypted file is read with its key: --key-file FILE");
  return false;
}

/* Results hold names with dots, which protected data never does; both have safe names. */
static bool open_zip(source *s, ia_err *e)
{
  ia_zip *other = NULL;

  if (!s->view && ia_result_is_encrypted(&s->blob)) {
    (void)ia_fail(e, IA_E_BAD_KEY, "this is a sealed result: only its requester can decrypt it");
    return ia_hint(e, "iapp result TASK (with --key PEM where the key is yours)");
  }
  if (ia_zip_open(&s->zip, s->blob, ia_read_zip_flags(s->flags), e))
    return true;
  if (s->flags & IA_READ_LENIENT || !ia_zip_open(&other, s->blob, 0, NULL))
    return sealed_data(s, e);
  s->result = ia_zip_find(other, "computed.json") || ia_zip_find(other, "stdout.txt");
  if (!s->result) {
    ia_zip_close(other);
    return false;
  }
  ia_result_hide_blind(other);
  s->zip = other;
  return true;
}

static bool open_source(ia_cli *c, source *s, ia_err *e)
{
  const char *path = ia_cli_arg(c, 0);

  s->flags = (ia_cli_flag(c, "lenient") ? IA_READ_LENIENT : 0U) |
             (ia_cli_flag(c, "legacy") ? IA_READ_LEGACY : 0U);
  s->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (s->file < 0)
    return ia_fail_errno(e, "%s", path);
  return ia_blob_fd(&s->blob, s->file, e) && decrypt(c, s, e) && open_zip(s, e);
}

static bool list(ia_cli *c, const source *s, ia_err *e)
{
  IA_AUTO_JSON *names = json_array();

  for (size_t i = 0; i < ia_zip_count(s->zip); i++) {
    const ia_zip_entry *t = ia_zip_at(s->zip, i);
    IA_AUTOV(ia_buf) shown = {0};

    if (s->result && !ia_zip_shown_name(&shown, t, e))
      return false;
    ia_span text = ia_span_str(s->result ? (const char *)shown.ptr : t->name);

    if (json_array_append_new(names,
                              ia_utf8_valid(text) ? ia_json_bytes(text) : ia_json_hex(text)) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for the names");
    ia_cli_out(c, "%s", t->name);
  }
  return ia_cli_json(c, json_pack("{s:O}", "entries", names), e);
}

/* A file of a result: exact path; text where it is text. */
static bool read_result(ia_value *v, const source *s, const char *path, const char *type, ia_err *e)
{
  const ia_zip_entry *t = ia_zip_find_shown(s->zip, path);

  if (!t || t->folder)
    return ia_fail(e, IA_E_NO_ENTRY, "Failed to load path %.100s", path);
  if (!ia_read_entry(v, s->zip, t, IA_TYPE_OCTETS, 0, e))
    return false;
  bool text = ia_utf8_valid(ia_buf_view(&v->bytes));
  if (type && strcmp(type, "string") == 0 && !text)
    return ia_fail(e, IA_E_BORSH_UTF8, "%.100s: not valid UTF-8", path);
  if (text && (!type || strcmp(type, "string") == 0))
    v->type = IA_TYPE_STRING;
  return true;
}

static bool to_stdout(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  ia_cli_out_bytes(ctx, data);
  return true;
}

/* Bytes of a media type go out as they are read. */
static bool stream(ia_cli *c, const source *s, const char *path, ia_err *e)
{
  const ia_zip_entry *t;

  return ia_read_find(&t, s->zip, path, s->flags, e) &&
         ia_zip_extract(s->zip, t, (ia_sink){to_stdout, c}, e);
}

static bool get(ia_cli *c, ia_err *e)
{
  ia_type known;

  IA_AUTOV(source) s = {.file = -1};
  IA_AUTOV(ia_value) v = {.bytes = {.cap = VALUE_CAP}};
  IA_AUTOV(ia_buf) plain = {.cap = VALUE_CAP, .secret = true};
  const char *path = ia_cli_arg(c, 1), *type = ia_cli_arg(c, 2);
  json_t *value;

  if (!open_source(c, &s, e))
    return false;
  if (!path)
    return list(c, &s, e);
  if (!s.result && !ia_cli_is_json(c) && type && ia_type_parse(&known, type) &&
      ia_type_is_bytes(known))
    return stream(c, &s, path, e);
  if (!(s.result ? read_result(&v, &s, path, type, e)
                 : ia_read_value(&v, s.zip, path, type, s.flags, e)))
    return false;
  if (ia_cli_is_json(c))
    return ia_value_json(&value, &v, e) && ia_cli_json(c, json_pack("{s:o}", "value", value), e);
  if (!ia_value_plain(&plain, &v, e))
    return false;
  ia_cli_out_bytes(c, ia_buf_view(&plain));
  return true;
}

static const ia_option options[] = {
    {"key", "BASE64", false, "the file is encrypted under this data key (process lists show it)",
     "get ./data.enc --key AAAA.."},
    {"key-file", "FILE", false, "the same, the key in a file", "get ./data.enc --key-file ./key"},
    {"checksum", "0xHASH", false, "SHA-256 of the file, compared before anything else",
     "get ./data.enc --key-file ./key --checksum 0x12.."},
    {"lenient", NULL, false, "tolerate what the npm deserializer tolerates",
     "get ./odd.zip name string --lenient"},
    {"legacy", NULL, false, "strings are those of the first format (v0)",
     "get ./old.zip name string --legacy"},
    {"raw", NULL, false,
     "write bytes as they are to a terminal too (to a file or pipe they always are)",
     "get ./result.zip picture.png --raw"},
    {0},
};

const ia_verb ia_verb_get = {
    .name = "get",
    .args = "FILE [PATH [TYPE]]",
    .min_args = 1,
    .max_args = 3,
    .brief = "read a protected-data or result archive: its entries, or one value",
    .example = "get ./data.zip user.age f64",
    .options = options,
    .run = get,
};
