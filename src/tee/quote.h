/* Structure of DCAP quotes, versions 3, 4 and 5 (Intel SGX/TDX DCAP quote library reference). The
 * parser judges nothing: vendor id, flags, signatures and chain are for the verifiers (hw.h,
 * sim.h). Spans of the result borrow from the bytes that were parsed. */
#ifndef IA_TEE_QUOTE_H
#define IA_TEE_QUOTE_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

enum {
  IA_QUOTE_MAX = 64 << 10, /* whole quote, padding included */
  IA_QUOTE_AUTH_MAX = 32 << 10,
  IA_QUOTE_QE_AUTH_MAX = 1024,
  IA_QUOTE_PEM_MAX = 16 << 10, /* PCK chain */
  IA_QUOTE_CERTS = 3,          /* exactly: leaf, CA, root */
  IA_QUOTE_CERT_MAX = 4 << 10, /* DER of one certificate */
  IA_QUOTE_TEE_SGX = 0,
  IA_QUOTE_TEE_TDX = 0x81,
  IA_QUOTE_BODY_SGX = 1,
  IA_QUOTE_BODY_TD10 = 2,
  IA_QUOTE_BODY_TD15 = 3,
  IA_TD_DEBUG_BITS = 0xff, /* TDATTRIBUTES 7:0, the TUD group; bit 0 = DEBUG */
};

/* SGX report body, 384 bytes; also the report of the quoting enclave. */
typedef struct ia_sgx_report {
  uint8_t cpu_svn[16];
  uint8_t misc_select[4];
  uint8_t attributes[16]; /* flags 8, XFRM 8; DEBUG = byte 0 bit 1 */
  uint8_t mr_enclave[32];
  uint8_t mr_signer[32];
  uint16_t isv_prod_id;
  uint16_t isv_svn;
  uint8_t report_data[64];
} ia_sgx_report;

/* TD report body of 584 bytes; tcb_svn2 and mr_service_td only in the one of 648 (TDX 1.5). */
typedef struct ia_td_report {
  uint8_t tcb_svn[16];
  ia_h384 mr_seam;
  ia_h384 mr_signer_seam;
  uint64_t seam_attributes;
  uint64_t td_attributes;
  uint64_t xfam;
  ia_h384 mr_td;
  ia_h384 mr_config_id;
  ia_h384 mr_owner;
  ia_h384 mr_owner_config;
  ia_h384 rtmr[4];
  uint8_t report_data[64];
  uint8_t tcb_svn2[16];
  ia_h384 mr_service_td;
} ia_td_report;

typedef struct ia_quote {
  uint16_t version;
  uint32_t tee_type;
  uint16_t qe_svn, pce_svn; /* version 3 only */
  uint8_t qe_vendor[16];
  uint8_t user_data[20];
  uint16_t body_type;   /* IA_QUOTE_BODY_*; told from the TEE type before version 5 */
  ia_sgx_report sgx;    /* IA_QUOTE_BODY_SGX */
  ia_td_report td;      /* the two others */
  ia_span signed_bytes; /* header and body: what the attestation key signs */
  ia_span signature;    /* r || s */
  ia_span attest_key;   /* x || y, P-256 */
  ia_sgx_report qe;
  ia_span qe_bytes; /* the 384 bytes that the PCK leaf signs */
  ia_span qe_signature;
  ia_span qe_auth;
  uint16_t cert_type; /* 1..5 or 7 */
  ia_span cert_data;  /* of type 5: PEM text without its trailing NULs */
} ia_quote;

/* Errors: QUOTE_SIZE (a limit above), QUOTE_VERSION, QUOTE_AK_TYPE, QUOTE_TEE_TYPE,
 * QUOTE_BODY_TYPE, QUOTE_CERT_TYPE, QUOTE_TRAILING (bytes other than zero after the auth data),
 * QUOTE_PARSE. */
IA_MUST bool ia_quote_parse(ia_quote *q, ia_span bytes, ia_err *e);
/* The PEM chain; NO_PCK_CHAIN for quotes that carry an id instead (certification data types 1-4,
 * 7). */
IA_MUST bool ia_quote_chain(ia_span *pem, const ia_quote *q, ia_err *e);

#endif
