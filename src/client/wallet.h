/* Wallets of people: Ethereum keystore files in a folder (geth's by default), found by address or
 * by file. Other files in the folder are passed over. */
#ifndef IA_CLIENT_WALLET_H
#define IA_CLIENT_WALLET_H

#include "base/file.h"
#include "eth/keystore.h"

typedef struct ia_wallet_file {
  ia_addr address;
  bool named; /* false: neither the file nor its name says the address; opening it does */
  ia_path path;
} ia_wallet_file;

/* An open wallet: what signs. */
typedef struct ia_wallet {
  ia_addr address;
  ia_secp *secp;
  ia_secret key;
} ia_wallet;
void ia_wallet_free(ia_wallet *w); /* NULL is fine */
IA_DEFINE_AUTO(ia_wallet, ia_wallet_free)

/* dir, or ~/.ethereum/keystore when NULL. */
IA_MUST bool ia_keystore_folder(ia_path *out, const char *dir, ia_err *e);
/* Every keystore of the folder, by address, those without one last; a missing folder has none. The
 * caller frees *out. */
IA_MUST bool ia_wallet_list(ia_wallet_file **out, size_t *n, const char *dir, ia_err *e);
/* which: an address, the path of a file, or NULL for the only one there is. NOT_FOUND; INVALID when
 * there are several and none is named. Only by path a keystore without an address is found. */
IA_MUST bool ia_wallet_find(ia_wallet_file *out, const char *dir, const char *which, ia_err *e);
/* BAD_KEY on a wrong password, CORRUPT when the key is not that of the address. About half a
 * second. */
IA_MUST bool ia_wallet_open(ia_wallet **out, const ia_wallet_file *file, ia_span password,
                            ia_err *e);
/* The same of a bare key (copied). */
IA_MUST bool ia_wallet_of_key(ia_wallet **out, const ia_secret *key, ia_err *e);
/* Writes DIR/0xADDRESS.json, 0600; a new key when key is NULL. EXISTS when the folder has that
 * address already. n: scrypt's N, 0 = IA_KEYSTORE_N. */
IA_MUST bool ia_wallet_create(ia_wallet_file *out, const char *dir, const ia_secret *key,
                              ia_span password, uint64_t n, ia_err *e);

#endif
