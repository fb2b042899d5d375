/* Wallets of people: keystore files in a folder. */
#include "client/wallet.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "base/owned.h"
#include "eth/address.h"

enum { KEYSTORE_CAP = 1 << 16, WALLETS_MAX = 10000 };

void ia_wallet_free(ia_wallet *w)
{
  if (!w)
    return;
  ia_secret_free(&w->key);
  ia_secp_free(w->secp);
  free(w);
}

bool ia_keystore_folder(ia_path *out, const char *dir, ia_err *e)
{
  const char *home = getenv("HOME");

  if (dir)
    return ia_path_join(out, e, "%s", dir);
  if (!home || !home[0])
    return ia_fail(e, IA_E_USAGE, "no keystore: neither --keystore nor $HOME is set");
  return ia_path_join(out, e, "%s/.ethereum/keystore", home);
}

/* As geth names its files: UTC--TIME--ADDRESS; others: ADDRESS.json. */
static bool address_in_name(ia_addr *out, const char *path)
{
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t n = strlen(name), digits = 2 * sizeof(out->b);

  if (n > 5 && strcmp(name + n - 5, ".json") == 0)
    n -= 5;
  return n >= digits && ia_unhex(out->b, sizeof(out->b), ia_span_of(name + n - digits, digits));
}

/* False when the file is not a keystore. */
static bool read_entry(ia_wallet_file *out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!ia_file_read(&text, path, KEYSTORE_CAP, e) ||
      !ia_keystore_address(&out->address, &out->named, ia_buf_view(&text), e))
    return false;
  out->named = out->named || address_in_name(&out->address, path);
  return ia_path_join(&out->path, e, "%s", path);
}

static int by_address(const void *a, const void *b)
{
  const ia_wallet_file *x = a, *y = b;

  if (!x->named || !y->named)
    return x->named != y->named ? y->named - x->named : strcmp(x->path.s, y->path.s);
  return memcmp(x->address.b, y->address.b, sizeof(x->address.b));
}

static bool grow(ia_wallet_file **list, size_t n, ia_err *e)
{
  if (n >= WALLETS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %d keystores", WALLETS_MAX);
  if (n > 0 && (n & (n - 1)) != 0)
    return true;
  ia_wallet_file *more = reallocarray(*list, n ? 2 * n : 1, sizeof(**list));
  if (!more)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *list = more;
  return true;
}

bool ia_wallet_list(ia_wallet_file **out, size_t *n, const char *dir, ia_err *e)
{
  ia_autofree ia_wallet_file *list = NULL;
  ia_path folder, path;
  bool ok = true;

  *n = 0;
  *out = NULL;
  if (!ia_keystore_folder(&folder, dir, e))
    return false;
  DIR *d = opendir(folder.s);
  if (!d)
    return errno == ENOENT || ia_fail_errno(e, "%s", folder.s);
  for (struct dirent *f; ok && (f = readdir(d));) {
    if (f->d_name[0] == '.' || !ia_path_join(&path, NULL, "%s/%s", folder.s, f->d_name))
      continue;
    ok = grow(&list, *n, e);
    if (ok && read_entry(&list[*n], path.s, NULL))
      ++*n;
  }
  closedir(d);
  if (!ok)
    return false;
  if (*n > 1)
    qsort(list, *n, sizeof(*list), by_address);
  *out = ia_steal(&list);
  return true;
}

/* An address cut short, as outputs show it: 0x69d4.. */
static bool is_cut(const char *text)
{
  size_t n = strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;

  return n >= 4 && n < 40 && strcmp(text + 2 + n + strspn(text + 2 + n, "."), "") == 0 &&
         strncmp(text + 2 + n, "..", 2) == 0;
}

static bool begins(const ia_addr *a, const char *which)
{
  return strncasecmp(ia_addr_text(a).s, which, strcspn(which, ".")) == 0;
}

static bool not_found(const char *which, const ia_wallet_file *list, size_t named, size_t n,
                      ia_err *e)
{
  if (!which && named > 0) {
    ia_fail(e, IA_E_INVALID, "which of your %zu wallets?", named);
    return ia_hint(e, "--wallet 0x.., or once: iapp config set wallet 0x..");
  }
  ia_fail(e, IA_E_NOT_FOUND, which ? "no wallet %s in the keystore" : "no wallet%s yet",
          which ? which : "");
  if (n == named)
    return ia_hint(e, which ? "iapp wallet list" : "iapp wallet new");
  /* what is copied by import has its address */
  return ia_hint(e, "the keystore %s does not say its address: iapp wallet import %s",
                 list[named].path.s, list[named].path.s);
}

bool ia_wallet_find(ia_wallet_file *out, const char *dir, const char *which, ia_err *e)
{
  ia_autofree ia_wallet_file *list = NULL;
  size_t n, named = 0, hits = 0;
  ia_addr wanted = {0};

  if (which && strchr(which, '/'))
    return read_entry(out, which, e) || ia_wrap(e, "%s cannot be read as a keystore", which);
  bool cut = which && is_cut(which);
  if (which && !cut && !ia_addr_parse(&wanted, ia_span_str(which), e))
    return ia_wrap(e, "wallet");
  if (!ia_wallet_list(&list, &n, dir, e))
    return false;
  while (named < n && list[named].named)
    named++;
  for (size_t i = 0; i < named; i++)
    if (cut     ? begins(&list[i].address, which)
        : which ? ia_addr_eq(&list[i].address, &wanted)
                : named == 1) {
      *out = list[i];
      hits++;
    }
  if (hits == 1)
    return true;
  if (hits > 1) {
    ia_fail(e, IA_E_INVALID, "%zu wallets of the keystore begin with %s", hits, which);
    return ia_hint(e, "give more digits: iapp wallet list");
  }
  return not_found(which, list, named, n, e);
}

bool ia_wallet_of_key(ia_wallet **out, const ia_secret *key, ia_err *e)
{
  IA_AUTO(ia_wallet) *w = calloc(1, sizeof(*w));

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_secp_new(&w->secp, e) || !ia_secret_copy(&w->key, ia_secret_view(key), e) ||
      !ia_secp_key_check(&w->key, e) || !ia_secp_address(w->secp, &w->address, &w->key, e))
    return false;
  *out = ia_steal(&w);
  return true;
}

bool ia_wallet_open(ia_wallet **out, const ia_wallet_file *file, ia_span password, ia_err *e)
{
  IA_AUTO(ia_wallet) *w = calloc(1, sizeof(*w));
  IA_AUTOV(ia_buf) text = {0};

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_file_read_private(&text, file->path.s, KEYSTORE_CAP, e))
    return false;
  if (!ia_secp_new(&w->secp, e) ||
      !ia_keystore_open(&w->key, w->secp, ia_buf_view(&text), password, e) ||
      !ia_secp_address(w->secp, &w->address, &w->key, e))
    return ia_wrap(e, "%s", file->path.s);
  if (file->named && !ia_addr_eq(&file->address, &w->address))
    return ia_fail(e, IA_E_CORRUPT, "%s: the key is that of %s, the file is named after %s",
                   file->path.s, ia_addr_text(&w->address).s, ia_addr_text(&file->address).s);
  *out = ia_steal(&w);
  return true;
}

bool ia_wallet_create(ia_wallet_file *out, const char *dir, const ia_secret *key, ia_span password,
                      uint64_t n, ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_secret) own = {0};
  IA_AUTOV(ia_buf) text = {0};
  ia_wallet_file same;
  ia_path folder;

  if (!ia_keystore_folder(&folder, dir, e) || !ia_secp_new(&secp, e))
    return false;
  if (key ? !ia_secret_copy(&own, ia_secret_view(key), e) : !ia_secp_key_new(&own, e))
    return false;
  if (!ia_secp_key_check(&own, e) || !ia_secp_address(secp, &out->address, &own, e))
    return false;
  out->named = true;
  const ia_text43 name = ia_addr_text(&out->address);
  if (ia_wallet_find(&same, dir, name.s, NULL))
    return ia_fail(e, IA_E_EXISTS, "%s is there already: %.100s", name.s, same.path.s);
  return ia_mkdirs(folder.s, 0700, e) &&
         ia_path_join(&out->path, e, "%s/%s.json", folder.s, name.s) &&
         ia_keystore_write(&text, secp, &own, password, n ? n : IA_KEYSTORE_N, e) &&
         ia_file_create(out->path.s, ia_buf_view(&text), 0600, e);
}
