/* What a task needs beside its memory, and what the pool's workers offer. */
#include "cli/pool_room.h"

#include <string.h>

#include "base/size.h"
#include "cli/pool_limits.h"
#include "client/to_blobs.h"
#include "crypto/cid.h"
#include "eth/address.h"
#include "runtime/guest.h"

enum { PAGE = 4096, ASKED_MAX = 200 /* data of a bulk run whose sizes are asked for */ };

/* Of every worker that was not told otherwise. */
static uint64_t room_of(const json_t *pool)
{
  uint64_t most;

  return pool && ia_pool_limit(&most, pool, "dataMax") ? most : IA_GUEST_ROOM;
}

/* Bytes of a file in the blob store; false where that is not known. */
static bool size_of(const ia_net *net, ia_span multiaddr, uint64_t *size, ia_err *e)
{
  ia_cid cid;

  return ia_cid_from_multiaddr(&cid, multiaddr, e) &&
         ia_to_blobs_size(net, size, ia_cid_format(&cid).s, e);
}

/* A dataset is in the enclave twice: encrypted and decrypted, then decrypted and as values. */
static bool dataset_need(ia_net *net, const ia_addr *dataset, uint64_t *need, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_dataset_info info;
  ia_chain *chain;
  uint64_t size;

  if (!ia_net_chain(net, &chain, e) || !ia_chain_dataset(chain, &info, &store, dataset, e) ||
      !size_of(net, info.multiaddr, &size, e))
    return false;
  *need = 2 * size;
  return true;
}

static bool too_large(const char *what, uint64_t need, uint64_t room, ia_err *e)
{
  (void)ia_fail(e, IA_E_NO_RESOURCES,
                "%s: %llu bytes needed in the enclave; the pool's workers offer %llu", what,
                (unsigned long long)need, (unsigned long long)room);
  return ia_hint(e, "use less, or a pool whose workers offer more: --pool; its operator can raise "
                    "it: iappd run --task-room");
}

/* -- run -- */
typedef struct checking {
  ia_cli *c;
  const json_t *pool;
} checking;

/* Workers fetch /ipfs/ and https, and http from their own machine where they say so. */
static bool check_file(void *ctx, const char *url, ia_err *e)
{
  const checking *k = ctx;
  uint64_t http = 0;
  ia_cid cid;

  if (strncmp(url, "https://", 8) == 0 || ia_cid_from_multiaddr(&cid, ia_span_str(url), NULL) ||
      ia_cid_parse(&cid, ia_span_str(url), NULL))
    return true;
  (void)ia_pool_limit(&http, k->pool, "httpInputs");
  if (strncmp(url, "http://", 7) == 0 && ia_http_secure_url(url) && (http || !k->pool))
    return true;
  (void)ia_fail(e, IA_E_UNSUPPORTED, "--input-file %.100s: workers fetch https:// and /ipfs/ only",
                url);
  return ia_hint(e, "offer the file over https://, or store it as /ipfs/CID");
}

/* An image takes at least what its archive has; 0 where that is not known. */
static uint64_t image_need(ia_run_ask *a)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_app_info info;
  ia_chain *chain;
  uint64_t size;

  return ia_net_chain(&a->net, &chain, NULL) &&
                 ia_chain_app(chain, &info, &store, &a->want.app, NULL) &&
                 size_of(&a->net, info.multiaddr, &size, NULL)
             ? size
             : 0;
}

static bool check_one(ia_run_ask *a, ia_cli *c, uint64_t room, ia_err *e)
{
  uint64_t need;
  ia_err why = {0};
  char what[80];

  if (ia_addr_zero(&a->want.dataset))
    return true;
  if (!dataset_need(&a->net, &a->want.dataset, &need, &why)) {
    if (why.code == IA_E_UNAVAILABLE || why.code == IA_E_TIMEOUT)
      ia_cli_warn(c, "cannot ask how large the protected data is: %s", why.msg);
    return true; /* data that are not there are named later */
  }
  (void)snprintf(what, sizeof(what), "protected data %s", ia_addr_text(&a->want.dataset).s);
  return need <= room || too_large(what, need, room, e);
}

static bool check_many(ia_run_ask *a, ia_cli *c, uint64_t room, ia_err *e)
{
  size_t n = a->bulk.n < ASKED_MAX ? a->bulk.n : ASKED_MAX, large = 0;
  uint64_t need = 0, last = 0;

  for (size_t i = 0; i < n; i++) {
    if (!dataset_need(&a->net, &a->bulk.data[i], &need, NULL) || need <= room)
      continue;
    ia_cli_warn(c,
                "protected data %s: %llu bytes needed in the enclave; the pool's workers offer "
                "%llu: it would be left out",
                ia_addr_text(&a->bulk.data[i]).s, (unsigned long long)need,
                (unsigned long long)room);
    last = need;
    large++;
  }
  return large == 0 || large < a->bulk.n || too_large("every protected data", last, room, e);
}

bool ia_pool_room_check(ia_cli *c, ia_run_ask *a, ia_err *e)
{
  IA_AUTO_JSON *pool = NULL;
  ia_err why = {0};

  if (!ia_pool_ask(&a->net, &pool, &why))
    ia_cli_warn(c, "cannot ask the pool what it offers to a task: %s", why.msg);
  checking k = {c, pool};
  if (!ia_cli_each(c, "input-file", check_file, &k, e))
    return false;
  uint64_t room = room_of(pool), image = image_need(a);
  if (image > room)
    return too_large("the app's image", image, room, e);
  room -= image;
  return check_one(a, c, room, e) && check_many(a, c, room, e);
}

/* -- warnings -- */
static void warn_room(ia_cli *c, const ia_net *net, const char *what, uint64_t need)
{
  IA_AUTO_JSON *pool = NULL;
  bool asked = net->scheduler && ia_pool_ask(net, &pool, NULL);
  uint64_t room = room_of(pool);

  if (need > room)
    ia_cli_warn(c, "%s: %llu bytes needed in the enclave; %s %llu: no run of it would start", what,
                (unsigned long long)need, asked ? "the pool's workers offer" : "workers offer",
                (unsigned long long)room);
}

void ia_pool_room_warn_data(ia_cli *c, const ia_net *net, uint64_t sealed, uint64_t entries)
{
  warn_room(c, net, "this protected data", 2 * sealed + entries * PAGE);
}

void ia_pool_room_warn_dataset(ia_cli *c, ia_net *net, const ia_addr *dataset)
{
  uint64_t need;
  char what[80];

  (void)snprintf(what, sizeof(what), "protected data %s", ia_addr_text(dataset).s);
  if (dataset_need(net, dataset, &need, NULL))
    warn_room(c, net, what, need);
}

void ia_pool_room_warn_image(ia_cli *c, const ia_net *net, uint64_t unpacked)
{
  warn_room(c, net, "this image", unpacked);
}
