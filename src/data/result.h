/* What an app leaves in its output folder, and what becomes of it: the PoCo digest, the manifest
 * hash (docs/release.md 8), the result archive and its sealed form. The tree is read after the app
 * is dead; still nothing in it is believed: links and special files are skipped, never followed. */
#ifndef IA_DATA_RESULT_H
#define IA_DATA_RESULT_H

#include "base/types.h"
#include "crypto/rsa.h"
#include "data/stream.h"
#include "data/zip.h"

/* The file of a sealed archive that holds the blind: 32 bytes, then zeroes up to its padded size.
 * No app may write one. */
#define IA_BLIND_FILE ".iapp-blind"

enum {
  IA_BLIND_BYTES = 32,
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

/* Without a blind: SHA-256(LP("iapp-manifest/v1") || for each file: LP(path) || u64be size ||
 * sha256[32]). With one: SHA-256(LP("iapp-manifest/v2") || LP(blind32) || the same), so that nobody
 * without the blind can try contents. In the simulated domain the labels are "iapp-manifest-SIM/.."
 */
IA_MUST bool ia_manifest_hash(ia_h256 *out, const ia_tree *t, const ia_secret *blind,
                              bool simulated, ia_err *e);
/* What is settled for a sealed result: SHA-256(LP("iapp-result-digest/v2") || LP(blind32) ||
 * LP(PoCo digest)); "iapp-result-digest-SIM/v2" in the simulated domain. */
IA_MUST bool ia_blinded_digest(ia_h256 *out, const ia_h256 *poco, const ia_secret *blind,
                               bool simulated, ia_err *e);

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
/* Is it IA_BLIND_FILE, or below a folder of that name? */
bool ia_result_reserved(const char *path);
/* The plain archive: every file deflated, at its relative path. Bytes that are unsafe in names are
 * written %XX. */
IA_MUST bool ia_result_zip(const ia_tree *t, ia_sink to, ia_err *e);

/* Sealed form: a zip of exactly `aes-key.rsa` (RSAES-PKCS1-v1_5 of 32 random bytes) and
 * `iexec_out.zip.aes` (IV || AES-256-CBC). Its size in bytes is a power of two from 4 KiB to 1 MiB,
 * or whole MiB: an extra field of the second entry rounds the fixed parts to 16 bytes, and the
 * plain bytes are padded. Ciphertext waits in memory (memfd); plain bytes pass in chunks. */
/* The archive of a tree, with the blind and the padding in IA_BLIND_FILE as its last entry. */
IA_MUST bool ia_result_seal_tree(const ia_rsa *receiver, const ia_tree *t, const ia_secret *blind,
                                 ia_sink to, ia_err *e);
/* A JSON text, padded by spaces. */
IA_MUST bool ia_result_seal_json(const ia_rsa *receiver, ia_span text, ia_sink to, ia_err *e);
/* The smallest size of a sealed object that holds n bytes. */
uint64_t ia_sealed_size(uint64_t n);
/* Is it a sealed result (the two names)? Anything else, damaged archives too: false. */
bool ia_result_is_encrypted(const ia_blob *file);
/* RESULT_UNREADABLE whatever fails: nothing is told of keys or paddings. What was written before a
 * failure is to be thrown away. */
IA_MUST bool ia_result_decrypt(ia_sink to, const ia_blob *file, const ia_rsa *key, ia_err *e);

/* What is known of a result whose plain archive is opened. */
typedef struct ia_result_claim {
  bool sealed;             /* it came encrypted */
  bool stated;             /* and a run statement vouches for it: the blind has to be there */
  const ia_h256 *digest;   /* as settled; NULL: not known */
  const ia_h256 *manifest; /* as stated; NULL: not known */
} ia_result_claim;

/* Opens the plain archive. In a sealed one the blind is checked (its form, and with it digest and
 * manifest hash where they are known) and hidden. RESULT_MISMATCH. */
IA_MUST bool ia_result_open(ia_zip **out, ia_blob plain, const ia_result_claim *claim, ia_err *e);
/* Hides IA_BLIND_FILE where it has its form, for readers who only look. */
void ia_result_hide_blind(ia_zip *z);

#endif
