/* iapp/data.h: protected data without a network. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "client/public.h"
#include "data/cipher.h"
#include "data/node.h"
#include "data/reader.h"
#include "iapp/data.h"

static int create(const char *path, ia_err *e)
{
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0 && errno == EEXIST)
    ia_fail(e, IA_E_EXISTS, "%s is there already", path);
  else if (fd < 0)
    ia_fail_errno(e, "%s", path);
  return fd;
}

/* A new file, whole or not there. */
static bool keep(bool ok, const char *path, int fd, ia_err *e)
{
  if (ok && fsync(fd) != 0)
    ok = ia_fail_errno(e, "%s", path);
  if (!ok)
    (void)unlink(path);
  return ok;
}

static bool write_sealed(const ia_node *top, int fd, const ia_secret *key, ia_h256 *checksum,
                         uint64_t *size, ia_err *e)
{
  IA_AUTO(ia_data_writer) *w = NULL;

  return ia_data_writer_new(&w, ia_sink_fd(&fd), key, NULL, e) &&
         ia_node_zip(top, ia_data_writer_sink(w), e) && ia_data_writer_end(w, checksum, size, e);
}

static bool seal(char **out, const char *values, const char *path, ia_err *e)
{
  IA_WIPED(32) uint8_t raw[IA_DATA_KEY] = {0};
  IA_AUTOV(ia_buf) schema = {0}, base64 = {.secret = true};
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_h256 checksum;
  uint64_t size;

  if (!ia_node_from_json(&top, ia_span_str(values), e) || !ia_node_schema(&schema, top, e) ||
      !ia_random(raw, sizeof(raw), e) || !ia_secret_copy(&key, IA_SPAN_ARR(raw), e))
    return false;
  ia_buf_base64(&base64, IA_SPAN_ARR(raw));
  if (!ia_buf_ok(&base64, e))
    return false;
  ia_autoclose int fd = create(path, e);
  if (fd < 0 || !keep(write_sealed(top, fd, &key, &checksum, &size, e), path, fd, e))
    return false;
  IA_AUTO_JSON *v = json_pack("{s:o, s:o, s:o, s:I}", "schema", ia_json_bytes(ia_buf_view(&schema)),
                              "checksum", ia_json_h256(&checksum), "key",
                              ia_json_bytes(ia_buf_view(&base64)), "size", (json_int_t)size);
  return keep(ia_public_json(out, v, e), path, fd, e);
}

IA_PUBLIC bool iapp_data_seal(char **out, const char *values_json, const char *sealed_path,
                              iapp_error *e)
{
  ia_err why = {0};

  return ia_public(seal(out, values_json, sealed_path, &why), &why, e);
}

static bool open_blob(ia_blob *out, int *fd, const char *path, ia_err *e)
{
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return *fd < 0 ? ia_fail_errno(e, "%s", path) : ia_blob_fd(out, *fd, e);
}

static bool unseal(const char *sealed, const char *archive, const char *base64,
                   const char *checksum, ia_err *e)
{
  IA_AUTOV(ia_secret) key = {0};
  ia_autoclose int in = -1;
  ia_h256 want;
  ia_blob blob;

  if (checksum && !ia_h256_parse(&want, ia_span_str(checksum)))
    return ia_fail(e, IA_E_USAGE, "a checksum is 0x and 64 hex digits");
  if (!ia_data_key_parse(&key, ia_span_str(base64), e) || !open_blob(&blob, &in, sealed, e))
    return false;
  ia_autoclose int out = create(archive, e);
  if (out < 0)
    return false;
  return keep(ia_data_decrypt(ia_sink_fd(&out), &blob, &key, checksum ? &want : NULL, e), archive,
              out, e);
}

IA_PUBLIC bool iapp_data_open(const char *sealed_path, const char *archive_path,
                              const char *key_base64, const char *checksum, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(unseal(sealed_path, archive_path, key_base64, checksum, &why), &why, e);
}

static bool value(char **out, const char *archive, const char *path, const char *type, ia_err *e)
{
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_value) v = {.bytes = {.cap = (size_t)1 << 30, .secret = true}};
  IA_AUTO_JSON *json = NULL;
  ia_autoclose int fd = -1;
  ia_blob blob;

  return open_blob(&blob, &fd, archive, e) && ia_zip_open(&zip, blob, ia_read_zip_flags(0), e) &&
         ia_read_value(&v, zip, path, type, 0, e) && ia_value_json(&json, &v, e) &&
         ia_public_json(out, json, e);
}

IA_PUBLIC bool iapp_data_value(char **out, const char *archive_path, const char *path,
                               const char *type, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(value(out, archive_path, path, type, &why), &why, e);
}
