/* The options objects that iExec's packages take, made of the fields of `iapp config sdk`. */
#ifndef IA_CLI_SDK_OPTIONS_H
#define IA_CLI_SDK_OPTIONS_H

#include "base/json.h"

/* {"iexec":{..},"iexec8":{..},"chain.json":{..},"dataprotector":{..},"web3mail":{..},
 * "web3telegram":{..}}; new reference, NULL without memory. */
json_t *ia_sdk_packages(const json_t *fields, ia_err *e);
/* What is to be written above an object, as a line of JavaScript's comments. */
const char *ia_sdk_package_use(const char *package);
/* Fields that a package would take from the public service, since nothing here serves them, one
 * after the other: at = 0, 1, .. until NULL. */
const char *ia_sdk_missing(const json_t *fields, unsigned at);

#endif
