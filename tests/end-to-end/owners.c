/* Many owners, each with a wallet of her own: protects one value, grants it in bulk to an app and a
 * user, and prints the dataset's address. Or one requester with params that the command line would
 * not make: prints what the run became. Through the public headers alone.
 * owners RPC MARKET SMS IPFS CHAIN HUB DATAPROTECTOR SMSKEY FOLDER APP USER COUNT
 * owners RPC .. FOLDER APP params JSON
 * Or one owner of one value, whose name may hold what the command line would not take: granted to
 * USER. owners RPC .. FOLDER APP USER name NAME */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iapp/client.h"

static const unsigned long long bulk_runs = 9007199254740991;

static int fail(const char *what, const iapp_error *e)
{
  (void)fprintf(stderr, "%s: %s\n", what, e->message);
  return 1;
}

static int one_owner(const iapp_services *s, char **argv, unsigned i)
{
  unsigned char key[32] = {0x7a, [30] = (unsigned char)(i >> 8), [31] = (unsigned char)i};
  char value[64], hash[67], address[43], *protected = NULL;
  iapp_client *c = NULL;
  iapp_error e;

  if (!iapp_client_open(&c, s, argv[9], key, &e))
    return fail("open", &e);
  (void)snprintf(value, sizeof(value), "{\"name\":\"owner %u\"}", i);
  if (!iapp_client_protect(c, &protected, "one of many", value, &e))
    return fail("protect", &e);
  const char *at = strstr(protected, "\"address\":\"");
  if (!at)
    return 1;
  (void)snprintf(address, sizeof(address), "%.42s", at + 11);
  iapp_free(protected);
  if (!iapp_client_grant(c, hash, address, argv[10], argv[11], 0, bulk_runs, &e))
    return fail("grant", &e);
  iapp_client_close(c);
  return puts(address) < 0;
}

static int request(const iapp_services *s, char **argv)
{
  static const unsigned char key[32] = {0x7b, [31] = 1};
  iapp_client *c = NULL;
  char *answer = NULL;
  iapp_error e;

  if (!iapp_client_open(&c, s, argv[9], key, &e) ||
      !iapp_client_run(c, &answer, argv[10], NULL, argv[12], 0, &e))
    return fail("run", &e);
  (void)puts(answer);
  iapp_free(answer);
  iapp_client_close(c);
  return 0;
}

static int named(const iapp_services *s, char **argv)
{
  static const unsigned char key[32] = {0x7c, [31] = 1};
  char hash[67], address[43], *protected = NULL;
  iapp_client *c = NULL;
  iapp_error e;

  if (!iapp_client_open(&c, s, argv[9], key, &e) ||
      !iapp_client_protect(c, &protected, argv[13], "{\"name\":\"x\"}", &e))
    return fail("protect", &e);
  const char *at = strstr(protected, "\"address\":\"");
  if (!at)
    return 1;
  (void)snprintf(address, sizeof(address), "%.42s", at + 11);
  iapp_free(protected);
  if (!iapp_client_grant(c, hash, address, argv[10], argv[11], 0, 1000, &e))
    return fail("grant", &e);
  iapp_client_close(c);
  return puts(address) < 0;
}

int main(int argc, char **argv)
{
  if (argc != 13 && argc != 14)
    return 2;
  iapp_services s = {.rpc = argv[1],
                     .market = argv[2],
                     .sms = argv[3],
                     .ipfs = argv[4],
                     .chain_id = strtoull(argv[5], NULL, 10),
                     .hub = argv[6],
                     .data_protector = argv[7],
                     .sms_key = argv[8]};
  if (argc == 14)
    return named(&s, argv);
  if (strcmp(argv[11], "params") == 0)
    return request(&s, argv);
  for (unsigned i = 1; i <= strtoul(argv[12], NULL, 10); i++)
    if (one_owner(&s, argv, i) != 0)
      return 1;
  return 0;
}
