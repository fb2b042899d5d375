/* The home of an installation: folders, lock, passphrase, keys of the roles. */
#include "daemon/home.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/owned.h"
#include "base/random.h"
#include "crypto/secp.h"
#include "eth/keystore.h"
#include "tee/sim.h"

enum { KEYSTORE_CAP = 1 << 16, PEM_CAP = 1 << 16, PASSPHRASE_CAP = 1024, PASSPHRASE_BYTES = 32 };

bool ia_home_find(ia_home *h, const char *dir, ia_err *e)
{
  const char *env = getenv("IAPP_HOME"), *user = getenv("HOME");
  char cwd[IA_PATH_MAX];

  h->lock = -1;
  if (!dir && env && env[0])
    dir = env;
  if (!dir && !(user && user[0]))
    return ia_fail(e, IA_E_USAGE, "no home: neither --home nor $IAPP_HOME nor $HOME is set");
  if (!dir)
    return ia_path_join(&h->dir, e, "%s/.iapp", user);
  if (dir[0] == '/')
    return ia_path_join(&h->dir, e, "%s", dir);
  if (!getcwd(cwd, sizeof(cwd)))
    return ia_fail_errno(e, "current folder");
  return ia_path_join(&h->dir, e, "%s/%s", cwd, dir);
}

/* A command that looks whether somebody holds it does so for a moment. */
static bool lock_now(int fd)
{
  enum { TRIES = 10, PAUSE_US = 50000 };

  for (int i = 0; i < TRIES; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      return true;
    (void)usleep(PAUSE_US);
  }
  return false;
}

static bool take_lock(ia_home *h, ia_err *e)
{
  char pid[32];
  ia_path p;

  if (!ia_path_join(&p, e, "%s/lock", h->dir.s))
    return false;
  ia_autoclose int fd = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ia_fail_errno(e, "%s", p.s);
  if (!lock_now(fd)) {
    ia_fail(e, IA_E_BUSY, "another iappd runs in %s", h->dir.s);
    return ia_hint(e, "iapp down --home %s", h->dir.s);
  }
  int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
  if (n < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
    return ia_fail_errno(e, "%s", p.s);
  h->lock = ia_steal_fd(&fd);
  return true;
}

bool ia_home_open(ia_home *h, unsigned roles, ia_err *e)
{
  static const struct {
    unsigned roles;
    const char *folder;
  } folders[] = {
      {IA_ROLE_FRONT, "front"},
      {IA_ROLE_SMS, "sms"},
      {IA_ROLE_SCHEDULER, "scheduler"},
      {IA_ROLE_WORKER, "worker"},
  };
  ia_path p;

  if (!ia_owned_place(h->dir.s, e) || !ia_mkdirs(h->dir.s, 0700, e) ||
      !ia_owned_folder(h->dir.s, e) || !take_lock(h, e))
    return false;
  /* what a killed daemon left says nothing of us */
  if (ia_path_join(&p, NULL, "%s/ready.json", h->dir.s))
    (void)unlink(p.s);
  for (unsigned i = 0; i < IA_COUNT(folders); i++)
    if ((roles & folders[i].roles) && (!ia_path_join(&p, e, "%s/%s", h->dir.s, folders[i].folder) ||
                                       !ia_mkdirs(p.s, 0700, e) || !ia_owned_folder(p.s, e)))
      return false;
  return true;
}

bool ia_home_lock(ia_home *h, ia_err *e)
{
  if (access(h->dir.s, X_OK) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "no installation in %s", h->dir.s);
  return ia_owned_folder(h->dir.s, e) && take_lock(h, e);
}

void ia_home_close(ia_home *h)
{
  ia_path p;

  if (h->lock < 0)
    return;
  if (ia_path_join(&p, NULL, "%s/ready.json", h->dir.s))
    (void)unlink(p.s);
  close(h->lock);
  h->lock = -1;
}

static bool read_passphrase(ia_secret *out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.secret = true};

  if (!ia_file_read_private(&text, path, PASSPHRASE_CAP, e))
    return false;
  while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
    text.len--;
  if (text.len == 0)
    return ia_fail(e, IA_E_INVALID, "%s: the passphrase is empty", path);
  return ia_secret_copy(out, ia_buf_view(&text), e);
}

/* 32 bytes in base64: what we make, and nothing that a person thought of. */
static bool is_made(const ia_secret *passphrase)
{
  IA_AUTOV(ia_buf) raw = {.secret = true};

  return ia_unbase64(&raw, ia_secret_view(passphrase)) && raw.len == PASSPHRASE_BYTES;
}

bool ia_home_passphrase(ia_secret *out, bool *made, const ia_home *h, const char *file, ia_err *e)
{
  IA_WIPED(32) uint8_t raw[PASSPHRASE_BYTES] = {0};
  IA_AUTOV(ia_buf) text = {.secret = true};
  ia_path p;

  *made = false;
  if (file)
    return read_passphrase(out, file, e);
  if (!ia_path_join(&p, e, "%s/passphrase", h->dir.s))
    return false;
  if (access(p.s, F_OK) != 0) {
    if (!ia_random(raw, sizeof(raw), e))
      return false;
    ia_buf_base64(&text, IA_SPAN_ARR(raw));
    ia_buf_str(&text, "\n");
    if (!ia_buf_ok(&text, e) || !ia_file_create(p.s, ia_buf_view(&text), 0600, e))
      return false;
  }
  if (!read_passphrase(out, p.s, e))
    return false;
  *made = is_made(out);
  return true;
}

static bool make_wallet(const char *path, const ia_secret *passphrase, bool random, ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_buf) text = {0};

  return ia_secp_new(&secp, e) && ia_secp_key_new(&key, e) &&
         ia_keystore_write(&text, secp, &key, ia_secret_view(passphrase),
                           random ? IA_KEYSTORE_N_RANDOM : IA_KEYSTORE_N, e) &&
         ia_file_create(path, ia_buf_view(&text), 0600, e);
}

bool ia_home_wallet(ia_addr *out, const ia_home *h, const char *folder, const ia_secret *passphrase,
                    bool random, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  bool named = false;
  ia_path p;

  if (!ia_path_join(&p, e, "%s/%s/wallet.json", h->dir.s, folder))
    return false;
  if (access(p.s, F_OK) != 0 && !make_wallet(p.s, passphrase, random, e))
    return ia_wrap(e, "%s", p.s);
  if (!ia_file_read_private(&text, p.s, KEYSTORE_CAP, e))
    return false;
  if (!ia_keystore_address(out, &named, ia_buf_view(&text), e))
    return ia_wrap(e, "%s", p.s);
  return named || ia_fail(e, IA_E_CORRUPT, "%s: the keystore has no address", p.s);
}

static bool make_sim_root(const char *pem, const char *key, ia_err *e)
{
  IA_AUTO(ia_simpki) *pki = NULL;
  IA_AUTOV(ia_buf) certs = {0};
  IA_AUTOV(ia_buf) keys = {.secret = true};

  /* the key first: a root without its key would be taken for a whole one */
  return ia_simpki_new(&pki, ia_now(), e) && ia_simpki_export(pki, &certs, &keys, e) &&
         ia_file_write(key, ia_buf_view(&keys), 0600, e) &&
         ia_file_write(pem, ia_buf_view(&certs), 0600, e);
}

bool ia_home_sim_root(ia_h256 *out, const ia_home *h, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path pem, key;

  if (!ia_path_join(&pem, e, "%s/worker/sim-root.pem", h->dir.s) ||
      !ia_path_join(&key, e, "%s/worker/sim-root.key", h->dir.s))
    return false;
  if (access(pem.s, F_OK) != 0 && !make_sim_root(pem.s, key.s, e))
    return ia_wrap(e, "simulation root");
  return ia_file_read_trusted(&text, pem.s, PEM_CAP, e) &&
         (ia_sim_root_digest_pem(out, ia_buf_view(&text), e) || ia_wrap(e, "%s", pem.s));
}

bool ia_home_ready(const ia_home *h, const json_t *fields, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  return ia_path_join(&p, e, "%s/ready.json", h->dir.s) && ia_json_write(&text, fields, e) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}
