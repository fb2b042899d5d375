/* Insides of the server; included by src/http/server*.c alone. */
#ifndef IA_HTTP_SERVER_INT_H
#define IA_HTTP_SERVER_INT_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/origin.h"
#include "http/server.h"

enum {
  TABLES_MAX = 24,
  QUERY_MAX = 64,
  PARAMS_MAX = 8,
  SEGMENTS_MAX = 24,
  INPUT = IA_HEAD_MAX + 1, /* bytes of a connection that wait to be read */
  SCRATCH = 256 << 10,     /* most bytes of a body taken at a time */
  RING = 256 << 10,        /* bytes of a streamed body between client and job */
  FILL = 256 << 10,        /* most bytes of one fill of a streamed reply */
  STREAMS_MAX = 24,        /* jobs that read a body at a time: the threads of IA_POOL_STREAMS */
  STREAMS_EACH = 6,        /* of them for one address beyond loopback */
  JOBS_EACH = 4,           /* other jobs at a time for one address beyond loopback */
  STREAM_START = 64 << 10, /* bytes of a body, or all of it, before a job reads it: who sends
                              nothing holds no thread */
  STALL_S = 30,            /* a job waits so long for bytes of a body */
  DISCARD_MAX = 64 << 20,  /* bytes of an unwanted body taken before the connection is cut */
  BODIES_MAX = 256 << 20,  /* bytes of all bodies held in memory */
  STEPS = 32,              /* of one connection before others have their turn */
  TLS_BAD = -2
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
  PH_BODY,    /* taking the body */
  PH_RUNNING, /* a handler has it: a job, or held; or it waits for its turn */
  PH_READY,   /* the reply may be sent */
} phase;

typedef struct ia_conn ia_conn;

struct ia_request {
  ia_server *server;
  ia_conn *conn; /* NULL when the client left while a job ran */
  ia_request *next, **link;
  ia_buf memory; /* head, decoded texts; never grows after it was filled */
  ia_head head;
  ia_span path;
  ia_span segments[SEGMENTS_MAX]; /* of the path, decoded, one after the other in memory */
  size_t n_segments;
  pair query[QUERY_MAX];
  size_t n_query;
  pair params[PARAMS_MAX];
  size_t n_params;
  char peer[64];
  bool local;
  const ia_routes *table;
  const ia_route *route, *nearest; /* nearest: of another method */
  ia_caller caller;
  bool barred; /* a page is told nothing but that */
  phase ph;
  bool in_handler, held, job_running;
  bool unstarted; /* a streamed body that no job reads yet */
  bool queued;    /* it wants a thread, and it is not its turn */
  bool broken;    /* its body is no body: 400 whatever the handler says */
  ia_buf body;
  ring in;
  ia_reply reply;
  bool handler_ok;
  ia_err err;
  ia_timer *hold_timer;
  ia_hold_fn *on_end;
  void *on_end_ctx;
};

/* A reply's bytes that a job makes while the connection waits. */
typedef struct streamer {
  ia_conn *conn;
  ia_body_fill *fill;
  ia_loop_fn *done;
  void *ctx;
  uint64_t left; /* IA_SIZE_UNKNOWN: until the end */
  uint8_t *buf;
  size_t cap, len;
  bool ended, failed;
} streamer;

typedef enum conn_state {
  CONN_TLS,    /* its handshake */
  CONN_HEAD,   /* taking a head, or idle */
  CONN_BODY,   /* taking a body */
  CONN_BUSY,   /* a handler or a fill has the turn: nothing is read or sent */
  CONN_SEND,   /* sending the reply */
  CONN_LINGER, /* the reply was sent; what the client still sends is dropped */
  CONN_DEAD
} conn_state;

struct ia_conn {
  ia_server *server;
  ia_conn *next, **link;
  int fd;
  ia_watch *watch;
  unsigned events;
  struct ssl_st *tls;
  char peer[64];
  bool local;
  conn_state st;
  bool running;
  ia_conn *ready_next, **ready_link; /* link NULL: not among those whose turn it is */
  uint8_t *in;                       /* INPUT, made at first use */
  size_t at, len, scanned;
  ia_request *rq;
  bool keep, chunked, whole; /* whole: the body has been taken */
  uint64_t left;             /* of a body with a length */
  ia_chunks chunks;
  uint64_t since_ms, last_ms, moved;  /* of this state: its begin, its last byte, its bytes */
  uint64_t mark_ms, mark_moved, pace; /* where the window began; bytes a second of the last one */
  unsigned served;                    /* requests that were answered */
  ia_buf out, body;                   /* of the reply */
  struct iovec seg[3];                /* what is left to send */
  streamer *fill;
  bool filling, out_chunked;
};

struct ia_server {
  ia_loop *loop;
  ia_watch *watch;
  ia_timer *timer;
  struct ssl_ctx_st *tls;
  int listen_fd;
  uint16_t port;
  char url[80];
  char *unix_path, *names, *origins;
  bool loopback, run_posted, closing, cors, full;
  unsigned max, per_ip, idle_s, n_conns;
  unsigned streams; /* jobs that read a body */
  unsigned busy;    /* jobs and fills that have not come back */
  uint64_t bodies;  /* bytes of them in memory */
  uint8_t *scratch;
  const ia_routes *tables[TABLES_MAX];
  size_t n_tables;
  ia_conn *conns, *ready, **ready_end;
  ia_request *requests;
};

/* server.c: those who are ready have their turn soon */
void ia_server_kick(ia_server *s);

/* server_listen.c */
IA_MUST bool ia_listen_open(int *fd, ia_server *s, const ia_listen *at, ia_err *e);

/* server_tls.c */
IA_MUST bool ia_tls_open(ia_server *s, const ia_listen *at, ia_err *e);
void ia_tls_close(ia_server *s);
IA_MUST bool ia_tls_start(ia_conn *c);
void ia_tls_say_end(ia_conn *c); /* without TLS: nothing */
void ia_tls_end(ia_conn *c);
/* Bytes moved; 0: wait for *events; -1: the other side ended; TLS_BAD: it failed. */
int ia_tls_handshake(ia_conn *c, unsigned *events);
ssize_t ia_tls_read(ia_conn *c, void *buf, size_t cap, unsigned *events);
ssize_t ia_tls_write(ia_conn *c, const void *p, size_t n, unsigned *events);

/* server_conn.c: connections */
void ia_conn_accept(void *server, unsigned events);
void ia_conn_run(ia_conn *c); /* as far as it goes; c may be gone after */
/* Ends it now; not while it is BUSY. */
void ia_conn_kill(ia_conn *c);
/* Its request has news. */
void ia_conn_wake(ia_conn *c);
void ia_conn_wants(ia_conn *c, unsigned events);
void ia_conn_state(ia_conn *c, conn_state st);
ssize_t ia_conn_read(ia_conn *c, void *buf, size_t cap);
void ia_conn_run_ready(ia_server *s);

/* server_body.c: one step; true: go on, false: it waits */
bool ia_conn_body(ia_conn *c);
bool ia_conn_linger(ia_conn *c);

/* server_send.c */
/* The reply of its request becomes what is sent. */
void ia_conn_answer(ia_conn *c);
bool ia_conn_send(ia_conn *c);
void ia_conn_send_free(ia_conn *c);

/* server_limits.c: who waits too long, who gives way */
void ia_limits_tick(void *server);
/* Makes room for one more connection (of peer, or NULL = any); false when nobody gives way. */
bool ia_limits_evict(ia_server *s, const char *peer);
/* Bodies in memory have grown. */
void ia_limits_bodies(ia_server *s);
/* Somebody waits for a thread that reads bodies: the slowest of those who have one gives way. */
void ia_limits_streams(ia_server *s);
/* Whether that request's address has its share of threads. */
bool ia_limits_may_run(const ia_request *rq);

/* server_route.c: parse the request and find its route; false with the error to answer. */
ia_request *ia_request_new(ia_conn *c, ia_span head);
IA_MUST bool ia_request_begin(ia_request *rq, ia_span head, ia_err *e);
/* allow: methods of the routes on this path, when none fits. */
IA_MUST bool ia_request_route(ia_request *rq, char *allow, size_t size, ia_err *e);

/* server_gate.c */
IA_MUST bool ia_gate_host(ia_request *rq, ia_err *e);
IA_MUST bool ia_gate_route(ia_request *rq, const ia_route *r, ia_err *e);
void ia_gate_answer(ia_request *rq); /* what browsers are told of the answer */

/* server_run.c: the life of a request */
void ia_request_start(ia_request *rq, ia_span head); /* its head has come */
/* A piece of its body. At most ia_request_room bytes. */
void ia_request_take(ia_request *rq, ia_span piece);
size_t ia_request_room(ia_request *rq);                 /* 0: it will be woken */
void ia_request_whole(ia_request *rq);                  /* its body has ended */
void ia_request_break(ia_request *rq, const char *why); /* its body is none */
void ia_request_left(ia_request *rq);                   /* its connection has gone */
void ia_request_free(ia_request *rq);
void ia_request_end_hold(ia_request *rq);

/* server_ring.c */
IA_MUST bool ia_ring_init(ring *r);
void ia_ring_free(ring *r);
size_t ia_ring_room(ring *r); /* 0: whoever takes bytes says so */
void ia_ring_push(ring *r, ia_span data);
void ia_ring_end(ring *r, bool gone);

/* server_reply.c */
/* Next pair of a header list; false at its end. */
bool ia_reply_next(ia_span *in, const char **name, const char **value);
void ia_reply_free(ia_reply *rp);
void ia_reply_refuse(ia_request *rq, const ia_err *err);

#endif
