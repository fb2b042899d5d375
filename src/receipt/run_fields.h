/* The tables that writer and reader of run statements share. */
#ifndef IA_RECEIPT_RUN_FIELDS_H
#define IA_RECEIPT_RUN_FIELDS_H

#include "receipt/fields.h"
#include "receipt/run.h"

#define IA_STATEMENT_TYPE "https://in-toto.io/Statement/v1"

extern const ia_field ia_run_predicate[], ia_run_object_fields[], ia_run_egress_fields[],
    ia_run_failed_fields[];
extern const size_t ia_run_n_predicate, ia_run_n_object, ia_run_n_egress, ia_run_n_failed;

#endif
