/* iapp doctor: what this machine and this home have and lack, each with its fix. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>

#include "base/size.h"
#include "cli/net.h"
#include "cli/pool_limits.h"
#include "cli/wallet.h"
#include "eth/address.h"
#include "image/build.h"
#include "image/tool.h"
#include "runtime/offer.h"

enum { TOOL_OUTPUT = 16 << 10 };

/* ok with a fix: worth knowing, and nothing here needs it. */
typedef struct finding {
  bool ok;
  char text[256];
  char fix[192];
} finding;

IA_PRINTF(3, 4) static void found(finding *f, bool ok, const char *fmt, ...)
{
  va_list ap;

  f->ok = ok;
  va_start(ap, fmt);
  if (vsnprintf(f->text, sizeof(f->text), fmt, ap) < 0)
    f->text[0] = '\0';
  va_end(ap);
}

IA_PRINTF(2, 0) static void set_fix(finding *f, const char *fmt, va_list ap)
{
  if (vsnprintf(f->fix, sizeof(f->fix), fmt, ap) < 0)
    f->fix[0] = '\0';
}

IA_PRINTF(2, 3) static void fix(finding *f, const char *fmt, ...)
{
  va_list ap;

  if (f->ok)
    return;
  va_start(ap, fmt);
  set_fix(f, fmt, ap);
  va_end(ap);
}

/* A lack that is no failure. */
IA_PRINTF(2, 3) static void note(finding *f, const char *fmt, ...)
{
  va_list ap;

  if (f->ok)
    return;
  f->ok = true;
  va_start(ap, fmt);
  set_fix(f, fmt, ap);
  va_end(ap);
}

static void check_version(ia_cli *c, finding *f)
{
  (void)c;
  found(f, true, "iapp %s", IA_VERSION);
}

static void check_daemon(ia_cli *c, finding *f)
{
  const char *url = ia_cli_endpoint_or_null(c, "rpcUrl");

  found(f, url != NULL, url ? "ledger at %s" : "nothing runs in %s", url ? url : ia_cli_home(c));
  fix(f, "iapp up");
}

static void check_wallet(ia_cli *c, finding *f)
{
  ia_wallet_file w;
  ia_err e = {0};
  bool ok = ia_cli_wallet_file(c, &w, &e);

  if (ok)
    found(f, true, "wallet %s", ia_addr_text(&w.address).s);
  else
    found(f, false, "%s", e.msg);
  fix(f, "%s", e.hint[0] ? e.hint : "iapp wallet new");
}

static void check_clock(ia_cli *c, finding *f)
{
  struct timex t = {0};
  int state = adjtimex(&t);

  (void)c;
  found(f, state >= 0 && state != TIME_ERROR,
        state == TIME_ERROR ? "the clock is not synchronised" : "the clock is synchronised");
  /* containers and machines without a time daemon are often right all the same */
  note(f, "apt-get install systemd-timesyncd (leases and orders have deadlines)");
}

static void check_disk(ia_cli *c, finding *f)
{
  const char *dir = ia_cli_home(c);
  struct statvfs s;

  if (statvfs(dir, &s) != 0 && statvfs("/", &s) != 0) {
    found(f, false, "%s: %s", dir, strerror(errno));
    return;
  }
  unsigned long long mib = (unsigned long long)s.f_bavail * s.f_frsize >> 20;
  found(f, mib >= 1024, "%llu MiB free for %s", mib, dir);
  fix(f, "free some disk space, or use --home on another disk");
}

/* What the pool here offers; else what a test on this machine may ask for. */
static void check_memory(ia_cli *c, finding *f)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *pool = NULL;
  uint64_t here = ia_memory_offer(1), most = 0;
  bool asked = ia_cli_endpoint_or_null(c, "schedulerUrl") && ia_cli_net(c, &net, NULL) &&
               ia_pool_ask(&net, &pool, NULL) && ia_pool_limit(&most, pool, "memoryMax");

  found(f, true, "an app gets %s, with --memory up to %s in iapp test here%s%s%s",
        ia_size_show(IA_APP_MEMORY).s, ia_size_show(here).s, asked ? ", up to " : "",
        asked ? ia_size_show(most).s : "", asked ? " in the pool" : "");
}

static void check_tee(ia_cli *c, finding *f)
{
  bool tdx = access("/dev/tdx_guest", F_OK) == 0, snp = access("/dev/sev-guest", F_OK) == 0;

  (void)c;
  found(f, true, "%s",
        tdx   ? "this machine is an Intel TDX guest"
        : snp ? "this machine is an AMD SEV-SNP guest"
              : "no TEE here: evidence is SIMULATED; put no real personal data here");
}

static void check_namespaces(ia_cli *c, finding *f)
{
  char text[16] = "1";
  ia_autoclose int fd = open("/proc/sys/kernel/unprivileged_userns_clone", O_RDONLY | O_CLOEXEC);

  (void)c;
  if (fd >= 0 && read(fd, text, sizeof(text) - 1) <= 0)
    text[0] = '?';
  found(f, text[0] == '1' || geteuid() == 0, "user namespaces for the sandbox: %s",
        text[0] == '1'   ? "allowed"
        : geteuid() == 0 ? "not needed, we are root"
                         : "forbidden");
  fix(f, "sysctl kernel.unprivileged_userns_clone=1");
}

static void check_landlock(ia_cli *c, finding *f)
{
  /* landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) */
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0UL, 1U);

  (void)c;
  found(f, version > 0, version > 0 ? "Landlock version %ld" : "no Landlock in this kernel",
        version);
  fix(f, "boot with lsm=landlock,... (other walls of the sandbox stand without it)");
}

static void check_memlock(ia_cli *c, finding *f)
{
  struct rlimit r = {0};

  (void)c;
  (void)getrlimit(RLIMIT_MEMLOCK, &r);
  found(f, r.rlim_cur >= 1 << 20, "%llu KiB of memory may be locked for secrets",
        (unsigned long long)r.rlim_cur >> 10);
  fix(f, "ulimit -l 8192");
}

/* The language of the project that we are in. */
static bool project_lang(ia_cli *c, ia_lang *lang)
{
  json_t *config = NULL;

  if (!ia_cli_project_config(c, &config, NULL))
    return false;
  const char *text = json_string_value(json_object_get(config, "template"));
  return text && ia_lang_parse(lang, text);
}

/* A program that builds need: its lack is a failure in a project that needs it. */
static void check_tool(ia_cli *c, finding *f, const char *const *argv, const char *name,
                       const bool needs[IA_LANG_COUNT], const char *what, const char *package)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_lang lang;

  if (ia_tool_run(argv, NULL, &out, TOOL_OUTPUT, NULL)) {
    ia_buf_u8(&out, 0);
    found(f, true, "%s: %.*s", name, (int)strcspn((const char *)out.ptr, "\n"),
          (const char *)out.ptr);
    return;
  }
  found(f, false, "%s does not work here: %s", name, what);
  if (project_lang(c, &lang) && needs[lang])
    fix(f, "apt-get install %s", package);
  else
    note(f, "apt-get install %s", package);
}

static void check_cc(ia_cli *c, finding *f)
{
  static const char *const argv[] = {"cc", "--version", NULL};
  static const bool needs[IA_LANG_COUNT] = {[IA_LANG_C] = true};

  check_tool(c, f, argv, "cc", needs, "C apps cannot be built", "gcc libc6-dev");
}

static void check_pip(ia_cli *c, finding *f)
{
  static const char *const argv[] = {"python3", "-m", "pip", "--version", NULL};
  static const bool needs[IA_LANG_COUNT] = {[IA_LANG_PYTHON] = true};

  check_tool(c, f, argv, "pip", needs, "Python apps with requirements.txt cannot be built",
             "python3-pip");
}

static void check_npm(ia_cli *c, finding *f)
{
  static const char *const argv[] = {"npm", "--version", NULL};
  static const bool needs[IA_LANG_COUNT] = {[IA_LANG_JS] = true};

  check_tool(c, f, argv, "npm", needs, "JavaScript apps with dependencies cannot be built", "npm");
}

/* The base layers of Python and JavaScript are Debian packages. */
static void check_apt(ia_cli *c, finding *f)
{
  static const char *const argv[] = {"apt-get", "--version", NULL};
  static const bool needs[IA_LANG_COUNT] = {[IA_LANG_PYTHON] = true, [IA_LANG_JS] = true};

  check_tool(c, f, argv, "apt", needs, "Python and JavaScript apps cannot be built", "apt");
}

/* Old project files keep secrets in clear: name them. */
static void check_project(ia_cli *c, finding *f)
{
  static const char *const secrets[] = {"walletPrivateKey", "dockerhubAccessToken", "appSecret"};
  json_t *config = NULL;

  if (!ia_cli_project_config(c, &config, NULL)) {
    found(f, true, "not in an iApp project");
    return;
  }
  for (unsigned i = 0; i < IA_COUNT(secrets); i++) {
    if (!json_is_string(json_object_get(config, secrets[i])))
      continue;
    found(f, false, "iapp.config.json holds \"%s\" in clear", secrets[i]);
    fix(f, "move it out: iapp wallet import --from-project, iapp deploy --app-secret-file FILE");
    return;
  }
  found(f, true, "the project's configuration holds no secret");
}

static const struct check {
  const char *name;
  void (*run)(ia_cli *c, finding *f);
} checks[] = {
    {"version", check_version},
    {"services", check_daemon},
    {"wallet", check_wallet},
    {"clock", check_clock},
    {"disk", check_disk},
    {"memory", check_memory},
    {"tee", check_tee},
    {"namespaces", check_namespaces},
    {"landlock", check_landlock},
    {"memlock", check_memlock},
    {"cc", check_cc},
    {"pip", check_pip},
    {"npm", check_npm},
    {"apt", check_apt},
    {"project", check_project},
};

static bool doctor(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *all = json_array();
  bool well = true;

  for (unsigned i = 0; i < IA_COUNT(checks); i++) {
    finding f = {0};

    checks[i].run(c, &f);
    well &= f.ok;
    ia_cli_out(c, "%-4s %-10s %s",
               !f.ok      ? "LACK"
               : f.fix[0] ? "note"
                          : "ok",
               checks[i].name, f.text);
    if (f.fix[0])
      ia_cli_out(c, "                fix: %s", f.fix);
    json_t *row = json_pack("{s:s, s:b, s:s, s:s}", "name", checks[i].name, "ok", f.ok, "text",
                            f.text, "fix", f.fix);
    if (json_array_append_new(all, row) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  ia_cli_exit_status(c, well ? 0 : 1);
  return ia_cli_json(c, json_pack("{s:O}", "checks", all), e);
}

const ia_verb ia_verb_doctor = {
    .name = "doctor",
    .args = "",
    .brief = "what this machine and this home lack, and how to get it",
    .example = "doctor",
    .uses = IA_USES_WALLET,
    .run = doctor,
};
