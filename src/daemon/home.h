/* The home of an installation (docs/protocol.md 5): folders, lock, ports, passphrase, wallets of
 * the roles, simulation root, and the file that says where a running installation answers. */
#ifndef IA_DAEMON_HOME_H
#define IA_DAEMON_HOME_H

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/types.h"
#include "daemon/options.h"

typedef struct ia_home {
  ia_path dir; /* absolute */
  int lock;    /* held while the daemon runs; -1 = not held */
} ia_home;

typedef struct ia_ports {
  uint16_t front;
  uint16_t sms;
  uint16_t scheduler;
} ia_ports;

/* --home, else $IAPP_HOME, else ~/.iapp; made absolute. Nothing is created. */
IA_MUST bool ia_home_find(ia_home *h, const char *dir, ia_err *e);
/* Makes the folders of the roles (0700) and takes the lock, in which our pid is written. BUSY when
 * another daemon holds it. */
IA_MUST bool ia_home_open(ia_home *h, unsigned roles, ia_err *e);
/* The lock of a home that is there, for work on its stores while no daemon runs. NOT_FOUND, BUSY.
 */
IA_MUST bool ia_home_lock(ia_home *h, ia_err *e);
/* Removes ready.json and gives the lock up. */
void ia_home_close(ia_home *h);

/* Ports of --port TEXT: N, N+1, N+2; "0" = those of HOME/config.json when free or new free ones;
 * NULL = those of HOME/config.json, else 7400.. They are kept for the next start. Never a port that
 * clients refuse (the bad ports of the fetch standard). */
IA_MUST bool ia_home_ports(ia_ports *out, const ia_home *h, const char *text, ia_err *e);
bool ia_port_is_bad(uint16_t port);

/* The passphrase of the roles' keys: from file, or HOME/passphrase, which is made (0600) when it is
 * missing. *made says that it looks as we make it, 32 random bytes in base64: such need no slow
 * derivation; one that a person put there does. */
IA_MUST bool ia_home_passphrase(ia_secret *out, bool *made, const ia_home *h, const char *file,
                                ia_err *e);
/* The wallet of a role in HOME/FOLDER/wallet.json, made when missing; its address. A passphrase of
 * 256 random bits needs no slow derivation. */
IA_MUST bool ia_home_wallet(ia_addr *out, const ia_home *h, const char *folder,
                            const ia_secret *passphrase, bool random, ia_err *e);
/* HOME/worker/sim-root.{pem,key}, made when missing; SHA-256 of the root's DER. */
IA_MUST bool ia_home_sim_root(ia_h256 *out, const ia_home *h, ia_err *e);

/* HOME/ready.json, 0600. */
IA_MUST bool ia_home_ready(const ia_home *h, const json_t *fields, ia_err *e);

#endif
