/* The channel between the supervisor and a role: a socket pair, one line of JSON each way. The
 * supervisor sends the role its configuration and, on a second descriptor, the passphrase of its
 * keys; the role answers once, {"ready":{..}} or {"error":{..}}. Its end means that the other side
 * has ended. */
#ifndef IA_DAEMON_CONTROL_H
#define IA_DAEMON_CONTROL_H

#include "base/json.h"
#include "base/secret.h"

enum {
  IA_CONTROL_FD = 3,    /* in a role's process */
  IA_PASSPHRASE_FD = 4, /* in a role's process: a pipe that holds the passphrase */
  IA_LISTEN_FD = 5, /* in a role's process that serves: its socket, which the supervisor holds */
  IA_CONTROL_MAX = 1 << 18,
};

IA_MUST bool ia_control_send(int fd, const json_t *line, ia_err *e);
/* Blocks until a whole line is there. *out is a new reference. UNAVAILABLE at the end. */
IA_MUST bool ia_control_receive(int fd, json_t **out, ia_err *e);
/* Takes what is there without waiting into buf; *out stays NULL until a line is whole. False when
 * the other side has ended or speaks nonsense. */
IA_MUST bool ia_control_take(int fd, ia_buf *buf, json_t **out, ia_err *e);

#endif
