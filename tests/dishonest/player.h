/* Parts of the player (player.c). */
#ifndef IA_TESTS_DISHONEST_PLAYER_H
#define IA_TESTS_DISHONEST_PLAYER_H

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "chain/poco.h"
#include "crypto/x25519.h"
#include "eth/address.h"
#include "eth/keystore.h"
#include "http/client.h"
#include "runtime/quoting.h"
#include "tee/descriptor.h"
#include "tee/release.h"

typedef struct player {
  ia_secp *secp;
  ia_http *http;
  ia_chain *chain;
  ia_quoting *quoting;
  ia_secret pool;  /* the pool owner's key */
  ia_secret own;   /* a key of the player: enclave key, or a stranger's */
  ia_addr enclave; /* its address */
  ia_secret sk;    /* X25519 of the guest */
  ia_h256 pk;
  ia_h384 guest; /* measurement */
  json_t *last;  /* body of the last release request */
} player;

/* {"sms","task","worker","fencing","seconds"?,"signer"?:"own","until"?:"challenge","nonce"?} ->
 * {"nonce"}, or the release with its items opened. */
IA_MUST bool player_ask(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"sms"}: the last release request once more. */
IA_MUST bool player_again(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"task","keystore","passphraseFile"}: contributeAndFinalize with the player's own key as enclave,
 * which the pool authorises, by the worker of that keystore. */
IA_MUST bool player_settle(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"deal","count"}: initialises the first tasks of a deal. */
IA_MUST bool player_initialize(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"object","smsKey","version","body"} -> {"signer","sig"}: a policy signed by the player's own
 * key. */
IA_MUST bool player_policy(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"receipt":{..}}: the same task with another result, run and settlement signed anew by the pool's
 * side. */
IA_MUST bool player_forge(player *p, json_t **out, const json_t *command, ia_err *e);
/* {"receipt":{..},"signer"?:"own","task"?,"alone"?,"domain"?,"cause"?}: another settlement of it:
 * of a failure where a cause is given; else the same with an authorisation by the signer, and
 * {"keystore","passphraseFile"} of the worker. */
IA_MUST bool player_end(player *p, json_t **out, const json_t *command, ia_err *e);

#endif
