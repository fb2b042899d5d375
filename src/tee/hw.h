/* Evidence of real hardware (TDX). What is here are the checks that a quote passes or fails by
 * itself; verification against collateral (TCB levels, revocation) is not part of this version, so
 * ia_hw_verify ends with UNSUPPORTED at best and fills no evidence: an SMS of the hardware domain
 * releases nothing. */
#ifndef IA_TEE_HW_H
#define IA_TEE_HW_H

#include "base/types.h"
#include "tee/quote.h"

/* Only a full verification may fill one. It shares no base with the simulated kind. */
typedef struct hw_evidence {
  ia_h384 hw_mr_td;
  ia_h384 hw_rtmr[4];
  ia_h512 hw_report_data;
  ia_h256 hw_collateral;
} hw_evidence;

/* Each check alone; a simulated quote fails every one. */
IA_MUST bool ia_hw_check_vendor(const ia_quote *q, ia_err *e); /* QE_VENDOR: Intel's QE */
IA_MUST bool ia_hw_check_debug(const ia_quote *q, ia_err *e);  /* TD_DEBUG: TDATTRIBUTES 7:0 zero */
/* CHAIN: three certificates, every critical extension known, SGX extension in the leaf. */
IA_MUST bool ia_hw_check_extensions(const ia_quote *q, ia_err *e);
IA_MUST bool ia_hw_check_root(const ia_quote *q, ia_err *e); /* CHAIN_ROOT: Intel SGX Root CA */

/* HARDWARE_CLASS for what is not TDX; the checks above; then UNSUPPORTED. */
IA_MUST bool ia_hw_verify(hw_evidence *out, ia_span quote, ia_err *e);

#endif
