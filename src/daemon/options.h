/* The command line of iappd, read from one table. */
#ifndef IA_DAEMON_OPTIONS_H
#define IA_DAEMON_OPTIONS_H

#include <stdio.h>

#include "base/err.h"

/* Roles; those of the front share one process. */
enum ia_role {
  IA_ROLE_LEDGER = 1,
  IA_ROLE_MARKET = 2,
  IA_ROLE_IPFS = 4,
  IA_ROLE_SMS = 8,
  IA_ROLE_SCHEDULER = 16,
  IA_ROLE_WORKER = 32,
  IA_ROLE_GRAPH = 64,
  IA_ROLE_FRONT = IA_ROLE_LEDGER | IA_ROLE_MARKET | IA_ROLE_IPFS | IA_ROLE_GRAPH,
  IA_ROLE_ALL = IA_ROLE_FRONT | IA_ROLE_SMS | IA_ROLE_SCHEDULER | IA_ROLE_WORKER,
};

enum { IA_DAEMON_LIST_MAX = 32 };

/* What was given by an option that may be repeated, in order. */
typedef struct ia_daemon_list {
  unsigned n;
  const char *v[IA_DAEMON_LIST_MAX];
} ia_daemon_list;

/* Texts are borrowed from argv; NULL or 0 = not given. */
typedef struct ia_daemon_options {
  const char *home;
  const char *role; /* comma-separated */
  const char *host;
  const char *port;
  const char *chain_id;
  const char *rules;
  const char *genesis_seed;
  const char *passphrase_file;
  const char *tls_cert;
  const char *tls_key;
  const char *guest;
  const char *slots;
  const char *drain;      /* seconds */
  const char *app_memory; /* most that this worker gives to one app */
  const char *task_room;  /* size */
  const char *pool;
  const char *worker; /* addresses of foreign workers that the pool admits, comma-separated */
  const char *iapp;   /* NAME=ADDRESS, comma-separated: what the compass answers */
  const char *rpc;    /* our own ledger, elsewhere */
  const char *chain;  /* a node of an EVM chain, instead of a ledger of our own */
  const char *hub;
  const char *dataprotector;
  const char *first_block;
  const char *confirmations;
  const char *max_fee; /* gwei */
  const char *replace_after;
  const char *reorg_depth;           /* blocks */
  const char *release_confirmations; /* blocks above a deal */
  const char *deal_tasks;            /* of one pool order */
  const char *agree;                 /* nodes */
  const char *market;
  const char *sms;
  const char *ipfs;
  const char *scheduler;
  const char *domain; /* of a new SMS: "hw", "sim" */
  const char *log;
  ia_daemon_list host_name;    /* names of ours in Host */
  ia_daemon_list allow_origin; /* pages that may use private and costly routes */
  bool json;
  bool quiet;
  bool test;
  bool allow_fees;
  bool no_hold;
  bool behind_tls_proxy;
  bool allow_swap;
  bool allow_remote_simulation;
  bool help, version;
} ia_daemon_options;

/* Reads options of argv[1..]; words that are none are moved to the front and counted. */
IA_MUST bool ia_daemon_options_read(ia_daemon_options *o, int argc, char **argv, int *n_words,
                                    char ***words, ia_err *e);
void ia_daemon_options_help(FILE *out);
/* The page iappd(1) in scdoc (`iappd __manual`). */
void ia_daemon_options_manual(FILE *out);
/* "ledger,sms" -> bits; NULL = all. USAGE on an unknown name. */
IA_MUST bool ia_roles_parse(unsigned *roles, const char *text, ia_err *e);
/* "sms"; of several bits the first. */
const char *ia_role_name(unsigned role);

#endif
