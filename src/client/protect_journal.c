/* Beginning, storing and finding protections. */
#include "client/protect_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/owned.h"
#include "client/sealed.h"
#include "data/cipher.h"

enum { JOURNAL_CAP = 4 << 20, JOURNALS_MAX = 1000 };

void ia_protect_free(ia_protect *p)
{
  if (!p)
    return;
  free(p->name);
  free(p->schema);
  ia_buf_free(&p->sealed_key);
  free(p);
}

const char *ia_protect_name(const ia_protect *p)
{
  return p->name;
}

const char *ia_protect_schema(const ia_protect *p)
{
  return p->schema;
}

const char *ia_protect_journal(const ia_protect *p)
{
  return p->path.s;
}

uint64_t ia_protect_size(const ia_protect *p)
{
  struct stat st;

  return stat(p->sealed_path.s, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

bool ia_protect_save(const ia_protect *p, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = json_pack(
      "{s:i,s:s,s:s,s:o,s:o,s:o,s:s,s:o,s:o,s:b}", "v", 1, "name", p->name, "schema", p->schema,
      "owner", ia_json_addr(&p->owner), "checksum", ia_json_h256(&p->checksum), "sealedKey",
      ia_json_base64(ia_buf_view(&p->sealed_key)), "cid", p->cid.s, "address",
      ia_json_addr(&p->address), "tx", ia_json_h256(&p->tx), "registered", p->registered);

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for a journal");
  return ia_json_write(&text, v, e) && ia_file_write(p->path.s, ia_buf_view(&text), 0600, e);
}

bool ia_protect_remove(const ia_protect *p, ia_err *e)
{
  /* the journal last: without the ciphertext it would still say what is done */
  if ((unlink(p->sealed_path.s) != 0 && errno != ENOENT) || unlink(p->path.s) != 0)
    return ia_fail_errno(e, "%s", p->path.s);
  return true;
}

/* The number of a process or thread from *at on, past it and the text that follows. */
static bool past_id(const char **at, const char *then, pid_t *id)
{
  char *end;
  long v = strtol(*at, &end, 10);
  size_t n = strlen(then);

  if (end == *at || v <= 0 || v > INT32_MAX || strncmp(end, then, n) != 0)
    return false;
  *id = (pid_t)v;
  *at = end + n;
  return true;
}

/* Who was writing this: a ciphertext that has no journal yet, or a journal under the name from
 * which it takes its own. false: it is neither. */
static bool writer_of(const char *dir, const char *name, pid_t *id)
{
  const char *at = strchr(name, '-');
  ia_path journal;

  if (!at || strspn(name, "0123456789") != (size_t)(at - name))
    return false;
  at++;
  if (past_id(&at, ".enc", id) && !*at)
    return ia_path_join(&journal, NULL, "%s/%.*s.json", dir, (int)(strlen(name) - 4), name) &&
           access(journal.s, F_OK) != 0;
  return past_id(&at, ".json.", id) && past_id(&at, "-", id) && strspn(at, "0123456789") > 0 &&
         strcmp(at + strspn(at, "0123456789"), ".tmp") == 0;
}

/* What killed processes left between two steps: nothing refers to it. */
static void sweep(const char *dir)
{
  DIR *d = opendir(dir);
  pid_t id;

  for (struct dirent *at; d && (at = readdir(d));)
    if (writer_of(dir, at->d_name, &id) && kill(id, 0) != 0 && errno == ESRCH)
      (void)unlinkat(dirfd(d), at->d_name, 0);
  if (d)
    closedir(d);
}

/* Archive through the cipher into the file; the key sealed into the journal. */
static bool encrypt(ia_protect *p, const ia_node *value, const ia_wallet *w, ia_err *e)
{
  ia_autoclose int fd =
      open(p->sealed_path.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_buf) text = {.secret = true};
  IA_AUTO(ia_data_writer) *out = NULL;

  if (fd < 0)
    return ia_fail_errno(e, "%s", p->sealed_path.s);
  if (!ia_secret_random(&key, IA_DATA_KEY, e))
    return false;
  ia_buf_base64(&text, ia_secret_view(&key));
  if (!ia_buf_ok(&text, e) ||
      !ia_wallet_seal(&p->sealed_key, w, IA_PROTECT_LABEL, ia_buf_view(&text), e) ||
      !ia_data_writer_new(&out, ia_sink_fd(&fd), &key, NULL, e) ||
      !ia_node_zip(value, ia_data_writer_sink(out), e) ||
      !ia_data_writer_end(out, &p->checksum, NULL, e))
    return ia_wrap(e, "Failed to encrypt data");
  return fsync(fd) == 0 || ia_fail_errno(e, "%s", p->sealed_path.s);
}

static bool begin(ia_protect *p, const char *dir, const char *name, const ia_node *value,
                  const ia_wallet *w, ia_err *e)
{
  IA_AUTOV(ia_buf) schema = {0};
  uint64_t id = ia_now_ms();

  p->owner = w->address;
  if (!ia_node_schema(&schema, value, e) || !(p->name = strdup(name)) ||
      !(p->schema = ia_buf_text(&schema)))
    return ia_fail(e, IA_E_MEMORY, "no memory for a journal");
  if (!ia_mkdirs(dir, 0700, e))
    return false;
  sweep(dir);
  if (!ia_path_join(&p->path, e, "%s/%" PRIu64 "-%d.json", dir, id, (int)getpid()) ||
      !ia_path_join(&p->sealed_path, e, "%s/%" PRIu64 "-%d.enc", dir, id, (int)getpid()))
    return false;
  if (encrypt(p, value, w, e) && ia_protect_save(p, e))
    return true;
  (void)unlink(p->sealed_path.s);
  return false;
}

bool ia_protect_begin(ia_protect **out, const char *dir, const char *name, const ia_node *value,
                      const ia_wallet *w, ia_err *e)
{
  IA_AUTO(ia_protect) *p = calloc(1, sizeof(*p));

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "no memory for a journal");
  if (!begin(p, dir, name, value, w, e))
    return false;
  *out = ia_steal(&p);
  return true;
}

/* Names of the journals, sorted by their time. The caller frees each and the list. */
static bool names(char ***out, size_t *n, const char *dir, ia_err *e)
{
  char **list = calloc(JOURNALS_MAX, sizeof(*list));
  DIR *d = opendir(dir);

  *n = 0;
  if (!list) {
    if (d)
      closedir(d);
    return ia_fail(e, IA_E_MEMORY, "no memory for journals");
  }
  for (struct dirent *at; d && (at = readdir(d)) && *n < JOURNALS_MAX;) {
    size_t len = strlen(at->d_name);

    if (len > 5 && strcmp(at->d_name + len - 5, ".json") == 0 && (list[*n] = strdup(at->d_name)))
      ++*n;
  }
  if (d)
    closedir(d);
  for (size_t i = 1; i < *n; i++) /* few: by insertion */
    for (size_t k = i; k > 0 && strcmp(list[k - 1], list[k]) > 0; k--) {
      char *t = list[k];

      list[k] = list[k - 1];
      list[k - 1] = t;
    }
  *out = list;
  return true;
}

static void names_free(char **list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    free(list[i]);
  free(list);
}

bool ia_protect_count(size_t *n, const char *dir, ia_err *e)
{
  char **list;

  sweep(dir);
  if (!names(&list, n, dir, e))
    return false;
  names_free(list, *n);
  return true;
}

static bool parse(ia_protect *p, const json_t *v, ia_err *e)
{
  const char *name, *schema, *cid;

  if (!ia_json_get_str(v, "name", &name, e) || !ia_json_get_str(v, "schema", &schema, e) ||
      !ia_json_get_str(v, "cid", &cid, e) || !ia_json_get_addr(v, "owner", &p->owner, e) ||
      !ia_json_get_h256(v, "checksum", &p->checksum, e) ||
      !ia_json_get_base64(v, "sealedKey", &p->sealed_key, e) ||
      !ia_json_get_addr(v, "address", &p->address, e) || !ia_json_get_h256(v, "tx", &p->tx, e) ||
      !ia_json_get_bool(v, "registered", &p->registered, e))
    return false;
  if (strlen(cid) >= sizeof(p->cid.s))
    return ia_fail(e, IA_E_PARSE, "\"cid\" is too long");
  memcpy(p->cid.s, cid, strlen(cid) + 1);
  p->name = strdup(name);
  p->schema = strdup(schema);
  return (p->name && p->schema) || ia_fail(e, IA_E_MEMORY, "no memory for a journal");
}

static bool load(ia_protect *p, const char *dir, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!ia_path_join(&p->path, e, "%s/%s", dir, name) ||
      !ia_path_join(&p->sealed_path, e, "%s/%.*s.enc", dir, (int)(strlen(name) - 5), name) ||
      !ia_file_read_private(&text, p->path.s, JOURNAL_CAP, e))
    return false;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, e);
  return (v && parse(p, v, e)) || ia_wrap(e, "%s", p->path.s);
}

bool ia_protect_open(ia_protect **out, const char *dir, size_t i, ia_err *e)
{
  IA_AUTO(ia_protect) *p = calloc(1, sizeof(*p));
  char **list;
  size_t n;

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "no memory for a journal");
  if (!names(&list, &n, dir, e))
    return false;
  bool ok = i < n ? load(p, dir, list[i], e)
                  : ia_fail(e, IA_E_NOT_FOUND, "nothing is left to resume in %s", dir);
  names_free(list, n);
  if (!ok)
    return false;
  *out = ia_steal(&p);
  return true;
}
