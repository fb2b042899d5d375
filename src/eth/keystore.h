/* Ethereum keystore files, version 3 (Web3 Secret Storage): read scrypt and pbkdf2, with names of
 * members in any case, with an address or without, and keys that were written without the zeros
 * that they begin with; write scrypt. */
#ifndef IA_ETH_KEYSTORE_H
#define IA_ETH_KEYSTORE_H

#include "base/buf.h"
#include "crypto/secp.h"

/* Limits on what a file may ask of us: 512 MiB of memory, N * r * p <= 2^24; and RFC 7914's own,
 * N < 2^(16 * r). */
enum { IA_KEYSTORE_N = 131072, IA_KEYSTORE_N_LIGHT = 4096 };
/* For passphrases of 256 random bits that a machine made: nobody guesses those, and the work would
 * only slow every start down. */
enum { IA_KEYSTORE_N_RANDOM = 16 };

/* The address that the file names, without the passphrase; *named false when it names none. PARSE
 * for what is not a keystore. */
IA_MUST bool ia_keystore_address(ia_addr *out, bool *named, ia_span json, ia_err *e);
/* A wrong passphrase: BAD_KEY. The address of the file, when there, must be that of the key. Takes
 * about half a second and N * 1 KiB of memory. */
IA_MUST bool ia_keystore_open(ia_secret *key, const ia_secp *s, ia_span json, ia_span passphrase,
                              ia_err *e);
/* Appends the JSON. n: scrypt's N, IA_KEYSTORE_N_RANDOM or a power of two of at least
 * IA_KEYSTORE_N_LIGHT; r 8, p 1. */
IA_MUST bool ia_keystore_write(ia_buf *out, const ia_secp *s, const ia_secret *key,
                               ia_span passphrase, uint64_t n, ia_err *e);

#endif
