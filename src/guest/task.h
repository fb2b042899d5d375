/* The item `task` of a release: all that the guest decides by (docs/release.md 3, docs/protocol.md
 * 2), and the check that it is the task of our own evidence. */
#ifndef IA_GUEST_TASK_H
#define IA_GUEST_TASK_H

#include "base/json.h"
#include "tee/descriptor.h"

enum { IA_TASK_DATASETS_MAX = 100, IA_TASK_FILES_MAX = 100 };

typedef struct ia_task_dataset {
  ia_addr address;
  ia_h256 checksum, order_hash;
  const char *multiaddr; /* as the host is asked for it */
  const char *filename;  /* below /iexec_in */
  const char *refused;   /* of a slice: NULL, or the code why there is no key */
  bool plain;            /* local runs: the archive itself, no key */
} ia_task_dataset;

typedef enum ia_task_logs { IA_LOGS_SEALED, IA_LOGS_CLEAR, IA_LOGS_NONE } ia_task_logs;

typedef struct ia_agent_task {
  json_t *doc;  /* owned; what follows points into it */
  ia_h256 hash; /* SHA-256 of its text */
  uint64_t chain_id, task_index, bot_first, bot_size, fencing, attempt, time_limit;
  uint64_t memory; /* that the request asks for, bytes; 0 = nothing */
  ia_addr hub, app, requester, beneficiary, callback, worker;
  ia_h256 deal_id, task_id, app_digest, desc_hash;
  const json_t *argv; /* array of texts */
  const json_t *env;  /* object of texts, IEXEC_* only */
  const json_t *files;
  ia_task_dataset *datasets; /* owned array */
  size_t n_datasets;
  bool bulk;              /* the files are named by the slice */
  const char *result_key; /* PEM, or NULL */
  bool encrypt;
  ia_task_logs logs;
  const json_t *egress, *limits;
  const json_t *secrets; /* local runs only: {"app":text,"requester":{"1":text}} */
} ia_agent_task;

/* Closed grammar. local admits `secrets` and `plain`. PARSE, UNSUPPORTED (a gate, egress or limits
 * that this build cannot keep). */
IA_MUST bool ia_agent_task_parse(ia_agent_task *out, ia_span text, bool local, ia_err *e);
void ia_agent_task_free(ia_agent_task *t);
IA_DEFINE_AUTO_VALUE(ia_agent_task, ia_agent_task_free)

/* TASK_MISMATCH naming the field: descHash, every identifier, the inputs, the rules, the worker of
 * the lease. */
IA_MUST bool ia_agent_task_match(const ia_agent_task *t, const ia_descriptor *d,
                                 const ia_h256 *desc_hash, const ia_addr *worker, ia_err *e);

#endif
