/* Files of result keys: HOME/keys/0xOWNER-UNIXMS.json {"v":1,"owner","public","sealed"}. */
#include "client/result_keys.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/owned.h"
#include "client/sealed.h"
#include "data/result.h"
#include "data/zip.h"

#define LABEL "result-key/v1"

enum { KEY_FILE_CAP = 64 << 10, KEYS_MAX = 256 };

bool ia_result_key_make(ia_buf *public_pem, const char *home, const ia_wallet *w, ia_err *e)
{
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTOV(ia_buf) private_pem = {.secret = true};
  IA_AUTOV(ia_buf) sealed = {0}, text = {0}, pem = {0};
  ia_path dir, path;

  if (!ia_rsa_generate(&key, IA_RESULT_KEY_BITS, e) || !ia_rsa_write_public(&pem, key, e) ||
      !ia_rsa_write_private(&private_pem, key, e) ||
      !ia_wallet_seal(&sealed, w, LABEL, ia_buf_view(&private_pem), e))
    return false;
  IA_AUTO_JSON *v =
      json_pack("{s:i,s:o,s:o,s:o}", "v", 1, "owner", ia_json_addr(&w->address), "public",
                ia_json_bytes(ia_buf_view(&pem)), "sealed", ia_json_base64(ia_buf_view(&sealed)));
  if (!v || !ia_json_write(&text, v, e) || !ia_path_join(&dir, e, "%s/keys", home) ||
      !ia_path_join(&path, e, "%s/%s-%" PRIu64 ".json", dir.s, ia_addr_lower(&w->address).s,
                    ia_now_ms()) ||
      !ia_mkdirs(dir.s, 0700, e) || !ia_file_create(path.s, ia_buf_view(&text), 0600, e))
    return false;
  ia_buf_span(public_pem, ia_buf_view(&pem));
  return ia_buf_ok(public_pem, e);
}

static int newest_first(const void *a, const void *b)
{
  return strcmp(*(char *const *)b, *(char *const *)a);
}

typedef struct names {
  char *v[KEYS_MAX];
  size_t n;
} names;

static void names_free(names *l)
{
  for (size_t i = 0; i < l->n; i++)
    free(l->v[i]);
}
IA_DEFINE_AUTO_VALUE(names, names_free)

/* The files of one owner; their names end in the time, so newest first is the order of names. */
static bool list(names *out, const char *home, const ia_addr *owner, ia_err *e)
{
  ia_path dir;

  if (!ia_path_join(&dir, e, "%s/keys", home))
    return false;
  DIR *d = opendir(dir.s);
  for (struct dirent *at; d && (at = readdir(d)) && out->n < KEYS_MAX;) {
    size_t n = strlen(at->d_name);

    if (n < 48 || strncmp(at->d_name, ia_addr_lower(owner).s, 42) != 0 ||
        strcmp(at->d_name + n - 5, ".json") != 0)
      continue;
    out->v[out->n] = strdup(at->d_name);
    if (out->v[out->n])
      out->n++;
  }
  if (d)
    closedir(d);
  if (out->n == 0)
    return ia_fail(e, IA_E_NOT_FOUND, "no result key of %s in %s", ia_addr_lower(owner).s, dir.s);
  qsort(out->v, out->n, sizeof(out->v[0]), newest_first);
  return true;
}

static json_t *load(const char *home, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path path;

  if (!ia_path_join(&path, e, "%s/keys/%s", home, name) ||
      !ia_file_read_private(&text, path.s, KEY_FILE_CAP, e))
    return NULL;
  return ia_json_parse(ia_buf_view(&text), 0, e);
}

bool ia_result_key_newest(ia_buf *public_pem, const char *home, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(names) l = {.n = 0};
  const char *pem;

  if (!list(&l, home, owner, e))
    return false;
  IA_AUTO_JSON *v = load(home, l.v[0], e);
  if (!v || !ia_json_get_str(v, "public", &pem, e))
    return ia_wrap(e, "%s", l.v[0]);
  ia_buf_str(public_pem, pem);
  return ia_buf_ok(public_pem, e);
}

bool ia_result_key_private(ia_buf *private_pem, const char *home, const ia_wallet *w, ia_err *e)
{
  IA_AUTOV(ia_buf) box = {0};
  IA_AUTOV(names) l = {.n = 0};

  if (!list(&l, home, &w->address, e))
    return false;
  IA_AUTO_JSON *v = load(home, l.v[0], e);
  return (v && ia_json_get_base64(v, "sealed", &box, e) &&
          ia_wallet_unseal(private_pem, w, LABEL, ia_buf_view(&box), e)) ||
         ia_wrap(e, "%s", l.v[0]);
}

static bool is_kind(const ia_blob *plain, int fd, ia_sealed_kind kind)
{
  IA_AUTOV(ia_buf) text = {.secret = true};
  IA_AUTO(ia_zip) *zip = NULL;

  if (kind == IA_SEALED_ARCHIVE)
    return ia_zip_open(&zip, *plain, 0, NULL);
  if (lseek(fd, 0, SEEK_SET) != 0 || !ia_fd_read_all(&text, fd, IA_LOGS_MAX, NULL))
    return false;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  return json_is_object(v);
}

static bool try_key(int fd, const ia_blob *sealed, ia_sealed_kind kind, const char *home,
                    const char *name, const ia_wallet *w)
{
  IA_AUTOV(ia_buf) box = {0};
  IA_AUTOV(ia_buf) pem = {.secret = true};
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTO_JSON *v = load(home, name, NULL);
  ia_blob plain;

  return v && ia_json_get_base64(v, "sealed", &box, NULL) &&
         ia_wallet_unseal(&pem, w, LABEL, ia_buf_view(&box), NULL) &&
         ia_rsa_private_pem(&key, ia_buf_view(&pem), NULL) && ftruncate(fd, 0) == 0 &&
         lseek(fd, 0, SEEK_SET) == 0 && ia_result_decrypt(ia_sink_fd(&fd), sealed, key, NULL) &&
         ia_blob_fd(&plain, fd, NULL) && is_kind(&plain, fd, kind);
}

bool ia_result_keys_open(int fd, const ia_blob *sealed, ia_sealed_kind kind, const char *home,
                         const ia_wallet *w, ia_err *e)
{
  IA_AUTOV(names) l = {.n = 0};

  if (!list(&l, home, &w->address, e))
    return false;
  for (size_t i = 0; i < l.n; i++)
    if (try_key(fd, sealed, kind, home, l.v[i], w))
      return true;
  return ia_fail(e, IA_E_RESULT_UNREADABLE, "what was sealed for %s opens with none of its keys",
                 ia_addr_lower(&w->address).s);
}
