/* A host and an SMS for tests of the guest: the real guest in its box, everything around it ours,
 * with places where a hostile one changes what it says. */
#ifndef IA_TESTS_GUEST_HOST_H
#define IA_TESTS_GUEST_HOST_H

#include "base/file.h"
#include "base/frame.h"
#include "base/json.h"
#include "crypto/rsa.h"
#include "image/store.h"
#include "sandbox/guestbox.h"
#include "tee/descriptor.h"
#include "tee/release.h"

#define MARKER "Zebra-7f3a91-Marker"

/* What is wrong with the second dataset of a slice, whose key is released then. */
typedef enum fake_bad {
  BAD_NOTHING,
  BAD_KEY_TEXT,  /* the released key is no key */
  BAD_KEY_OTHER, /* it is another one */
  BAD_BYTES,     /* other bytes than were registered */
  BAD_NO_BYTES,  /* the host cannot fetch them */
  BAD_ARCHIVE,   /* the registered bytes hold no archive */
  BAD_LENGTH,    /* they are no ciphertext */
  BAD_FITS,      /* nothing, but there is no room for both */
} fake_bad;

/* Changes of one run; zeroes are honest. */
typedef struct fake_plan {
  const char *argv;          /* first argument of the app; NULL = none */
  void (*hints)(json_t *);   /* TASK before it is sent */
  void (*task)(json_t *);    /* the item task before it is sealed */
  void (*release)(json_t *); /* the SMS's answer on its way */
  bool gullible;             /* the SMS seals whatever the evidence says */
  bool other_sms;            /* another key signs the release */
  bool wrong_data_key, bad_data, bad_cid, no_data, late_end;
  bool encrypt;         /* results sealed to the requester's key */
  const char *logs;     /* "sealed" by default */
  const json_t *replay; /* the release of an earlier run instead of a fresh one */
  bool local;           /* --local, and a local task */
  bool local_task;      /* a local task for a guest of the network */
  bool callback, file, no_dataset;
  bool prepare;       /* the image is announced before the task */
  bool bulk;          /* a slice of two datasets; the SMS releases no key of the second */
  bool silent;        /* and does not say so */
  fake_bad second;    /* with bulk: both keys are released */
  bool both_bad;      /* and the bytes of the first cannot be fetched */
  size_t blind;       /* bytes of the blind that is released: 0 = 32, SIZE_MAX = no such item */
  const char *input;  /* content of the input file */
  const char *secret; /* of the requester, instead of the usual one */
  size_t room;        /* bytes of the guest's folder; 0 = 256 MiB */
  bool own_limit;     /* the host itself refuses a file of more than the guest takes */
  const char *refuse; /* answer to every question for a file: {"code","message"} */
} fake_plan;

typedef struct fake_host {
  ia_path dir;
  const char *guest;
  ia_images *images;
  ia_h256 image;
  ia_secret sms_seed, other_seed, data_key, blind;
  ia_h256 sms_key, checksum;
  ia_rsa *result_key;
  char *result_pem;
  ia_buf plain, sealed; /* the dataset */
  ia_buf second;        /* bytes of the second dataset of a slice */
  ia_h256 second_checksum;
  /* of the run under way */
  const fake_plan *plan;
  ia_descriptor truth;
  ia_addr slice[2]; /* datasets: the first alone unless bulk */
  int fd;
  ia_h512 report_data;
  ia_buf seen; /* every byte that came out of the guest */
  json_t *run, *usage, *last_release;
  char cause[96], message[192];
  unsigned fetches, puts, started;
  ia_buf result, logs;
  bool over;
  int status;
} fake_host;

/* argv: program, guest, app. */
void fake_open(fake_host *h, int argc, char **argv);
void fake_close(fake_host *h);
/* One guest's whole life. */
void fake_run(fake_host *h, const fake_plan *plan);
/* The same up to the end of the guest, with a payload of our own instead of TASK. */
void fake_raw(fake_host *h, uint8_t type, ia_span payload);
/* One file of the result, unsealed and checked against the statement as `iapp result` does; the
 * caller frees. NULL when it is not there. */
char *fake_result(fake_host *h, const char *name);
/* The logs object, unsealed. */
json_t *fake_logs(fake_host *h);

#endif
