/* pip's command lines, and the sense of what it says. */
#include "image/pip.h"

#include <stdio.h>

#include "base/file.h"
#include "base/hex.h"
#include "image/tool.h"

enum { WORDS_CAP = 256 << 10, ARGS = 3 * IA_LOCK_PACKAGES + 64, REQUIREMENTS_CAP = 1 << 20 };

/* Debian 12: Python 3.11, glibc 2.36. pip takes older tags only where they are named. */
static const char *const target[] = {"--platform",       "manylinux_2_36_x86_64",
                                     "--platform",       "manylinux_2_35_x86_64",
                                     "--platform",       "manylinux_2_34_x86_64",
                                     "--platform",       "manylinux_2_31_x86_64",
                                     "--platform",       "manylinux_2_28_x86_64",
                                     "--platform",       "manylinux_2_27_x86_64",
                                     "--platform",       "manylinux_2_24_x86_64",
                                     "--platform",       "manylinux2014_x86_64",
                                     "--platform",       "linux_x86_64",
                                     "--implementation", "cp",
                                     "--python-version", "3.11"};

typedef struct line {
  const char *v[ARGS];
  size_t n;
} line;

static void arg(line *l, const char *text)
{
  if (l->n + 1 < ARGS)
    l->v[l->n++] = text;
  l->v[l->n] = NULL;
}

static void args(line *l, const char *const *list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    arg(l, list[i]);
}

static line *pip_line(const char *verb, ia_err *e)
{
  static const char *const head[] = {"python3", "-m", "pip"};
  static const char *const rest[] = {"--disable-pip-version-check", "--no-input", "--progress-bar",
                                     "off", "--only-binary=:all:"};
  line *l = calloc(1, sizeof(*l));

  if (!l) {
    (void)ia_fail(e, IA_E_MEMORY, "pip");
    return NULL;
  }
  args(l, head, IA_COUNT(head));
  arg(l, verb);
  args(l, rest, IA_COUNT(rest));
  args(l, target, IA_COUNT(target));
  return l;
}

/* -- what it says -- */
static bool has(const char *text, const char *part)
{
  return strstr(text, part) != NULL;
}

/* Its lines "ERROR: ..", without those that only send elsewhere, one after another. */
static void errors_of(const char *words, char out[150])
{
  size_t n = 0;

  out[0] = '\0';
  for (const char *at = words; (at = strstr(at, "ERROR: "));) {
    at += 7;
    size_t len = strcspn(at, "\n");

    if (strncmp(at, "ResolutionImpossible", 20) == 0 || (n > 0 && n + len + 3 > 149))
      continue;
    n += (size_t)snprintf(out + n, 150 - n, "%s%.*s", n ? "; " : "", (int)(len > 140 ? 140 : len),
                          at);
    n = n > 149 ? 149 : n;
  }
}

static const struct {
  const char *sign; /* in what pip said */
  ia_code code;
  const char *fix;
} reasons[] = {
    {"No module named pip", IA_E_NOT_FOUND, "apt-get install python3-pip"},
    {"Failed to establish a new connection", IA_E_UNAVAILABLE,
     "the package index cannot be reached: check the network, or set PIP_INDEX_URL"},
    {"Temporary failure in name resolution", IA_E_UNAVAILABLE,
     "the package index cannot be reached: check the network, or set PIP_INDEX_URL"},
    {"SSLError", IA_E_UNAVAILABLE,
     "the package index shows another certificate: check PIP_CERT and the proxy"},
    {"Retrying (", IA_E_UNAVAILABLE,
     "the package index cannot be reached: check the network, or set PIP_INDEX_URL"},
    {"DO NOT MATCH THE HASHES", IA_E_BAD_CHECKSUM,
     "the index offers other bytes than were locked: iapp build --update-lock"},
    {"No space left", IA_E_DISK_FULL, ""},
    {"conflicting dependencies", IA_E_INVALID,
     "choose versions in requirements.txt that go together; pip's explanation is above"},
    {"No matching distribution", IA_E_NOT_FOUND,
     "correct name or version in requirements.txt (the image has Python 3.11): pip index versions "
     "NAME"},
};

static bool explain(const ia_build *b, const char *words, ia_err *e)
{
  char errors[150];

  if (b && b->words)
    b->words(b->ctx, words);
  errors_of(words, errors);
  for (size_t i = 0; i < IA_COUNT(reasons); i++) {
    if (!has(words, reasons[i].sign))
      continue;
    (void)ia_fail(e, reasons[i].code, "pip: %s", errors[0] ? errors : reasons[i].sign);
    return ia_hint(e, "%s", reasons[i].fix);
  }
  (void)ia_fail(e, IA_E_INVALID, "pip failed: %s", errors[0] ? errors : "it gave no reason");
  return ia_hint(e, "its whole output is above");
}

static void take_line(ia_buf *out, const char *from, const char *end)
{
  if (end > from)
    ia_buf_printf(out, "%.*s\n", (int)(end - from), from);
}

/* "A 1.0 depends on B<2" and "the requirement B<2 (from ..)". */
static void take_missing(ia_buf *out, const char *words)
{
  static const char *const signs[] = {" depends on ", "satisfies the requirement ",
                                      "No matching distribution found for ", "The user requested "};

  for (size_t i = 0; i < IA_COUNT(signs); i++)
    for (const char *at = words; (at = strstr(at, signs[i]));) {
      at += strlen(signs[i]);
      const char *end = at + strcspn(at, "\n"), *from = strstr(at, " (from ");

      take_line(out, at, from && from < end ? from : end);
    }
}

static bool run(const ia_build *b, const line *l, const char *cwd, ia_buf *missing, ia_err *e)
{
  IA_AUTOV(ia_buf) words = {0};
  int status;

  if (!ia_tool_words(l->v, cwd, &words, WORDS_CAP, &status, e))
    return ia_hint(e, "apt-get install python3 python3-pip");
  if (status == 0)
    return true;
  ia_autofree char *text = ia_buf_text(&words);
  if (!text)
    return ia_fail(e, IA_E_MEMORY, "pip");
  if (missing)
    take_missing(missing, text);
  return explain(missing ? NULL : b, text, e);
}

bool ia_pip_download(const ia_build *b, const char *folder, const char *dir, const char *built,
                     ia_buf *missing, ia_err *e)
{
  ia_autofree line *l = pip_line("download", e);

  if (!l)
    return false;
  arg(l, "-d");
  arg(l, dir);
  arg(l, "--find-links");
  arg(l, built);
  arg(l, "-r");
  arg(l, "requirements.txt"); /* a short name, as pip repeats it in its messages */
  return run(b, l, folder, missing, e);
}

bool ia_pip_download_names(const ia_build *b, const char *const *names, bool with_needs,
                           const char *dir, ia_err *e)
{
  ia_autofree line *l = pip_line("download", e);

  if (!l)
    return false;
  if (!with_needs)
    arg(l, "--no-deps");
  arg(l, "-d");
  arg(l, dir);
  arg(l, "--");
  for (; *names; names++)
    arg(l, *names);
  return run(b, l, NULL, NULL, e);
}

bool ia_pip_install(const ia_build *b, const char *const *names, const char *const *folders,
                    const char *dir, ia_err *e)
{
  ia_autofree line *l = pip_line("install", e);

  if (!l)
    return false;
  arg(l, "--no-index");
  arg(l, "--no-deps");
  arg(l, "--no-compile");
  arg(l, "--target");
  arg(l, dir);
  for (; *folders; folders++) {
    arg(l, "--find-links");
    arg(l, *folders);
  }
  arg(l, "--");
  for (; *names; names++)
    arg(l, *names);
  return run(b, l, NULL, NULL, e);
}

/* -- sources -- */
/* pip prepares a source by running it, so it may not fetch one; its own parts find and fetch. */
static const char source_script[] =
    "import hashlib, io, json, os, re, sys, tarfile, zipfile\n"
    "from pip._internal.commands import create_command\n"
    "from pip._internal.cli.cmdoptions import make_target_python\n"
    "from pip._internal.models.format_control import FormatControl\n"
    "from pip._vendor.packaging.requirements import Requirement\n"
    "try:\n"
    "    import tomllib\n"
    "except ImportError:\n"
    "    from pip._vendor import tomli as tomllib\n"
    "LIMIT = 256 << 20\n"
    "def finder(command, found, *control):\n"
    "    options, _ = command.parse_args([*found, \"x\"])\n"
    "    options.format_control = FormatControl(*control)\n"
    "    session = command.get_default_session(options)\n"
    "    return session, command._build_package_finder(options=options, session=session,\n"
    "                                                  target_python=make_target_python(options))\n"
    "def project(data, name):\n"
    "    pattern = re.compile(r\"^[^/]+/pyproject\\.toml$\")\n"
    "    if name.endswith(\".zip\"):\n"
    "        with zipfile.ZipFile(io.BytesIO(data)) as z:\n"
    "            return next((z.read(n) for n in z.namelist() if pattern.match(n)), b\"\")\n"
    "    with tarfile.open(fileobj=io.BytesIO(data)) as t:\n"
    "        for m in t:\n"
    "            if m.isfile() and pattern.match(m.name) and m.size < 1 << 20:\n"
    "                return t.extractfile(m).read()\n"
    "    return b\"\"\n"
    "folder, built, n, *rest = sys.argv[1:]\n"
    "target, wanted = rest[:int(n)], rest[int(n):]\n"
    "command = create_command(\"download\")\n"
    "with command.main_context():\n"
    "    session, wheels = finder(command, [*target, \"--find-links\", built], set(), {\":all:\"})\n"
    "    _, sources = finder(command, target, {\":all:\"}, set())\n"
    "    for text in wanted:\n"
    "        try:\n"
    "            want = Requirement(text)\n"
    "        except ValueError:\n"
    "            continue\n"
    "        if want.url or wheels.find_best_candidate(want.name, want.specifier).best_candidate:\n"
    "            continue\n"
    "        best = sources.find_best_candidate(want.name, want.specifier).best_candidate\n"
    "        if not best:\n"
    "            continue\n"
    "        link = best.link\n"
    "        reply = session.get(link.url.split(\"#\")[0], headers={\"Accept-Encoding\": \"identity\"}, stream=True)\n"
    "        reply.raise_for_status()\n"
    "        data = reply.raw.read(LIMIT + 1)\n"
    "        digest = hashlib.sha256(data).hexdigest()\n"
    "        if len(data) > LIMIT:\n"
    "            sys.exit(f\"{link.filename} is larger than {LIMIT >> 20} MiB\")\n"
    "        if link.hash_name == \"sha256\" and link.hash != digest:\n"
    "            sys.exit(f\"{link.filename} has another SHA-256 than the index says\")\n"
    "        system = tomllib.loads(project(data, link.filename).decode()).get(\"build-system\", {})\n"
    "        with open(os.path.join(folder, link.filename), \"xb\") as f:\n"
    "            f.write(data)\n"
    "        print(json.dumps({\"file\": link.filename, \"sha256\": digest, \"name\": want.name, \"version\": str(best.version),\n"
    "                          \"requires\": system.get(\"requires\", [\"setuptools>=40.8.0\", \"wheel\"])}))\n"
    "        break\n";

void ia_pip_source_free(ia_pip_source *s)
{
  for (size_t i = 0; i < s->n_requires; i++)
    free(s->requires[i]);
  *s = (ia_pip_source){0};
}

static bool take_source(ia_pip_source *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  const json_t *list = json_object_get(v, "requires"), *one;
  const char *file, *digest;
  size_t i;

  if (!v || !ia_json_get_str(v, "file", &file, e) || !ia_json_get_str(v, "sha256", &digest, e))
    return ia_wrap(e, "source of a package");
  if (!ia_lock_file_name_ok(file) || !ia_unhex(out->part.sha256.b, 32, ia_span_str(digest)))
    return ia_fail(e, IA_E_PARSE, "source of a package: bad name or digest: %.60s", file);
  (void)snprintf(out->part.file, sizeof(out->part.file), "%s", file);
  json_array_foreach (list, i, one) {
    const char *name = json_string_value(one);

    if (!name || name[0] == '-' || i == IA_COUNT(out->requires))
      return ia_fail(e, IA_E_INVALID, "%.80s: cannot read what it is built with", file);
    out->requires[i] = strdup(name);
    if (!out->requires[i])
      return ia_fail(e, IA_E_MEMORY, "pip");
    out->n_requires++;
  }
  return true;
}

bool ia_pip_source_fetch(ia_pip_source *out, bool *found, const char *wanted, const char *dir,
                         const char *built, ia_err *e)
{
  ia_autofree line *l = calloc(1, sizeof(*l));
  ia_autofree char *copy = strdup(wanted);
  IA_AUTOV(ia_buf) words = {0};
  char count[12], *at = copy;
  int status;

  *out = (ia_pip_source){0};
  *found = false;
  if (!l || !copy)
    return ia_fail(e, IA_E_MEMORY, "pip");
  (void)snprintf(count, sizeof(count), "%zu", IA_COUNT(target));
  const char *const head[] = {"python3", "-c", source_script, dir, built, count};
  args(l, head, IA_COUNT(head));
  args(l, target, IA_COUNT(target));
  for (char *one; at && (one = strsep(&at, "\n"));)
    if (one[0])
      arg(l, one);
  if (!ia_tool_words(l->v, NULL, &words, WORDS_CAP, &status, e))
    return false;
  ia_autofree char *text = ia_buf_text(&words);
  const char *json = text ? strrchr(text, '{') : NULL;
  if (status != 0)
    return explain(NULL, text ? text : "", e);
  if (!json)
    return true;
  *found = true;
  return take_source(out, ia_span_of(json, strcspn(json, "\n")), e);
}

/* -- requirements.txt -- */
static bool refuse(const char *text, const char *why, ia_err *e)
{
  (void)ia_fail(e, IA_E_INVALID, "requirements.txt: %s: %.80s", why, text);
  return ia_hint(e, "write name==version, or list Debian packages in iapp.config.json");
}

/* name, name[extra], name==1.0 ; marker, name==1.0 --hash=.. */
static bool check_requirement(const char *text, ia_err *e)
{
  size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
  const char *at = text + n;

  if (text[0] == '-' || n == 0 || strchr(text, '@') || strstr(text, "://"))
    return refuse(text, "only packages by name and version are taken", e);
  at += strspn(at, " \t");
  if (*at == '[')
    at += strcspn(at, "]") + (at[strcspn(at, "]")] == ']');
  at += strspn(at, " \t");
  if (strncmp(at, "==", 2) != 0 || at[2] == '=')
    return refuse(text, "no exact version", e);
  at += 2 + strspn(at + 2, " \t");
  size_t version = strcspn(at, " \t;");
  if (version == 0 || memchr(at, '*', version) || memchr(at, ',', version))
    return refuse(text, "no exact version", e);
  return true;
}

/* One requirement: a line with those that continue it, without its comment. */
static bool take_requirement(ia_buf *out, char *text, ia_err *e)
{
  for (char *p = text; *p; p++)
    if (*p == '#' && (p == text || p[-1] == ' ' || p[-1] == '\t')) {
      *p = '\0';
      break;
    }
  size_t n = strlen(text);
  while (n > 0 && strchr(" \t\r", text[n - 1]))
    text[--n] = '\0';
  text += strspn(text, " \t\r");
  if (!text[0])
    return true;
  if (!check_requirement(text, e))
    return false;
  ia_buf_printf(out, "%s\n", text);
  return true;
}

bool ia_pip_requirements(ia_buf *out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  if (access(path, F_OK) != 0)
    return true;
  if (!ia_file_read(&b, path, REQUIREMENTS_CAP, e))
    return false;
  if (memchr(b.ptr ? b.ptr : (const uint8_t *)"", 0, b.len))
    return ia_fail(e, IA_E_INVALID, "requirements.txt holds a NUL byte");
  ia_autofree char *text = ia_buf_text(&b);
  if (!text)
    return ia_fail(e, IA_E_MEMORY, "requirements.txt");
  for (char *p = text; (p = strchr(p, '\n'));) { /* continued lines become one */
    char *last = p > text && p[-1] == '\r' ? p - 2 : p - 1;

    if (last >= text && *last == '\\') {
      while (last <= p)
        *last++ = ' ';
    }
    p++;
  }
  char *at = text;
  for (char *one; at && (one = strsep(&at, "\n"));)
    if (!take_requirement(out, one, e))
      return false;
  return ia_buf_ok(out, e);
}
