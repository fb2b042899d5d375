/* Simulated evidence (docs/release.md 5): quotes in the TDX version 4 layout that any verifier of
 * real hardware refuses by itself. For development only: it proves nothing about any machine. */
#ifndef IA_TEE_SIM_H
#define IA_TEE_SIM_H

#include "base/buf.h"
#include "base/types.h"
#include "tee/quote.h"

/* The QE vendor id of a simulated quote. */
#define IA_SIM_VENDOR "IAPP-SIMULATION!"
/* The one critical extension of simulation certificates: our own arc, value the NULL of DER. Any
 * verifier of real chains must refuse a critical extension that it does not know. */
#define IA_SIM_EXTENSION_OID "1.3.6.1.4.1.57264.7401.1"
/* MRSEAM = SHA-384 of this text. */
#define IA_SIM_SEAM_TEXT "iapp simulated tee"

/* Keys and certificates of one installation: root, CA and leaf of P-256. */
typedef struct ia_simpki ia_simpki;

/* A new set, valid from a day before now for 20 years (Unix seconds). */
IA_MUST bool ia_simpki_new(ia_simpki **out, uint64_t now, ia_err *e);
void ia_simpki_free(ia_simpki *p); /* NULL is fine */
IA_DEFINE_AUTO(ia_simpki, ia_simpki_free)
/* certs: the chain as PEM, leaf first (root last); keys: the leaf's private key as PEM, a secret.
 * The keys of root and CA are never written: their work ends with the leaf. */
IA_MUST bool ia_simpki_export(const ia_simpki *p, ia_buf *certs, ia_buf *keys, ia_err *e);
IA_MUST bool ia_simpki_import(ia_simpki **out, ia_span certs, ia_span keys, ia_err *e);
/* SHA-256 of the root's DER: what an SMS enrols. */
IA_MUST bool ia_simpki_root_digest(ia_h256 *out, const ia_simpki *p, ia_err *e);
/* The same from the first or only certificate whose issuer is itself in a PEM file. */
IA_MUST bool ia_sim_root_digest_pem(ia_h256 *out, ia_span pem, ia_err *e);

/* What the simulator states of a guest. */
typedef struct ia_sim_claims {
  ia_h384 mr_td; /* SHA-384 of the guest's file */
  ia_h384 rtmr3;
  ia_h512 report_data;
} ia_sim_claims;

/* A signed quote. The attestation key is made anew for each (seconds of work: well under 1 ms). */
IA_MUST bool ia_sim_quote(ia_buf *out, const ia_simpki *p, const ia_sim_claims *claims, ia_err *e);

/* Only ia_sim_verify fills one. Nothing that releases secrets of the hardware domain takes it. */
typedef struct sim_evidence {
  ia_h384 sim_mr_td;
  ia_h384 sim_rtmr3;
  ia_h512 sim_report_data;
  ia_h256 sim_root; /* digest of the root that vouches */
} sim_evidence;

typedef struct ia_sim_trust {
  const ia_h256 *roots; /* enrolled, by SHA-256 of DER */
  size_t n_roots;
  const ia_h384 *guests; /* accepted MRTD */
  size_t n_guests;
  uint64_t now; /* Unix seconds, for certificate validity */
} ia_sim_trust;

/* Structure, vendor id, DEBUG, MRSEAM, chain to an enrolled root, both signatures and the QE
 * binding, MRTD, and the registers that must be zero. What report data and RTMR3 mean is for the
 * caller. Errors: those of ia_quote_parse; SIM_QUOTE, SIM_ROOT, CHAIN, QUOTE_SIG, GUEST_UNKNOWN. */
IA_MUST bool ia_sim_verify(sim_evidence *out, ia_span quote, const ia_sim_trust *trust, ia_err *e);

#endif
