/* Inside of push_nonce.c and push.c. */
#ifndef IA_SERVICE_SMS_PUSH_KEY_H
#define IA_SERVICE_SMS_PUSH_KEY_H

#include <pthread.h>

#include "service/sms/push.h"

struct ia_sms_push {
  ia_secret secret; /* X25519, made at the start: what was recorded opens with nothing afterwards */
  ia_h256 key;
  ia_secret mac; /* of nonces */
  pthread_mutex_t lock;
  ia_h256 used[IA_SMS_PUSH_USED]; /* a ring */
  size_t next;
};

#endif
