/* Plays a pool and a guest for tests of dishonest roles: signs leases, makes simulated evidence for
 * the task as the ledger that it was given tells it, asks an SMS for the keys and opens them. One
 * JSON command a line on stdin, one answer a line on stdout.
 *
 * player RPC KEYSTORE PASSPHRASE_FILE QUOTING_DIR GUEST [HUB] */
#include "player.h"

#include <stdio.h>
#include <stdlib.h>

static bool open_pool(player *p, const char *keystore, const char *passphrase, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) words = {.secret = true};

  if (!ia_file_read(&text, keystore, 1 << 16, e) || !ia_file_read(&words, passphrase, 1024, e))
    return false;
  while (words.len > 0 && words.ptr[words.len - 1] == '\n')
    words.len--;
  return ia_keystore_open(&p->pool, p->secp, ia_buf_view(&text), ia_buf_view(&words), e);
}

static bool player_open(player *p, char **argv, ia_err *e)
{
  ia_chain_options o = {.url = argv[1]};

  if (argv[6] && !ia_addr_parse(&o.hub, ia_span_str(argv[6]), e))
    return false;
  return ia_secp_new(&p->secp, e) && ia_http_new(&p->http, NULL, e) &&
         ia_chain_open(&p->chain, &o, e) && open_pool(p, argv[2], argv[3], e) &&
         ia_quoting_open(&p->quoting, argv[4], e) && ia_quoting_measure(&p->guest, argv[5], e) &&
         ia_secp_key_new(&p->own, e) && ia_secp_address(p->secp, &p->enclave, &p->own, e) &&
         ia_secret_random(&p->sk, 32, e) && ia_x25519_public(p->pk.b, &p->sk, e);
}

static void player_close(player *p)
{
  ia_chain_close(p->chain);
  ia_http_free(p->http);
  ia_quoting_close(p->quoting);
  ia_secret_free(&p->pool);
  ia_secret_free(&p->own);
  ia_secret_free(&p->sk);
  ia_secp_free(p->secp);
  json_decref(p->last);
}

static bool who(player *p, json_t **out, const json_t *command IA_UNUSED, ia_err *e)
{
  *out = json_pack("{s:o}", "enclave", ia_json_addr(&p->enclave));
  return *out || ia_fail(e, IA_E_MEMORY, "no memory");
}

static const struct {
  const char *name;
  bool (*run)(player *, json_t **out, const json_t *command, ia_err *e);
} verbs[] = {{"who", who},
             {"ask", player_ask},
             {"again", player_again},
             {"initialize", player_initialize},
             {"policy", player_policy},
             {"settle", player_settle},
             {"forge", player_forge},
             {"end", player_end}};

static bool obey(player *p, json_t **out, const json_t *command, ia_err *e)
{
  const char *verb;

  if (!ia_json_get_str(command, "do", &verb, e))
    return false;
  for (size_t i = 0; i < IA_COUNT(verbs); i++)
    if (strcmp(verbs[i].name, verb) == 0)
      return verbs[i].run(p, out, command, e);
  return ia_fail(e, IA_E_USAGE, "no verb %.40s", verb);
}

static bool say(json_t *out)
{
  ia_autofree char *line = out ? json_dumps(out, JSON_COMPACT) : NULL;

  json_decref(out);
  return line && puts(line) >= 0 && fflush(stdout) == 0;
}

static bool serve(player *p, char *line)
{
  ia_err e = {0};
  json_t *out = NULL;
  IA_AUTO_JSON *command = ia_json_parse(ia_span_str(line), 0, &e);

  if (command && obey(p, &out, command, &e))
    return json_object_set_new(out, "code", json_string("OK")) == 0 && say(out);
  json_decref(out);
  return say(json_pack("{s:s, s:s}", "code", ia_code_name(e.code), "message", e.msg));
}

int main(int argc, char **argv)
{
  player p = {0};
  ia_err e = {0};
  char *line = NULL;
  size_t room = 0;
  bool ok = (argc == 6 || argc == 7) && player_open(&p, argv, &e);

  if (!ok)
    fprintf(stderr, "player: %s\n", argc >= 6 ? e.msg : "usage");
  while (ok && getline(&line, &room, stdin) > 0)
    ok = serve(&p, line);
  free(line);
  player_close(&p);
  return ok ? 0 : 1;
}
