/* Insides of the server; included by src/http/server_*.c alone. */
#ifndef IA_HTTP_SERVER_INT_H
#define IA_HTTP_SERVER_INT_H

#include <pthread.h>
#include <sys/types.h>

#include <microhttpd.h>

#include "http/fields.h"
#include "http/server.h"

enum {
  TABLES_MAX = 24,
  FIELDS_MAX = 100,
  QUERY_MAX = 64,
  PARAMS_MAX = 8,
  SEGMENTS_MAX = 24,
  RING = 256 << 10, /* bytes of a streamed body between client and job */
  FILL = 256 << 10, /* most bytes of one fill of a streamed reply */
  STREAMS_MAX = 6,  /* jobs that read a body at a time: slow senders leave threads for others */
  STREAM_START = 64 << 10, /* bytes of a body, or all of it, before a job reads it: who sends
                              nothing holds no thread */
  STALL_S = 30,            /* a body that stands still so long ends */
  DISCARD_MAX = 64 << 20,  /* bytes of an unwanted body taken before the connection is cut */
};

typedef enum reply_kind { REPLY_BYTES, REPLY_FILE, REPLY_STREAM } reply_kind;

struct ia_reply {
  int status;
  ia_buf headers; /* name NUL value NUL ... */
  ia_buf body;
  reply_kind kind;
  bool bad;
  int fd;
  uint64_t from, size; /* size also of a stream */
  ia_body_fill *fill;
  ia_loop_fn *done;
  void *stream_ctx;
};

typedef struct pair {
  ia_span name, value;
} pair;

/* Body bytes on their way from the loop's thread to a job. */
typedef struct ring {
  pthread_mutex_t lock;
  pthread_cond_t more;
  uint8_t *bytes; /* RING, made at first use */
  size_t at, len;
  uint64_t total;
  bool made, eof, gone, over, want_room;
} ring;

typedef enum phase {
  PH_NEW,
  PH_BODY,    /* taking the body */
  PH_RUNNING, /* a handler has it: a job, or held */
  PH_READY,   /* the reply may be queued */
  PH_SENT,
} phase;

struct ia_request {
  ia_server *server;
  struct MHD_Connection *conn; /* NULL when the client left while a job ran */
  ia_request *next, **link;
  ia_buf memory; /* method, target, fields, decoded texts; never grows after it was filled */
  ia_span method, target, path;
  ia_span segments[SEGMENTS_MAX]; /* of the path, decoded, one after the other in memory */
  size_t n_segments;
  ia_field fields[FIELDS_MAX];
  size_t n_fields;
  pair query[QUERY_MAX];
  size_t n_query;
  pair params[PARAMS_MAX];
  size_t n_params;
  char peer[64];
  bool local;
  const ia_routes *table;
  const ia_route *route;
  phase ph;
  bool suspended, in_handler, held, refused, job_running;
  bool unstarted; /* a streamed body that no job reads yet */
  bool queued;    /* it wants one, and none is free */
  uint64_t discarded;
  ia_buf body;
  ring in;
  ia_reply reply;
  bool handler_ok;
  ia_err err;
  ia_timer *hold_timer;
  ia_hold_fn *on_end;
  void *on_end_ctx;
};

struct ia_server {
  ia_loop *loop;
  struct MHD_Daemon *daemon;
  ia_watch *watch;
  ia_timer *timer;
  int listen_fd;
  uint16_t port;
  char url[80];
  char *unix_path, *cert, *key;
  bool loopback;
  bool run_posted, closing, cors;
  unsigned streams; /* jobs that read a body */
  unsigned busy;    /* jobs and fills that have not come back */
  const ia_routes *tables[TABLES_MAX];
  size_t n_tables;
  ia_request *requests;
};

/* server_listen.c */
IA_MUST bool ia_listen_open(int *fd, ia_server *s, const ia_listen *at, ia_err *e);

/* server_route.c: parse the request and find its route; false with the error to answer. */
ia_request *ia_request_new(ia_server *s, const char *target);
IA_MUST bool ia_request_begin(ia_request *rq, const char *method, ia_err *e);
/* allow: methods of the routes on this path, when none fits. */
IA_MUST bool ia_request_route(ia_request *rq, char *allow, size_t size, ia_err *e);

/* server_run.c: the life of a request */
enum MHD_Result ia_server_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **con_cls);
void ia_server_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode toe);
void ia_request_free(ia_request *rq);
void ia_request_suspend(ia_request *rq);
void ia_request_resume(ia_request *rq);
void ia_request_end_hold(ia_request *rq);
void ia_server_kick(ia_server *s); /* run the daemon soon */

/* server_ring.c */
IA_MUST bool ia_ring_init(ring *r);
void ia_ring_free(ring *r);
/* How many bytes went in; all when nobody reads any more. */
size_t ia_ring_push(ring *r, ia_span data);
void ia_ring_end(ring *r, bool gone);

/* server_reply.c */
void ia_reply_free(ia_reply *rp);
enum MHD_Result ia_reply_queue(ia_request *rq);
void ia_reply_refuse(ia_request *rq, const ia_err *err);

#endif
