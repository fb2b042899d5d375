/* Where a pool's scheduler answers, and which address a named app has: what iExec's packages ask
 * before they show a task's information and logs, and before they send messages. Holds no state. */
#ifndef IA_SERVICE_COMPASS_H
#define IA_SERVICE_COMPASS_H

#include "base/types.h"
#include "http/server.h"

typedef struct ia_compass ia_compass;

enum { IA_COMPASS_POOLS = 16, IA_COMPASS_APPS = 64 };

/* What is borrowed is copied by ia_compass_open. */
typedef struct ia_compass_config {
  uint64_t chain_id;
  const ia_addr *pools;
  size_t n_pools;
  const char *api_url; /* of the scheduler of all these pools; NULL = none is known */
  const char *apps;    /* "web3mail-tdx=0x..,NAME=0x.."; NULL = none */
} ia_compass_config;

/* INVALID when `apps` is not of that form. */
IA_MUST bool ia_compass_open(ia_compass **out, const ia_compass_config *c, ia_err *e);
/* After the server that mounts it is closed. NULL is fine. */
void ia_compass_close(ia_compass *c);
IA_DEFINE_AUTO(ia_compass, ia_compass_close)
/* GET /<chain id>/workerpools/<address> -> {"apiUrl"}, GET /<chain id>/iapps/<name> -> {"address"};
 * 404 for what is not known. */
IA_MUST bool ia_compass_mount(ia_compass *c, ia_server *server, ia_err *e);

#endif
