/* An app's output for its requester, who proves herself by a signed challenge. What an enclave
 * sealed is opened by nobody here: then one line says how to read it (docs/release.md 8). */
#include <stdio.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "client/to_blobs.h"
#include "eth/address.h"
#include "eth/challenge.h"
#include "receipt/run.h"
#include "service/scheduler/internal.h"

enum { CHALLENGE_S = 3600, LOGS_MAX = 1 << 20 };

static const char domain_name[] = "iExec Core";
static const char challenge_text[] = "Sign this message to log into iExec Core: ";

/* -- the challenge -- */

bool sch_challenges_open(ia_scheduler *s, ia_err *e)
{
  return ia_challenges_new(&s->challenges, domain_name, challenge_text, CHALLENGE_S, e);
}

static json_t *typed_data(uint64_t chain_id, const char *text)
{
  return json_pack("{s:{s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}], s:[{s:s, s:s}]}, s:s,"
                   " s:{s:s, s:s, s:I}, s:{s:s}}",
                   "types", "EIP712Domain", "name", "name", "type", "string", "name", "version",
                   "type", "string", "name", "chainId", "type", "uint256", "Challenge", "name",
                   "challenge", "type", "string", "primaryType", "Challenge", "domain", "name",
                   domain_name, "version", "1", "chainId", (json_int_t)chain_id, "message",
                   "challenge", text);
}

bool sch_logs_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;
  ia_span address;
  uint64_t chain;
  ia_addr who;

  if (!ia_request_query(rq, "address", &address) || !ia_addr_parse(&who, address, e))
    return ia_fail(e, IA_E_INVALID, "challenge: want ?address=0x..");
  if (!ia_challenge_make(s->challenges, &text, &who, ia_now(), e))
    return false;
  ia_buf_u8(&text, 0);
  if (!ia_buf_ok(&text, e))
    return false;
  pthread_mutex_lock(&s->auth_lock);
  chain = s->auth_chain;
  pthread_mutex_unlock(&s->auth_lock);
  v = typed_data(chain, (const char *)text.ptr);
  return ia_reply_json(rp, 200, v, e);
}

/* Authorization: <digest>_<signature>_<address> */
static bool authorized(ia_scheduler *s, ia_request *rq, ia_addr *who, ia_err *e)
{
  ia_span field = ia_request_header(rq, "Authorization"), digest, sig, address;
  IA_AUTOV(ia_buf) raw = {.cap = 128};
  const uint8_t *a, *b;
  uint64_t chain;
  ia_h256 h;

  a = field.len ? memchr(field.ptr, '_', field.len) : NULL;
  b = a ? memchr(a + 1, '_', field.len - (size_t)(a + 1 - field.ptr)) : NULL;
  if (!b)
    return ia_fail(e, IA_E_UNAUTHORIZED, "logs are for the requester: sign a challenge first");
  digest = ia_span_of(field.ptr, (size_t)(a - field.ptr));
  sig = ia_span_of(a + 1, (size_t)(b - a - 1));
  address = ia_span_of(b + 1, field.len - (size_t)(b + 1 - field.ptr));
  pthread_mutex_lock(&s->auth_lock);
  chain = s->auth_chain;
  pthread_mutex_unlock(&s->auth_lock);
  if (!ia_h256_parse(&h, digest) || !ia_unhex_buf(&raw, sig) ||
      !ia_addr_parse(who, address, NULL) || !ia_sig_verify(who, &h, ia_buf_view(&raw), NULL) ||
      !ia_challenge_take(s->challenges, chain, who, &h, ia_now(), NULL))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the signed challenge is not one of ours, or was used");
  return true;
}

/* -- the logs -- */

/* The last attempt that left logs. */
static bool find(ia_scheduler *s, const ia_h256 *id, ia_addr *requester, ia_addr *worker,
                 json_t **parts, ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;
  bool row, ok;

  sch_lock(held);
  if (!ia_db_stmt(&st, s->db,
                  "SELECT d.requester, a.worker, a.parts FROM tasks t"
                  " JOIN deals d ON d.deal_id = t.deal_id LEFT JOIN attempts a"
                  " ON a.task_id = t.task_id AND a.parts IS NOT NULL"
                  " WHERE t.task_id = $1 ORDER BY a.fencing DESC LIMIT 1",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "no such task here");
  ok = ia_col_addr(st, 0, requester, e) && (ia_col_null(st, 1) || ia_col_addr(st, 1, worker, e));
  if (ok && !ia_col_null(st, 2))
    *parts = ia_json_parse(ia_col_bytes(st, 2), IA_JSON_ANY, NULL);
  ia_stmt_reset(st);
  return ok;
}

/* Text of one stream {"head","tail","total"}; bytes that are no UTF-8 become '?'. */
static json_t *stream_text(const json_t *v)
{
  IA_AUTOV(ia_buf) text = {0};
  uint64_t total = 0;

  if (!ia_json_get_base64(v, "head", &text, NULL))
    return json_string("");
  size_t head = text.len;
  IA_AUTOV(ia_buf) tail = {0};
  if (ia_json_get_base64(v, "tail", &tail, NULL) && ia_json_get_u64(v, "total", &total, NULL) &&
      total > head + tail.len)
    ia_buf_printf(&text, "\n[%llu bytes left out]\n",
                  (unsigned long long)(total - head - tail.len));
  ia_buf_span(&text, ia_buf_view(&tail));
  if (!ia_utf8_valid(ia_buf_view(&text))) {
    for (size_t i = 0; i < text.len; i++) {
      if (text.ptr[i] >= 0x80)
        text.ptr[i] = '?';
    }
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == 0)
      text.ptr[i] = ' ';
  }
  return ia_json_bytes(ia_buf_view(&text));
}

/* Clear logs lie in the blob store under the CID that the enclave signed. */
static bool clear_logs(ia_scheduler *s, const ia_run *run, json_t *line, ia_err *e)
{
  ia_autoclose int fd = memfd_create("logs", MFD_CLOEXEC);
  IA_AUTO(ia_http) *http = NULL;
  IA_AUTO_JSON *v = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_net net = {.ipfs = s->ipfs};

  if (fd < 0)
    return ia_fail_errno(e, "memfd");
  if (!ia_http_new(&http, NULL, e))
    return false;
  net.http = http;
  if (!ia_to_blobs_get(&net, fd, run->logs.cid, e) || lseek(fd, 0, SEEK_SET) != 0 ||
      !ia_fd_read_all(&text, fd, LOGS_MAX, e))
    return false;
  v = ia_json_parse(ia_buf_view(&text), 0, e);
  if (!v)
    return false;
  json_object_set_new(line, "stdout", stream_text(json_object_get(v, "stdout")));
  json_object_set_new(line, "stderr", stream_text(json_object_get(v, "stderr")));
  return true;
}

static bool line_of(ia_scheduler *s, const ia_h256 *id, const json_t *parts, json_t *line,
                    ia_err *e)
{
  const json_t *envelope = json_object_get(json_object_get(parts, "run"), "run");
  IA_AUTOV(ia_run) run = {0};
  char text[256];
  ia_addr signer;

  if (!json_is_object(envelope) || !ia_run_open(&run, &signer, envelope, NULL) || !run.logs.there) {
    (void)snprintf(text, sizeof(text), "This task left no logs.");
  } else if (!run.logs.encrypted) {
    return clear_logs(s, &run, line, e);
  } else {
    (void)snprintf(text, sizeof(text),
                   "The logs are sealed to the result key: read them with `iapp debug %s`.",
                   ia_h256_text(id).s);
  }
  json_object_set_new(line, "stdout", json_string(text));
  json_object_set_new(line, "stderr", json_string(""));
  return true;
}

bool sch_logs(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  IA_AUTO_JSON *parts = NULL;
  IA_AUTO_JSON *line = NULL;
  IA_AUTO_JSON *answer = NULL;
  ia_addr who, requester, worker = {{0}}, asked;
  ia_h256 id;

  if (!sch_task_of(rq, &id, e) || !authorized(s, rq, &who, e) ||
      !find(s, &id, &requester, &worker, &parts, e))
    return false;
  if (!ia_addr_eq(&who, &requester))
    return ia_fail(e, IA_E_FORBIDDEN, "logs are for the requester of the task alone");
  if (ia_request_param(rq, "worker").len > 0 &&
      (!sch_replicate_worker(rq, &asked, e) || !ia_addr_eq(&asked, &worker)))
    return e && e->code == IA_E_INVALID
               ? false
               : ia_fail(e, IA_E_NOT_FOUND, "there are no logs of that worker");
  line = json_pack("{s:o}", "walletAddress", ia_json_addr(&worker));
  if (!line || !line_of(s, &id, parts, line, e))
    return false;
  answer = ia_request_param(rq, "worker").len > 0 ? json_incref(line)
                                                  : json_pack("{s:[O]}", "computeLogsList", line);
  return ia_reply_json(rp, 200, answer, e);
}
