/* The message app: secrets, addresses, content, composition. The first byte says which. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "request.h"

int ia_fuzz_message(const uint8_t *data, size_t size);

/* A header field of somebody else's making would be one that is not ours. */
static void check_fields(const char *text)
{
  static const char *const known[] = {
      "From: ", "To: ", "Subject: ", "X-Protected-Data: ", "MIME-Version: ", "Content-", " "};

  for (const char *line = text; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2) {
    bool ours = false;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
      ours = ours || strncmp(line, known[i], strlen(known[i])) == 0;
    if (!ours)
      abort();
  }
}

static void compose(const request *r, const char *content, size_t n, bool html)
{
  const mail m = {.from = "a@example.org",
                  .name = r->sender,
                  .subject = r->subject,
                  .protected_data = "0x00",
                  .content = content,
                  .n = n,
                  .html = html};
  size_t len;

  char *text = mail_compose(&m, &len);
  if (!text || strlen(text) != len)
    abort();
  check_fields(text);
  free(text);
}

int ia_fuzz_message(const uint8_t *data, size_t size)
{
  char why[WHY], from[REQUEST_TEXT], *content = NULL;
  request r = {0};
  size_t n;

  if (size == 0)
    return 0;
  char *text = malloc(size);
  if (!text)
    return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  if (data[0] & 1) {
    if (request_decrypt(&content, &n, &r, data + 1, size - 1, why))
      compose(&r, content, n, data[0] & 2);
    free(content);
  } else {
    if (request_parse(&r, text, why))
      compose(&r, text, strlen(text), data[0] & 2);
    (void)!request_sender(from, text, why);
    (void)request_is_email(text, data[0] & 2);
    /* HTML need not be UTF-8 to be read safely */
    compose(&r, text, strlen(text), true);
  }
  free(text);
  return 0;
}
