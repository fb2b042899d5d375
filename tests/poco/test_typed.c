/* EIP-712 of the four orders and their operations, by the general encoder over literal types: the
 * tables of the orders must come to the same hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eth/eip712.h"
#include "poco/orders.h"

static const char *const types[IA_ORDER_KINDS] = {
    "AppOrder(address app,uint256 appprice,uint256 volume,bytes32 tag,address datasetrestrict,"
    "address workerpoolrestrict,address requesterrestrict,bytes32 salt)",
    "DatasetOrder(address dataset,uint256 datasetprice,uint256 volume,bytes32 tag,"
    "address apprestrict,address workerpoolrestrict,address requesterrestrict,bytes32 salt)",
    "WorkerpoolOrder(address workerpool,uint256 workerpoolprice,uint256 volume,bytes32 tag,"
    "uint256 category,uint256 trust,address apprestrict,address datasetrestrict,"
    "address requesterrestrict,bytes32 salt)",
    "RequestOrder(address app,uint256 appmaxprice,address dataset,uint256 datasetmaxprice,"
    "address workerpool,uint256 workerpoolmaxprice,address requester,uint256 volume,bytes32 tag,"
    "uint256 category,uint256 trust,address beneficiary,address callback,string params,"
    "bytes32 salt)",
};

static const char *const operations[IA_ORDER_KINDS] = {
    "AppOrderOperation(AppOrder order,uint256 operation)",
    "DatasetOrderOperation(DatasetOrder order,uint256 operation)",
    "WorkerpoolOrderOperation(WorkerpoolOrder order,uint256 operation)",
    "RequestOrderOperation(RequestOrder order,uint256 operation)",
};

/* Every field another value. */
static ia_addr addr(uint8_t n)
{
  ia_addr a;

  memset(a.b, n, 20);
  return a;
}

static ia_h256 word(uint8_t n)
{
  ia_h256 h;

  memset(h.b, n, 32);
  return h;
}

typedef struct people {
  ia_addr a[6];
  ia_h256 tag, salt;
  ia_u256 v[6];
} people;

static void fill(people *p)
{
  for (uint8_t i = 0; i < 6; i++) {
    p->a[i] = addr((uint8_t)(0x11 + i));
    p->v[i] = ia_u256_of(1000u + i);
  }
  p->tag = word(0x77);
  p->salt = word(0x88);
}

static size_t app_or_data(ia_abi_val *v, const people *p)
{
  const ia_abi_val all[] = {ia_abi_addr(&p->a[0]), ia_abi_u256(&p->v[0]), ia_abi_u256(&p->v[1]),
                            ia_abi_h256(&p->tag),  ia_abi_addr(&p->a[1]), ia_abi_addr(&p->a[2]),
                            ia_abi_addr(&p->a[3]), ia_abi_h256(&p->salt)};

  memcpy(v, all, sizeof(all));
  return IA_COUNT(all);
}

static size_t pool(ia_abi_val *v, const people *p)
{
  const ia_abi_val all[] = {ia_abi_addr(&p->a[0]), ia_abi_u256(&p->v[0]), ia_abi_u256(&p->v[1]),
                            ia_abi_h256(&p->tag),  ia_abi_u256(&p->v[2]), ia_abi_u256(&p->v[3]),
                            ia_abi_addr(&p->a[1]), ia_abi_addr(&p->a[2]), ia_abi_addr(&p->a[3]),
                            ia_abi_h256(&p->salt)};

  memcpy(v, all, sizeof(all));
  return IA_COUNT(all);
}

static size_t request(ia_abi_val *v, const people *p)
{
  const ia_abi_val all[] = {ia_abi_addr(&p->a[0]), ia_abi_u256(&p->v[0]), ia_abi_addr(&p->a[1]),
                            ia_abi_u256(&p->v[1]), ia_abi_addr(&p->a[2]), ia_abi_u256(&p->v[2]),
                            ia_abi_addr(&p->a[3]), ia_abi_u256(&p->v[3]), ia_abi_h256(&p->tag),
                            ia_abi_u256(&p->v[4]), ia_abi_u256(&p->v[5]), ia_abi_addr(&p->a[4]),
                            ia_abi_addr(&p->a[5]), ia_abi_str("a \"b\""), ia_abi_h256(&p->salt)};

  memcpy(v, all, sizeof(all));
  return IA_COUNT(all);
}

static void order_of(ia_order *o, ia_order_kind kind, const people *p)
{
  const ia_addr *a = p->a;
  const ia_u256 *v = p->v;

  memset(o, 0, sizeof(*o));
  o->kind = kind;
  switch (kind) {
  case IA_ORDER_APP:
    o->app = (ia_app_order){a[0], v[0], v[1], p->tag, a[1], a[2], a[3], p->salt, {NULL, 0}};
    break;
  case IA_ORDER_DATASET:
    o->dataset = (ia_dataset_order){a[0], v[0], v[1], p->tag, a[1], a[2], a[3], p->salt, {NULL, 0}};
    break;
  case IA_ORDER_WORKERPOOL:
    o->workerpool = (ia_workerpool_order){a[0], v[0], v[1], p->tag,  v[2],     v[3],
                                          a[1], a[2], a[3], p->salt, {NULL, 0}};
    break;
  case IA_ORDER_REQUEST:
  case IA_ORDER_KINDS:
    o->request = (ia_request_order){.app = a[0],
                                    .appmaxprice = v[0],
                                    .dataset = a[1],
                                    .datasetmaxprice = v[1],
                                    .workerpool = a[2],
                                    .workerpoolmaxprice = v[2],
                                    .requester = a[3],
                                    .volume = v[3],
                                    .tag = p->tag,
                                    .category = v[4],
                                    .trust = v[5],
                                    .beneficiary = a[4],
                                    .callback = a[5],
                                    .params = ia_span_str("a \"b\""),
                                    .salt = p->salt};
    break;
  }
}

static void orders_and_operations_hash_as_typed_data(void **state IA_UNUSED)
{
  static size_t (*const values[IA_ORDER_KINDS])(ia_abi_val *, const people *) = {
      app_or_data, app_or_data, pool, request};
  ia_eip712_domain domain = {.name = "iExecODB", .version = "5.0.0", .chain_id = 421614};
  ia_h256 separator, want, got;
  people p;

  fill(&p);
  domain.contract = addr(0xdd);
  ia_order_separator(&separator, domain.chain_id, &domain.contract);
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order_kind kind = (ia_order_kind)k;
    IA_AUTOV(ia_buf) type = {0};
    ia_abi_val v[16];
    ia_order o;
    size_t n = values[k](v, &p);

    order_of(&o, kind, &p);
    ia_order_hash(&got, &separator, kind, &o.app);
    assert_true(ia_eip712_hash(&want, &domain, types[k], v, n, NULL));
    assert_true(ia_h256_eq(&got, &want));
    ia_buf_printf(&type, "%s%s", operations[k], types[k]);
    ia_buf_u8(&type, 0);
    for (uint64_t operation = IA_ORDER_SIGN; operation <= IA_ORDER_CLOSE; operation++) {
      ia_u256 number = ia_u256_of(operation);

      v[n] = ia_abi_u256(&number);
      ia_order_op_hash(&got, &separator, kind, &o.app, (ia_order_operation)operation);
      assert_true(ia_eip712_hash(&want, &domain, (const char *)type.ptr, v, n + 1, NULL));
      assert_true(ia_h256_eq(&got, &want));
    }
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(orders_and_operations_hash_as_typed_data),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
