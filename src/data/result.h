/* What an app leaves in its output folder, and what becomes of it: the PoCo digest, the manifest
 * hash (docs/release.md 8), the result archive and its sealed form. The tree is read after the app
 * is dead; still nothing in it is believed: links and special files are skipped, never followed. */
#ifndef IA_DATA_RESULT_H
#define IA_DATA_RESULT_H

#include "base/types.h"
#include "crypto/rsa.h"
#include "data/stream.h"

enum {
  IA_TREE_DEPTH_MAX = 32,
  IA_TREE_FILES_MAX = 9999,
  IA_COMPUTED_MAX = 1 << 20, /* bytes of computed.json */
};

typedef struct ia_tree_limits {
  uint64_t bytes;  /* logical sizes of all files; 0 = 1 GiB */
  size_t name_max; /* bytes of one path component; 0 = 255 */
} ia_tree_limits;

typedef struct ia_tree_file {
  char *path; /* relative, as named on disk: any bytes but NUL */
  uint64_t size;
} ia_tree_file;

/* The regular files under a folder, in byte order of their paths. */
typedef struct ia_tree {
  int root;
  ia_tree_file *file;
  size_t n;
  size_t n_skipped; /* links, sockets, pipes, devices */
} ia_tree;

/* Opens dir anew. limits may be NULL. BAD_OUTPUT when a limit is passed or a folder cannot be read.
 */
IA_MUST bool ia_tree_open(ia_tree **out, int dir, const ia_tree_limits *limits, ia_err *e);
void ia_tree_close(ia_tree *t);
IA_DEFINE_AUTO(ia_tree, ia_tree_close)
/* Opens file i; BAD_OUTPUT when it is not the regular file of that size any more. */
IA_MUST bool ia_tree_file_open(int *fd, ia_blob *blob, const ia_tree *t, size_t i, ia_err *e);

/* SHA-256(LP("iapp-manifest/v1") || for each file: LP(path) || u64be size || sha256[32]); the label
 * is "iapp-manifest-SIM/v1" in the simulated domain. */
IA_MUST bool ia_manifest_hash(ia_h256 *out, const ia_tree *t, bool simulated, ia_err *e);

/* computed.json as the app left it. */
typedef struct ia_computed {
  char *path;      /* deterministic-output-path, relative to the output folder, "" = the folder */
  ia_buf callback; /* callback-data, decoded */
  bool has_callback;
} ia_computed;
void ia_computed_free(ia_computed *c);
IA_DEFINE_AUTO_VALUE(ia_computed, ia_computed_free)

/* Needs one of the two members; paths lie under `root` ("/iexec_out") and hold no "..". BAD_OUTPUT.
 */
IA_MUST bool ia_computed_parse(ia_computed *out, ia_span json, const char *root, ia_err *e);
/* Reads computed.json of the output folder (regular, at most IA_COMPUTED_MAX) and parses it. */
IA_MUST bool ia_computed_read(ia_computed *out, int dir, const char *root, ia_err *e);
/* PoCo: a file: SHA-256; a folder: keccak256 of the SHA-256s of its direct files in path order,
 * empty ones left out as in the reference; callback data: keccak256. BAD_OUTPUT when there is
 * nothing. */
IA_MUST bool ia_result_digest(ia_h256 *out, int dir, const ia_computed *c, ia_err *e);

/* Appends a name that every reader takes, one to one: unsafe bytes become %XX, and so does a '%'
 * that could be read as one of those. */
void ia_result_entry_name(ia_buf *out, const char *path);
/* The plain archive: every file deflated, at its relative path. Bytes that are unsafe in names are
 * written %XX. */
IA_MUST bool ia_result_zip(const ia_tree *t, ia_sink to, ia_err *e);

/* Sealed form: a zip of exactly `aes-key.rsa` (RSAES-PKCS1-v1_5 of 32 random bytes) and
 * `iexec_out.zip.aes` (IV || AES-256-CBC). `produce` writes the plain bytes once. Ciphertext waits
 * in memory (memfd); plain bytes pass in chunks. */
IA_MUST bool ia_result_encrypt(const ia_rsa *receiver,
                               bool (*produce)(void *ctx, ia_sink to, ia_err *e), void *ctx,
                               ia_sink to, ia_err *e);
IA_MUST bool ia_result_encrypt_blob(const ia_rsa *receiver, const ia_blob *plain, ia_sink to,
                                    ia_err *e);
/* Is it a sealed result (the two names)? Anything else, damaged archives too: false. */
bool ia_result_is_encrypted(const ia_blob *file);
/* RESULT_UNREADABLE whatever fails: nothing is told of keys or paddings. What was written before a
 * failure is to be thrown away. */
IA_MUST bool ia_result_decrypt(ia_sink to, const ia_blob *file, const ia_rsa *key, ia_err *e);

#endif
