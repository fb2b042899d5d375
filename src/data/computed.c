/* computed.json and the digest that PoCo settles. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "crypto/keccak.h"
#include "data/cipher.h"
#include "data/result.h"

void ia_computed_free(ia_computed *c)
{
  if (!c)
    return;
  free(c->path);
  c->path = NULL;
  ia_buf_free(&c->callback);
}

/* BAD_OUTPUT with what to do about this very reason. */
static bool IA_PRINTF(3, 4) wrong(ia_err *e, const char *fix, const char *fmt, ...)
{
  char text[160];
  va_list ap;

  va_start(ap, fmt);
  if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
    text[0] = '\0';
  va_end(ap);
  (void)ia_fail(e, IA_E_BAD_OUTPUT, "%s", text);
  return ia_hint(e, "%s", fix);
}

static bool has_dotdot(const char *path)
{
  for (const char *p = path; *p; p++)
    if ((p == path || p[-1] == '/') && p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))
      return true;
  return false;
}

static bool set_path(ia_computed *out, const char *path, const char *root, ia_err *e)
{
  size_t n = strlen(root);

  if (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/') || has_dotdot(path))
    return wrong(
        e, "name a path in $IEXEC_OUT: {\"deterministic-output-path\": \"/iexec_out/result.txt\"}",
        "Invalid computed.json: deterministic-output-path must lie under %s", root);
  path += n;
  while (*path == '/')
    path++;
  out->path = strdup(path);
  if (!out->path)
    return ia_fail(e, IA_E_MEMORY, "no memory for a path");
  for (size_t end = strlen(out->path); end > 0 && out->path[end - 1] == '/'; end--)
    out->path[end - 1] = '\0';
  return true;
}

bool ia_computed_parse(ia_computed *out, ia_span json, const char *root, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(json, 0, NULL);

  if (!v)
    return wrong(e, "write it as JSON: {\"deterministic-output-path\": \"/iexec_out/result.txt\"}",
                 "Failed to read computed.json: invalid JSON");
  const json_t *path = json_object_get(v, "deterministic-output-path");
  const json_t *callback = json_object_get(v, "callback-data");
  if (callback) {
    out->has_callback = true;
    if (!ia_json_get_hex(v, "callback-data", &out->callback, NULL))
      return wrong(e,
                   "encode the bytes as text: \"callback-data\": \"0x00ff..\", two digits a byte",
                   "Invalid computed.json: callback-data must be 0x and hex digits");
  }
  if (path && !json_is_string(path))
    return wrong(
        e, "write one path as a string: \"deterministic-output-path\": \"/iexec_out/result.txt\"",
        "Invalid computed.json: deterministic-output-path must be text");
  if (path)
    return set_path(out, json_string_value(path), root, e);
  if (!callback)
    return wrong(e, "name the result: {\"deterministic-output-path\": \"/iexec_out/result.txt\"}",
                 "Invalid computed.json: no deterministic-output-path and no callback-data");
  return true;
}

static int open_inside(int dir, const char *path, uint64_t flags)
{
  struct open_how how = {
      .flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };

  return (int)syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
}

bool ia_computed_read(ia_computed *out, int dir, const char *root, ia_err *e)
{
  ia_autoclose int fd = open_inside(dir, "computed.json", O_RDONLY);
  IA_AUTOV(ia_buf) text = {.cap = IA_COMPUTED_MAX};
  ia_blob blob;

  if (fd < 0)
    return wrong(
        e,
        "write $IEXEC_OUT/computed.json: {\"deterministic-output-path\": \"/iexec_out/..\"}; or leave exactly one file in $IEXEC_OUT",
        "Failed to read computed.json: missing file");
  if (!ia_blob_fd(&blob, fd, NULL) || blob.size > IA_COMPUTED_MAX)
    return wrong(
        e,
        "write computed.json as a file of its own, with nothing in it but the path of the result",
        "Invalid computed.json: no regular file of at most %d bytes", IA_COMPUTED_MAX);
  return ia_blob_copy(&blob, ia_sink_buf(&text), e) &&
         ia_computed_parse(out, ia_buf_view(&text), root, e);
}

/* keccak256 over the SHA-256 of each direct file, in name order. */
static bool folder_digest(ia_h256 *out, const ia_tree *t, ia_err *e)
{
  ia_keccak k;
  size_t used = 0;

  ia_keccak_init(&k);
  for (size_t i = 0; i < t->n; i++) {
    ia_autoclose int fd = -1;
    ia_blob blob;
    ia_h256 h;

    if (strchr(t->file[i].path, '/') || t->file[i].size == 0)
      continue;
    if (!ia_tree_file_open(&fd, &blob, t, i, e) || !ia_blob_sha256(&h, &blob, e))
      return false;
    ia_keccak_update(&k, IA_SPAN_ARR(h.b));
    used++;
  }
  if (used == 0)
    return wrong(
        e,
        "write at least one file that is not empty directly into the folder that computed.json names",
        "the output folder holds no file with content");
  ia_keccak_final(&k, out);
  return true;
}

bool ia_result_digest(ia_h256 *out, int dir, const ia_computed *c, ia_err *e)
{
  IA_AUTO(ia_tree) *t = NULL;
  struct stat st;
  ia_blob blob;

  if (c->has_callback) {
    ia_keccak256(out, ia_buf_view(&c->callback));
    return true;
  }
  ia_autoclose int fd = open_inside(dir, c->path, O_RDONLY);
  if (fd < 0 || fstat(fd, &st) != 0)
    return wrong(
        e,
        "write the result to the path that computed.json names, before the app ends; links are not followed",
        "Invalid \"deterministic-output-path\" in computed.json, specified file or directory "
        "does not exists");
  if (S_ISDIR(st.st_mode)) {
    return ia_tree_open(&t, fd, NULL, e) && folder_digest(out, t, e);
  }
  if (!ia_blob_fd(&blob, fd, NULL) || blob.size == 0)
    return wrong(e, "write the result into the file that computed.json names: it must not be empty",
                 "Invalid computed.json: its path is no file with content");
  return ia_blob_sha256(out, &blob, e);
}
