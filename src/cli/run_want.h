/* A run as the options of `iapp run` and `iapp why` describe it: the orders it would be made of. */
#ifndef IA_CLI_RUN_WANT_H
#define IA_CLI_RUN_WANT_H

#include "cli/older.h"
#include "cli/run_bulk.h"
#include "client/run_orders.h"

typedef struct ia_run_ask {
  ia_net net;
  ia_wallet *w;
  ia_run_want want; /* params points into `params` */
  ia_run_orders orders;
  ia_buf params;
  json_t *secrets; /* {"1":name} of requester secrets, once they are pushed */
  bool encrypt;
  uint64_t memory;  /* that the run asks for, bytes; 0 = as the app says */
  bool own_grant;   /* the dataset order is the user's own, made for this run */
  ia_run_bulk bulk; /* n > 0: many data, want.dataset is zero */
} ia_run_ask;
void ia_run_ask_free(ia_run_ask *a); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_run_ask, ia_run_ask_free)

/* Services, wallet, and what the options say. Argument 0 is the app. */
IA_MUST bool ia_run_ask_open(ia_run_ask *a, ia_cli *c, ia_err *e);
/* Pushes the secrets of --requester-secret and makes sure of a result key where the result is to be
 * encrypted; the SMS must be in the trust file (the user is asked). */
IA_MUST bool ia_run_ask_secrets(ia_run_ask *a, ia_cli *c, ia_err *e);
/* Finds the orders, signs those that are the user's own to sign (her app, her data: she is asked),
 * and the request. */
IA_MUST bool ia_run_ask_orders(ia_run_ask *a, ia_cli *c, ia_err *e);

/* After the SMS refused by a rule of the grant: the orders of the next grant that fits. *more is
 * false when there is none, and the orders are then gone. */
IA_MUST bool ia_run_ask_next(ia_run_ask *a, ia_cli *c, bool *more, ia_err *e);
/* Is that clause of a refusal one that another grant may fulfil? */
bool ia_run_is_of_grant(const char *clause);

#define IA_RUN_OPTIONS(verb)                                                                       \
  {"data", "DATA", false, "protected data to run on; many: a,b,c or @FILE with one a line",        \
   verb " 0xApp --data @list.txt"},                                                                \
      {"per-task", "N", false, "how many of many data go into one task (100)",                     \
       verb " 0xApp --data @list.txt --per-task 10"},                                              \
      {"args", "TEXT", false, "arguments, split at blanks; quotes group",                          \
       verb " 0xApp --args \"a 'b c'\""},                                                          \
      {"arg", "VALUE", true, "one more argument, not split", verb " 0xApp --arg \"one two\""},     \
      {"input-file", "URL", true, "a file for the app, by its URL",                                \
       verb " 0xApp --input-file https://example.com/a.csv"},                                      \
      {"requester-secret", "N=@FILE", true, "secret number N of yours for the app",                \
       verb " 0xApp --requester-secret 1=@./key.txt"},                                             \
      {"encrypt", NULL, false, "seal the result to your key (always with data or secrets)",        \
       verb " 0xApp --encrypt"},                                                                   \
      {"plain", NULL, false, "leave the result readable to everybody",                             \
       verb " 0xApp --data 0xData --plain"},                                                       \
      {"purpose", "TEXT", false, "what you run it for: stated in the signed request",              \
       verb " 0xApp --data 0xData --purpose research"},                                            \
      {"callback", "CONTRACT", false, "contract that gets the callback data",                      \
       verb " 0xApp --callback 0xContract"},                                                       \
      {"category", "XS..XL", false, "time class: XS 5 min, S 20 min, M 1 h, L 3 h, XL 10 h",       \
       verb " 0xApp --category S"},                                                                \
      {"memory", "SIZE", false, "memory for the app (1G, or what the app states; see iapp pool)",  \
       verb " 0xApp --memory 2G"},                                                                 \
      {"pool", "POOL", false, "workerpool to run on (the cheapest)", verb " 0xApp --pool 0xPool"}, \
  {                                                                                                \
    "tasks", "N", false, "how many tasks (1)", verb " 0xApp --tasks 3"                             \
  }

#endif
