/* Image JSON: what is read, and what is refused with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/oci.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define DESC(media, digest, more)                                                                  \
  "{\"mediaType\":\"" media "\",\"digest\":\"" digest "\",\"size\":7" more "}"
#define REF(name)             ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"
#define PLATFORM(arch)        ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\"}"
#define INDEX(list)           "{\"schemaVersion\":2,\"manifests\":[" list "]}"
#define IMAGE(config, layers) "{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"
#define CONFIG_DESC           DESC("application/vnd.oci.image.config.v1+json", DIGEST_A, "")
#define LAYER(kind)           DESC("application/vnd.oci.image.layer." kind, DIGEST_B, "")

static void index_choice(void **state IA_UNUSED)
{
  static const struct {
    const char *text, *ref;
    char want; /* 'a', 'b', or 0 = refused */
  } rows[] = {
      {INDEX(DESC(MANIFEST, DIGEST_A, "")), NULL, 'a'},
      {INDEX(DESC(MANIFEST, DIGEST_A, REF("x")) "," DESC(MANIFEST, DIGEST_B, REF("y"))), "y", 'b'},
      {INDEX(DESC(MANIFEST, DIGEST_A, REF("x"))), "z", 0},
      {INDEX(DESC(MANIFEST, DIGEST_A, PLATFORM("arm64")) "," DESC(MANIFEST, DIGEST_B,
                                                                  PLATFORM("amd64"))),
       NULL, 'b'},
      {INDEX(DESC(MANIFEST, DIGEST_A, "") "," DESC(MANIFEST, DIGEST_B, "")), NULL, 0},
      {INDEX(""), NULL, 0},
      {INDEX(DESC("text/plain", DIGEST_A, "")), NULL, 0},
      {INDEX(DESC(MANIFEST, "sha256:AA", "")), NULL, 0},
      {INDEX(DESC(MANIFEST, "sha512:aa", "")), NULL, 0},
      {"{\"schemaVersion\":1,\"manifests\":[]}", NULL, 0},
      {"[]", NULL, 0},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_oci_desc d;
    ia_err e = {0};
    bool ok = ia_oci_index_pick(&d, ia_span_str(rows[i].text), rows[i].ref, &e);

    assert_int_equal(ok, rows[i].want != 0);
    if (ok)
      assert_int_equal(d.digest.b[0], rows[i].want == 'a' ? 0xaa : 0xbb);
    else
      assert_true(e.msg[0] != 0);
  }
}

static void manifests(void **state IA_UNUSED)
{
  static const struct {
    const char *text, *word; /* NULL = accepted */
  } rows[] = {
      {IMAGE(CONFIG_DESC, LAYER("v1.tar") "," LAYER("v1.tar+zstd")), NULL},
      {IMAGE(CONFIG_DESC, ""), "layers"},
      {IMAGE(LAYER("v1.tar"), LAYER("v1.tar")), "config"},
      {IMAGE(CONFIG_DESC, CONFIG_DESC), "no layer"},
      {IMAGE(CONFIG_DESC, LAYER("v1.tar+encrypted")), "encrypted"},
      {IMAGE(CONFIG_DESC, LAYER("nondistributable.v1.tar")), "elsewhere"},
      {IMAGE(CONFIG_DESC,
             DESC("application/vnd.oci.image.layer.v1.tar", DIGEST_A, ",\"urls\":[\"u\"]")),
       "urls"},
      {"{\"schemaVersion\":1,\"fsLayers\":[]}", "schemaVersion"},
      {"{\"schemaVersion\":2,\"schemaVersion\":2}", "manifest"},
  };
  static ia_oci_manifest m;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_err e = {0};
    bool ok = ia_oci_manifest_parse(&m, ia_span_str(rows[i].text), &e);

    assert_int_equal(ok, rows[i].word == NULL);
    if (!ok && !strstr(e.msg, rows[i].word))
      fail_msg("\"%s\" lacks \"%s\"", e.msg, rows[i].word);
    if (!ok)
      assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  }
}

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST_A "\"]}"
#define PLAIN  "\"architecture\":\"amd64\",\"os\":\"linux\"," ROOTFS

static void configurations(void **state IA_UNUSED)
{
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_err e = {0};

  assert_true(ia_oci_config_parse(
      &c,
      ia_span_str(
          "{" PLAIN ",\"config\":{\"Env\":[\"A=b\"],\"Entrypoint\":[\"/x\",\"y\"],\"Cmd\":null,"
          "\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\",\"dev.iapp.memory\":\"1.5 GiB\"}}}"),
      &e));
  assert_int_equal(c->n_layers, 1);
  assert_int_equal(c->entrypoint.n, 2);
  assert_string_equal(c->entrypoint.v[1], "y");
  assert_int_equal(c->cmd.n, 0);
  assert_string_equal(c->env.v[0], "A=b");
  assert_string_equal(c->workdir, "/w");
  assert_string_equal(json_string_value(json_object_get(c->labels, "k")), "v");
  assert_true(c->memory == (uint64_t)3 << 29);
}

static void bad_configurations(void **state IA_UNUSED)
{
  static const char *const rows[][2] = {
      {"{\"architecture\":\"arm64\",\"os\":\"linux\"," ROOTFS "}", "linux/arm64"},
      {"{\"architecture\":\"amd64\",\"os\":\"linux\"}", "layers"},
      {"{" PLAIN ",\"config\":{\"Env\":[\"=x\"]}}", "Env"},
      {"{" PLAIN ",\"config\":{\"Env\":[1]}}", "Env"},
      {"{" PLAIN ",\"config\":{\"Entrypoint\":\"sh\"}}", "Entrypoint"},
      {"{" PLAIN ",\"config\":{\"WorkingDir\":\"w\"}}", "WorkingDir"},
      {"{" PLAIN ",\"config\":[]}", "config"},
      {"{" PLAIN ",\"config\":{\"Labels\":{\"a\":1}}}", "label"},
      {"{" PLAIN ",\"config\":{\"Labels\":{\"dev.iapp.memory\":\"lots\"}}}", "dev.iapp.memory"},
      {"{" PLAIN ",\"config\":{\"Labels\":{\"dev.iapp.memory\":\"1M\"}}}", "32 MiB"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_oci_config *c = NULL;
    ia_err e = {0};

    assert_false(ia_oci_config_parse(&c, ia_span_str(rows[i][0]), &e));
    assert_null(c);
    if (!strstr(e.msg, rows[i][1]))
      fail_msg("\"%s\" lacks \"%s\"", e.msg, rows[i][1]);
  }
}

static void docker(void **state IA_UNUSED)
{
  IA_AUTOV(ia_oci_docker) d = {0};
  ia_err e = {0};
  ia_span two = ia_span_str("[{\"Config\":\"c1\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"l1\"]},"
                            "{\"Config\":\"c2\",\"RepoTags\":null,\"Layers\":[\"l2\"]}]");

  assert_false(ia_oci_docker_parse(&d, two, NULL, &e));
  assert_false(ia_oci_docker_parse(&d, two, "b:1", &e));
  assert_true(ia_oci_docker_parse(&d, two, "a:1", &e));
  assert_string_equal(d.config, "c1");
  assert_string_equal(d.layers.v[0], "l1");
  ia_oci_docker_free(&d);
  assert_false(
      ia_oci_docker_parse(&d, ia_span_str("[{\"Config\":\"c\",\"Layers\":[]}]"), NULL, &e));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(index_choice),   cmocka_unit_test(manifests),
      cmocka_unit_test(configurations), cmocka_unit_test(bad_configurations),
      cmocka_unit_test(docker),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
