/* web3mail's app, up to the sending: reads the address of every owner and the content, composes the
 * message, and writes it into the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "mail.h"
#include "request.h"

enum {
  PATH = 4096,
  EMAIL = 1024,
  SLICE = 100,               /* protected data of one task */
  MESSAGES_BYTES = 48 << 20, /* a result holds 50 MiB */
};

typedef struct app {
  const char *in, *out;
  request request;
  char from[REQUEST_TEXT];
  char *content; /* owned */
  size_t n, written;
} app;

typedef struct outcome {
  const char *name; /* of the protected data */
  char why[WHY];    /* "" when the message is composed */
} outcome;

static bool because(char why[WHY], const char *text)
{
  (void)snprintf(why, WHY, "%s", text);
  return false;
}

/* At most cap bytes, a NUL behind them; NULL when the file is absent or larger. */
static char *read_file(const char *path, size_t cap, size_t *n)
{
  FILE *f = fopen(path, "rb");
  char *text = f ? malloc(cap + 2) : NULL;

  if (text) {
    *n = fread(text, 1, cap + 1, f);
    text[*n] = '\0';
  }
  bool ok = text && !ferror(f) && *n <= cap;
  if (f)
    (void)fclose(f);
  if (ok)
    return text;
  free(text);
  return NULL;
}

static bool write_file(const app *a, const char *name, const char *text, size_t n)
{
  char path[PATH];

  (void)snprintf(path, sizeof(path), "%s/%s", a->out, name);
  FILE *f = fopen(path, "wb");
  if (!f)
    return false;
  bool ok = fwrite(text, 1, n, f) == n;
  return fclose(f) == 0 && ok;
}

/* index 0: the one protected data of a task that is no slice. */
static bool read_email(const app *a, unsigned index, char out[EMAIL], char why[WHY])
{
  char path[PATH], name[64];
  size_t n;

  (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%u_REFUSED", index);
  const char *refused = getenv(name);
  if (index > 0 && refused) {
    (void)snprintf(why, WHY, "The owner's grant does not admit this task: %.60s", refused);
    return false;
  }
  (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%u_FAILED", index);
  const char *failed = getenv(name);
  if (index > 0 && failed) {
    (void)snprintf(why, WHY, "ProtectedData %u cannot be used: %.60s", index, failed);
    return false;
  }
  if (index > 0)
    (void)snprintf(path, sizeof(path), "%s/protected/%u/email", a->in, index);
  else
    (void)snprintf(path, sizeof(path), "%s/protected/email", a->in);
  char *text = read_file(path, EMAIL - 1, &n);
  if (!text) {
    (void)snprintf(why, WHY, "Failed to parse ProtectedData %u: Failed to load path email", index);
    return false;
  }
  bool ok = strlen(text) == n && request_is_email(text, false);
  (void)snprintf(out, EMAIL, "%s", text);
  free(text);
  return ok || because(why, "ProtectedData error: \"email\" must be a valid email");
}

static bool deliver(app *a, unsigned index, const outcome *o, char why[WHY])
{
  const mail m = {.from = a->from,
                  .name = a->request.sender,
                  .subject = a->request.subject,
                  .protected_data = o->name,
                  .content = a->content,
                  .n = a->n,
                  .html = a->request.html};
  char name[32] = "message.eml";
  size_t n = 0;

  char *text = mail_compose(&m, &n);
  if (!text)
    return because(why, "Failed to compose the message");
  if (index > 0)
    (void)snprintf(name, sizeof(name), "message-%u.eml", index);
  bool fits = n <= MESSAGES_BYTES - a->written;
  bool ok = fits && write_file(a, name, text, n);
  if (ok) {
    a->written += n;
    printf("Protected data %u: composed a message of %zu bytes\n", index, n);
  }
  free(text);
  return ok || because(why, fits ? "Failed to write the message"
                                 : "The messages of this task do not fit into its result");
}

static bool load_content(app *a, char why[WHY])
{
  char path[PATH];
  size_t n;

  if (a->content)
    return true;
  (void)snprintf(path, sizeof(path), "%s/content/1", a->in);
  uint8_t *sealed = (uint8_t *)read_file(path, CONTENT_BYTES, &n);
  if (!sealed) {
    (void)snprintf(why, WHY, "Failed to load content from %.100s", a->request.address);
    return false;
  }
  bool ok = request_decrypt(&a->content, &a->n, &a->request, sealed, n, why);
  free(sealed);
  return ok;
}

static outcome process(app *a, unsigned index)
{
  outcome o = {.why = ""};
  char name[64] = "IEXEC_DATASET_FILENAME", email[EMAIL] = "";

  if (index > 0)
    (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%u_FILENAME", index);
  o.name = getenv(name);
  if (!o.name)
    o.name = "";
  if (!read_email(a, index, email, o.why) || !load_content(a, o.why) ||
      !deliver(a, index, &o, o.why))
    fprintf(stderr, "Protected data %u: %s\n", index, o.why);
  memset(email, 0, sizeof(email));
  return o;
}

static json_t *row_of(const outcome *o)
{
  json_t *row = json_pack("{s:s, s:b}", "protectedData", o->name, "success", o->why[0] == '\0');

  if (row && o->why[0])
    (void)json_object_set_new(row, "error", json_string(o->why));
  return row;
}

static json_t *process_slice(app *a, unsigned size)
{
  json_t *rows = json_array();
  unsigned failed = 0;

  for (unsigned i = 1; i <= size; i++) {
    outcome o = process(a, i);
    json_t *row = row_of(&o);

    failed += o.why[0] != '\0';
    (void)json_object_set_new(row, "index", json_integer(i));
    (void)json_array_append_new(rows, row);
  }
  json_t *all = json_pack("{s:b, s:i, s:i, s:i, s:o}", "success", failed == 0, "totalCount", size,
                          "successCount", size - failed, "errorCount", failed, "results", rows);
  if (all && failed > 0)
    (void)json_object_set_new(all, "error", json_string("Partial failure"));
  return all;
}

static unsigned slice_size(void)
{
  const char *text = getenv("IEXEC_BULK_SLICE_SIZE");
  unsigned long v = text ? strtoul(text, NULL, 10) : 0;

  return v > SLICE ? SLICE : (unsigned)v;
}

static json_t *run(app *a)
{
  unsigned size = slice_size();
  char why[WHY];

  if (!request_sender(a->from, getenv("IEXEC_APP_DEVELOPER_SECRET"), why) ||
      !request_parse(&a->request, getenv("IEXEC_REQUESTER_SECRET_1"), why)) {
    fprintf(stderr, "Something went wrong: %s\n", why);
    return json_pack("{s:b, s:s}", "success", 0, "error", why);
  }
  if (size > 0)
    return process_slice(a, size);
  outcome o = process(a, 0);
  return row_of(&o);
}

static bool write_json(const app *a, const char *name, json_t *v)
{
  char *text = json_dumps(v, JSON_INDENT(2));
  bool ok = text && write_file(a, name, text, strlen(text));

  free(text);
  json_decref(v);
  return ok;
}

/* Nobody looked whether mail reaches the address: 32 bytes of zero say so to the callback. Slices
 * have none, as in web3mail. */
static bool finish(const app *a, json_t *result)
{
  char path[PATH], zero[67] = "0x";

  (void)snprintf(path, sizeof(path), "%s/result.json", a->out);
  memset(zero + 2, '0', 64);
  json_t *computed = json_pack("{s:s}", "deterministic-output-path", path);
  if (computed && a->request.callback && slice_size() == 0)
    (void)json_object_set_new(computed, "callback-data", json_string(zero));
  return write_json(a, "result.json", result) && write_json(a, "computed.json", computed);
}

int main(void)
{
  app a = {.in = getenv("IEXEC_IN"), .out = getenv("IEXEC_OUT")};

  if (!a.in || !a.out) {
    fputs("IEXEC_IN and IEXEC_OUT are not set\n", stderr);
    return 1;
  }
  bool ok = finish(&a, run(&a));
  free(a.content);
  return ok ? 0 : 1;
}
