#include "tee/eventlog.h"

#include "crypto/sha.h"

enum {
  REGISTER_RTMR3 = 4,
  EVENT_TYPE = 0x08001A99,
  ALG_SHA384 = 0x000c,
};

static bool event_digest(ia_h384 *out, ia_domain d, ia_span content, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, d, "event");
  ia_buf_span(&b, content);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_sha384(out->b, ia_buf_view(&b));
  return true;
}

static void extend(ia_h384 *rtmr, const ia_h384 *digest)
{
  uint8_t both[96];

  memcpy(both, rtmr->b, 48);
  memcpy(both + 48, digest->b, 48);
  ia_sha384(rtmr->b, IA_SPAN_ARR(both));
}

bool ia_event_append(ia_buf *log, ia_h384 *rtmr, ia_domain d, const char *name, ia_span payload,
                     ia_err *e)
{
  IA_AUTOV(ia_buf) content = {.cap = IA_EVENTLOG_MAX};
  ia_h384 digest;

  ia_buf_lp_str(&content, name);
  ia_buf_lp(&content, payload);
  if (!ia_buf_ok(&content, e) || !event_digest(&digest, d, ia_buf_view(&content), e))
    return false;
  ia_buf_u32le(log, REGISTER_RTMR3);
  ia_buf_u32le(log, EVENT_TYPE);
  ia_buf_u32le(log, 1);
  ia_buf_u16le(log, ALG_SHA384);
  ia_buf_span(log, IA_SPAN_ARR(digest.b));
  ia_buf_u32le(log, (uint32_t)content.len);
  ia_buf_span(log, ia_buf_view(&content));
  if (!ia_buf_ok(log, e))
    return false;
  extend(rtmr, &digest);
  return true;
}

bool ia_event_next(ia_tee_event *ev, ia_span *log, ia_domain d, ia_err *e)
{
  uint32_t reg = 0, type = 0, count = 0, size = 0;
  uint16_t alg = 0;
  ia_span in = *log, content;
  ia_h384 want;

  if (!ia_span_u32le(&in, &reg) || !ia_span_u32le(&in, &type) || !ia_span_u32le(&in, &count) ||
      !ia_span_u16le(&in, &alg) || !ia_span_copy(&in, ev->digest.b, 48) ||
      !ia_span_u32le(&in, &size) || !ia_span_take(&in, size, &content))
    return ia_fail(e, IA_E_EVENTLOG, "event log: ends within a record");
  if (reg != REGISTER_RTMR3 || type != EVENT_TYPE || count != 1 || alg != ALG_SHA384)
    return ia_fail(e, IA_E_EVENTLOG, "event log: register %u, type 0x%x, %u digests of kind 0x%x",
                   reg, type, count, alg);
  if (!event_digest(&want, d, content, e))
    return false;
  if (memcmp(want.b, ev->digest.b, 48) != 0)
    return ia_fail(e, IA_E_EVENTLOG, "event log: a digest is not that of its content");
  if (!ia_span_lp(&content, &ev->name) || !ia_span_lp(&content, &ev->payload) || content.len > 0)
    return ia_fail(e, IA_E_EVENTLOG, "event log: content is not a name and a payload");
  *log = in;
  return true;
}

bool ia_eventlog_verify(ia_span log, ia_domain d, ia_span descriptor, ia_span rootfs,
                        const ia_h384 *rtmr3, ia_err *e)
{
  const struct {
    const char *name;
    ia_span payload;
  } want[] = {{IA_EVENT_DESCRIPTOR, descriptor}, {IA_EVENT_ROOTFS, rootfs}};
  ia_h384 rtmr = {{0}};

  if (log.len > IA_EVENTLOG_MAX)
    return ia_fail(e, IA_E_EVENTLOG, "event log: %zu bytes", log.len);
  for (size_t i = 0; i < IA_COUNT(want); i++) {
    ia_tee_event ev;

    if (!ia_event_next(&ev, &log, d, e))
      return false;
    if (!ia_span_is(ev.name, want[i].name))
      return ia_fail(e, IA_E_EVENTLOG, "event log: event %zu is not %s", i + 1, want[i].name);
    if (!ia_span_eq(ev.payload, want[i].payload))
      return ia_fail(e, IA_E_EVENTLOG, "event log: %s measures something else", want[i].name);
    extend(&rtmr, &ev.digest);
  }
  if (log.len > 0)
    return ia_fail(e, IA_E_EVENTLOG, "event log: more than two events");
  if (memcmp(rtmr.b, rtmr3->b, 48) != 0)
    return ia_fail(e, IA_E_EVENTLOG, "event log: replay does not give RTMR3 of the quote");
  return true;
}
