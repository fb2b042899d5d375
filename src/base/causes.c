/* Causes of failed tasks. */
#include "base/causes.h"

#include <string.h>

static const ia_cause causes[] = {
#define IA_CAUSE(name, code, fault, again, meaning, fix)                                           \
  {name, IA_E_##code, IA_FAULT_##fault, IA_AGAIN_##again, meaning, fix},
#include "base/causes.def"
#undef IA_CAUSE
};

/* The codes of a refusal by the SMS. */
static const struct refusal {
  ia_code code;
  ia_fault fault;
  ia_again again;
} refusals[] = {
#define IA_CAUSE(name, code, fault, again, meaning, fix)
#define IA_REFUSAL(code, fault, again) {IA_E_##code, IA_FAULT_##fault, IA_AGAIN_##again},
#include "base/causes.def"
#undef IA_REFUSAL
#undef IA_CAUSE
};

static const ia_cause unknown = {"",
                                 IA_E_INVALID,
                                 IA_FAULT_WORKER,
                                 IA_AGAIN_LATER,
                                 "this version does not know the cause",
                                 "iapp task TASK shows the attempts"};

/* What follows a row's name that ends in '_'; NULL where the row is another's. */
static const char *suffix_of(const char *row, const char *name)
{
  size_t n = strlen(row);

  if (row[n - 1] != '_' || strncmp(row, name, n) != 0)
    return NULL;
  return strcmp(ia_code_name(ia_code_from_name(name + n)), name + n) == 0 ? name + n : NULL;
}

static bool fits(const char *row, const char *name)
{
  return strcmp(row, name) == 0 ? row[strlen(row) - 1] != '_' : suffix_of(row, name) != NULL;
}

static const ia_cause *find(const char *name)
{
  for (unsigned i = 0; i < IA_COUNT(causes); i++)
    if (fits(causes[i].name, name))
      return &causes[i];
  return NULL;
}

bool ia_cause_is_known(const char *name)
{
  return find(name) != NULL;
}

bool ia_cause_check(const char *name, ia_err *e)
{
  return name[0] == '\0' || ia_cause_is_known(name) ||
         ia_fail(e, IA_E_INVALID, "unknown cause \"%.60s\"", name);
}

const ia_cause *ia_cause_of(const char *name)
{
  const ia_cause *known = find(name);

  return known ? known : &unknown;
}

const ia_cause *ia_cause_at(unsigned i)
{
  return i < IA_COUNT(causes) ? &causes[i] : NULL;
}

/* Class, fault and chance of a whole name. */
static struct refusal judge(const char *name)
{
  const ia_cause *row = ia_cause_of(name);
  const char *suffix = row->name[0] ? suffix_of(row->name, name) : NULL;
  struct refusal out = {row->code, row->fault, row->again};

  if (!suffix)
    return out;
  out.code = ia_code_from_name(suffix);
  for (unsigned i = 0; i < IA_COUNT(refusals); i++)
    if (refusals[i].code == out.code)
      return refusals[i];
  if (ia_code_http(out.code) >= 500) /* a service that is down does not refuse */
    out.again = IA_AGAIN_LATER;
  return out;
}

ia_code ia_cause_class(const char *name)
{
  return judge(name).code;
}

ia_fault ia_cause_fault(const char *name)
{
  return judge(name).fault;
}

ia_again ia_cause_again(const char *name)
{
  return judge(name).again;
}

bool ia_cause_is_final(const char *name)
{
  return judge(name).again == IA_AGAIN_NEVER;
}

const char *ia_fault_name(ia_fault fault)
{
  static const char *const names[] = {
      [IA_FAULT_APP] = "app",        [IA_FAULT_OWNER] = "owner", [IA_FAULT_REQUESTER] = "requester",
      [IA_FAULT_WORKER] = "worker",  [IA_FAULT_POOL] = "pool",   [IA_FAULT_SMS] = "sms",
      [IA_FAULT_NETWORK] = "network"};

  return names[fault];
}

const char *ia_again_name(ia_again again)
{
  static const char *const names[] = {
      [IA_AGAIN_NEVER] = "never", [IA_AGAIN_ELSEWHERE] = "elsewhere", [IA_AGAIN_LATER] = "later"};

  return names[again];
}
