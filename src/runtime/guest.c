/* One guest: box, stream, frames. */
#include "runtime/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/causes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/frame.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/size.h"
#include "sandbox/guestbox.h"

struct ia_guest {
  ia_guestbox *box;
  int fd;
  ia_frame_reader in;
  char build[64];
};

/* Payload of a frame as a JSON object. */
static json_t *object(const ia_frame *f, ia_err *e)
{
  json_t *v = ia_json_parse(f->payload, 0, e);

  if (!v)
    (void)ia_wrap(e, "guest: %s", ia_frame_name(f->type));
  return v;
}

static bool send_json(ia_guest *g, uint8_t type, uint32_t stream, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "frame");
  return ia_json_write(&text, v, e) && ia_frame_write(g->fd, type, stream, ia_buf_view(&text), e);
}

static bool start_box(ia_guest *g, const ia_guest_spec *s, int stream, ia_err *e)
{
  char name[32], memory[24];
  const char *argv[] = {"iapp-guest", "--memory", memory, s->local ? "--local" : NULL, NULL};
  const ia_sandbox_bind image = {.source = s->images, .target = "/image"};
  uint64_t app = s->app_memory ? s->app_memory : IA_APP_MEMORY;
  uint64_t room = s->room ? s->room : IA_GUEST_ROOM;

  (void)snprintf(name, sizeof(name), "guest-%u", s->slot);
  (void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)app);
  ia_guestbox_spec box = {
      .name = name,
      .exe = s->exe,
      .argv = argv,
      .binds = &image,
      .n_binds = 1,
      .memory_bytes = app + room,
      .data_bytes = room,
      .uid_base = IA_SANDBOX_UID_BASE + s->slot * IA_SANDBOX_UID_COUNT,
      .uid_count = IA_SANDBOX_UID_COUNT,
      .stream_fd = stream,
      .stderr_fd = s->stderr_fd,
      .allow_swap = s->allow_swap,
  };
  return ia_guestbox_start(&g->box, &box, e);
}

static bool hello(ia_guest *g, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  const char *build;
  uint64_t version;
  ia_frame f;

  if (!ia_frame_read(&g->in, &f, IA_GUEST_HELLO_MS, e))
    return ia_wrap(e, "guest does not start");
  if (f.type != IA_FRAME_HELLO)
    return ia_fail(e, IA_E_PARSE, "guest: %s before HELLO", ia_frame_name(f.type));
  v = object(&f, e);
  if (!v || !ia_json_get_u64(v, "v", &version, e) || !ia_json_get_str(v, "build", &build, e))
    return false;
  if (version != 1)
    return ia_fail(e, IA_E_UNSUPPORTED, "guest speaks version %llu", (unsigned long long)version);
  (void)snprintf(g->build, sizeof(g->build), "%s", build);
  return true;
}

bool ia_guest_start(ia_guest **out, const ia_guest_spec *spec, ia_err *e)
{
  IA_AUTO(ia_guest) *g = calloc(1, sizeof(*g));
  int pair[2];

  *out = NULL;
  if (!g)
    return ia_fail(e, IA_E_MEMORY, "guest");
  g->fd = -1;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return ia_fail_errno(e, "guest stream");
  g->fd = pair[0];
  ia_autoclose int theirs = pair[1];
  ia_frame_reader_init(&g->in, g->fd);
  if (!start_box(g, spec, theirs, e))
    return false;
  close(theirs); /* the guest's end must be the only one, or its death is not seen */
  theirs = -1;
  if (!hello(g, e))
    return false;
  *out = ia_steal(&g);
  return true;
}

void ia_guest_close(ia_guest *g)
{
  if (!g)
    return;
  if (g->fd >= 0) {
    ia_frame_reader_free(&g->in);
    close(g->fd);
  }
  ia_guestbox_close(g->box);
  free(g);
}

bool ia_guest_prepare(ia_guest *g, const ia_h256 *image, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s}", "appDigest", ia_h256_text(image).s);

  return send_json(g, IA_FRAME_PREPARE, 0, v, e);
}

void ia_guest_stop(ia_guest *g)
{
  ia_guestbox_kill(g->box);
}

const char *ia_guest_build(const ia_guest *g)
{
  return g->build;
}

void ia_guest_outcome_free(ia_guest_outcome *o)
{
  json_decref(o->run);
  json_decref(o->usage);
  *o = (ia_guest_outcome){0};
}

/* -- serving -- */
typedef struct session {
  ia_guest *g;
  ia_guest_outcome *out;
  const ia_guest_run_options *o;
  const ia_guest_calls *calls;
  bool ended;
  /* the one upload under way */
  int put_fd;
  uint32_t put_stream;
  char put_name[16];
  uint64_t put_size, put_got;
} session;

static bool answer(session *s, const ia_frame *f, ia_span payload, ia_err *e)
{
  return ia_frame_write(s->g->fd, f->type, f->stream, payload, e);
}

static bool on_quote(session *s, const ia_frame *f, ia_err *e)
{
  IA_AUTOV(ia_buf) quote = {0}, aux = {0}, payload = {0};

  if (f->payload.len != 64 || !s->calls->quote)
    return ia_fail(e, IA_E_PARSE, "guest: QUOTE out of form");
  if (!s->calls->quote(s->calls->ctx, f->payload, &quote, &aux, e))
    return false;
  ia_buf_lp(&payload, ia_buf_view(&quote));
  ia_buf_lp(&payload, ia_buf_view(&aux));
  return ia_buf_ok(&payload, e) && answer(s, f, ia_buf_view(&payload), e);
}

static bool on_extend(session *s, const ia_frame *f, ia_err *e)
{
  if (f->payload.len != 48 || !s->calls->extend)
    return ia_fail(e, IA_E_PARSE, "guest: EXTEND out of form");
  return s->calls->extend(s->calls->ctx, f->payload, e) && answer(s, f, ia_span_str(""), e);
}

/* {"error":{..}} of a failure on the host's side. */
static json_t *error_object(const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);

  return json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(err->code), "message",
                   said.msg, "hint", said.hint);
}

static bool on_post(session *s, const ia_frame *f, ia_err *e)
{
  static const char *const paths[] = {"/attest/v1/challenge", "/attest/v1/release"};
  ia_span in = f->payload, path;
  IA_AUTOV(ia_buf) body = {0}, payload = {0};
  const char *known = NULL;
  ia_err why = {0};
  int status = 0;

  if (!ia_span_lp(&in, &path))
    return ia_fail(e, IA_E_PARSE, "guest: POST out of form");
  for (size_t i = 0; i < IA_COUNT(paths); i++)
    known = ia_span_is(path, paths[i]) ? paths[i] : known;
  if (!known || !s->calls->post)
    return ia_fail(e, IA_E_PARSE, "guest: POST to a path that is not relayed");
  if (!s->calls->post(s->calls->ctx, known, in, &status, &body, &why)) {
    IA_AUTO_JSON *v = error_object(&why);

    status = 503;
    ia_buf_clear(&body);
    if (!v || !ia_json_write(&body, v, e))
      return false;
  }
  ia_buf_u16be(&payload, (uint16_t)status);
  ia_buf_span(&payload, ia_buf_view(&body));
  return ia_buf_ok(&payload, e) && answer(s, f, ia_buf_view(&payload), e);
}

typedef struct fetch_sink {
  session *s;
  const ia_frame *f;
  bool broken; /* the stream to the guest, not the source */
} fetch_sink;

static bool fetch_write(void *arg, ia_span data, ia_err *e)
{
  static const uint8_t chunk = IA_PART_CHUNK;
  fetch_sink *k = arg;
  ia_span piece;

  while (data.len > 0) {
    if (!ia_span_take(&data, data.len < IA_FRAME_CHUNK ? data.len : IA_FRAME_CHUNK, &piece))
      return false;
    if (!ia_frame_write2(k->s->g->fd, k->f->type, k->f->stream, ia_span_of(&chunk, 1), piece, e)) {
      k->broken = true;
      return false;
    }
  }
  return true;
}

static bool on_fetch(session *s, const ia_frame *frame, ia_err *e)
{
  static const uint8_t end = IA_PART_END, error = IA_PART_ERROR;
  IA_AUTO_JSON *v = object(frame, e), *failure = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_guest_file file = {0};
  ia_frame f = *frame; /* the payload dies with the next read; stream and type are kept */
  fetch_sink sink = {s, &f, false};
  ia_err why = {0};

  if (!v || !ia_json_get_str(v, "kind", &file.kind, e) ||
      !ia_json_get_str(v, "uri", &file.uri, e) || !ia_json_get_u64(v, "max", &file.max, e))
    return false;
  if (!s->calls->fetch)
    return ia_fail(e, IA_E_PARSE, "guest: FETCH where nothing is fetched");
  if (s->calls->fetch(s->calls->ctx, &file, fetch_write, &sink, &why))
    return answer(s, &f, ia_span_of(&end, 1), e);
  if (sink.broken)
    return ia_fail(e, IA_E_UNAVAILABLE, "guest: gone while it was given a file");
  ia_log(IA_LOG_WARN, "guest.fetch", "kind=%s code=%s message=%s", file.kind,
         ia_code_name(why.code), why.msg);
  why = ia_err_utf8(&why);
  failure = json_pack("{s:s, s:s, s:I}", "code", ia_code_name(why.code), "message", why.msg, "size",
                      (json_int_t)file.size);
  if (!failure || !ia_json_write(&text, failure, e))
    return false;
  return ia_frame_write2(s->g->fd, f.type, f.stream, ia_span_of(&error, 1), ia_buf_view(&text), e);
}

static bool put_begin(session *s, const ia_frame *f, ia_err *e)
{
  IA_AUTO_JSON *v = object(f, e);
  const char *name;

  if (!v || !ia_json_get_str(v, "name", &name, e) || !ia_json_get_u64(v, "size", &s->put_size, e))
    return false;
  if ((strcmp(name, "result") != 0 && strcmp(name, "logs") != 0) || !s->calls->put)
    return ia_fail(e, IA_E_PARSE, "guest: PUT of what is not kept");
  if (s->put_size > s->o->put_max)
    return ia_fail(e, IA_E_TOO_LARGE, "guest: PUT of %llu bytes", (unsigned long long)s->put_size);
  (void)snprintf(s->put_name, sizeof(s->put_name), "%s", name);
  /* no name: whatever ends us leaves nothing behind */
  s->put_fd = open(s->o->tmp, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (s->put_fd < 0)
    return ia_fail_errno(e, "%s", s->o->tmp);
  s->put_stream = f->stream;
  s->put_got = 0;
  return true;
}

static bool put_end(session *s, const ia_frame *f, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  ia_autoclose int fd = s->put_fd;
  char cid[64] = "";
  ia_err why = {0};

  s->put_fd = -1;
  if (s->put_got != s->put_size)
    return ia_fail(e, IA_E_PARSE, "guest: PUT shorter than said");
  if (lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "upload");
  bool ok = s->calls->put(s->calls->ctx, s->put_name, fd, s->put_size, cid, &why);
  if (!ok)
    ia_log(IA_LOG_WARN, "guest.put", "name=%s code=%s message=%s", s->put_name,
           ia_code_name(why.code), why.msg);
  v = ok ? json_pack("{s:s}", "cid", cid) : error_object(&why);
  return send_json(s->g, f->type, f->stream, v, e);
}

static bool on_put(session *s, const ia_frame *f, ia_err *e)
{
  ia_span in = f->payload;
  uint8_t part;

  if (s->put_fd < 0)
    return put_begin(s, f, e);
  if (f->stream != s->put_stream || !ia_span_u8(&in, &part))
    return ia_fail(e, IA_E_PARSE, "guest: PUT out of order");
  if (part == IA_PART_END && in.len == 0)
    return put_end(s, f, e);
  if (part != IA_PART_CHUNK || in.len > s->put_size - s->put_got)
    return ia_fail(e, IA_E_PARSE, "guest: PUT longer than said");
  s->put_got += in.len;
  return ia_fd_write_all(s->put_fd, in, e);
}

/* The guest's own words: one line, shown without control bytes by the log. */
static bool on_log(session *s IA_UNUSED, const ia_frame *f, ia_err *e IA_UNUSED)
{
  ia_log(IA_LOG_INFO, "guest", "text=%.*s", (int)(f->payload.len < 500 ? f->payload.len : 500),
         (const char *)f->payload.ptr);
  return true;
}

static bool on_usage(session *s, const ia_frame *f, ia_err *e)
{
  json_decref(s->out->usage);
  s->out->usage = object(f, e);
  return s->out->usage != NULL;
}

static bool on_run(session *s, const ia_frame *f, ia_err *e)
{
  if (s->out->run)
    return ia_fail(e, IA_E_PARSE, "guest: RUN twice");
  s->out->run = object(f, e);
  return s->out->run != NULL;
}

static bool on_started(session *s, const ia_frame *f IA_UNUSED, ia_err *e IA_UNUSED)
{
  if (s->calls->started)
    s->calls->started(s->calls->ctx);
  return true;
}

static bool on_end(session *s, const ia_frame *f, ia_err *e)
{
  IA_AUTO_JSON *v = object(f, e);
  const char *cause, *message;

  if (!v || !ia_json_get_str(v, "cause", &cause, e) || !ia_json_get_str(v, "message", &message, e))
    return false;
  if (!ia_cause_check(cause, e))
    return ia_wrap(e, "guest: END");
  (void)snprintf(s->out->cause, sizeof(s->out->cause), "%s", cause);
  (void)snprintf(s->out->message, sizeof(s->out->message), "%s", message);
  const char *hint = json_string_value(json_object_get(v, "hint"));
  (void)snprintf(s->out->hint, sizeof(s->out->hint), "%s", hint ? hint : "");
  s->ended = true;
  return true;
}

typedef bool (*frame_fn)(session *s, const ia_frame *f, ia_err *e);
static const frame_fn frame_fns[IA_FRAME_LAST + 1] = {
    [IA_FRAME_QUOTE] = on_quote,     [IA_FRAME_POST] = on_post,     [IA_FRAME_FETCH] = on_fetch,
    [IA_FRAME_PUT] = on_put,         [IA_FRAME_EXTEND] = on_extend, [IA_FRAME_LOG] = on_log,
    [IA_FRAME_USAGE] = on_usage,     [IA_FRAME_RUN] = on_run,       [IA_FRAME_END] = on_end,
    [IA_FRAME_STARTED] = on_started,
};

static bool serve(session *s, ia_err *e)
{
  uint64_t until = ia_mono_ms() + s->o->wall_ms;

  while (!s->ended) {
    uint64_t now = ia_mono_ms();
    uint64_t left = now < until ? until - now : 0;
    ia_frame f;

    if (!ia_frame_read(&s->g->in, &f, left > INT32_MAX ? INT32_MAX : (int)left, e))
      return false;
    if (f.type > IA_FRAME_LAST || !frame_fns[f.type])
      return ia_fail(e, IA_E_PARSE, "guest: %s out of place", ia_frame_name(f.type));
    if (!frame_fns[f.type](s, &f, e))
      return false;
  }
  return true;
}

bool ia_guest_run(ia_guest *g, ia_guest_outcome *out, const ia_guest_run_options *o,
                  const ia_guest_calls *calls, ia_err *e)
{
  session s = {.g = g, .out = out, .o = o, .calls = calls, .put_fd = -1};

  *out = (ia_guest_outcome){0};
  bool ok = send_json(g, IA_FRAME_TASK, 0, o->task, e) && serve(&s, e);
  if (s.put_fd >= 0)
    close(s.put_fd);
  return ok;
}
