/* The measured events of a guest (docs/release.md 2): exactly two, in RTMR3, before any task data
 * is read. A record is a TCG crypto-agile one, integers little-endian: u32 4 | u32 0x08001A99 | u32
 * 1 | u16 0x000c | digest[48] | u32 size | LP(name) || LP(payload) digest =
 * SHA-384(LP("iapp-event/v1") || LP(name) || LP(payload)) */
#ifndef IA_TEE_EVENTLOG_H
#define IA_TEE_EVENTLOG_H

#include "base/types.h"
#include "tee/domain.h"

#define IA_EVENT_DESCRIPTOR "iapp-descriptor" /* payload: D */
#define IA_EVENT_ROOTFS     "iapp-rootfs"     /* payload: appDigest, or a 32-byte verity root */

enum { IA_EVENTLOG_MAX = 64 << 10 };

/* Extends *rtmr by the event and appends its record to the log. A register starts as zero bytes. */
IA_MUST bool ia_event_append(ia_buf *log, ia_h384 *rtmr, ia_domain d, const char *name,
                             ia_span payload, ia_err *e);

typedef struct ia_tee_event {
  ia_span name;
  ia_span payload;
  ia_h384 digest;
} ia_tee_event;

/* Takes the next record; EVENTLOG when it is malformed or its digest is not that of its content. */
IA_MUST bool ia_event_next(ia_tee_event *ev, ia_span *log, ia_domain d, ia_err *e);

/* The log is exactly the two events with these payloads, and replaying it gives rtmr3; else
 * EVENTLOG. */
IA_MUST bool ia_eventlog_verify(ia_span log, ia_domain d, ia_span descriptor, ia_span rootfs,
                                const ia_h384 *rtmr3, ia_err *e);

#endif
