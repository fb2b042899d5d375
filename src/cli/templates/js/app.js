// @NAME@: this runs inside the enclave.
//
// Read from IEXEC_IN, write to IEXEC_OUT. What is printed is a log: who may read it is decided by
// the owners of the data. The result is what computed.json names.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const out = process.env.IEXEC_OUT;
@if data files bulk
const input = process.env.IEXEC_IN;
@end
const lines = ['Hello from @NAME@'];

@if args
lines.push('arguments: ' + process.argv.slice(2).join(' | '));
@end
@if data bulk
// every protected value is a plain file; folders nest as the data does
function show(folder, below = '') {
  for (const entry of fs.readdirSync(path.join(folder, below), { withFileTypes: true })) {
    const name = path.join(below, entry.name);
    if (entry.isDirectory()) show(folder, name);
    else lines.push(`${name}: ${fs.statSync(path.join(folder, name)).size} bytes`);
  }
}
@end
@if data
if (fs.existsSync(path.join(input, 'protected'))) show(path.join(input, 'protected'));
else lines.push('no protected data');
@end
@if bulk
for (let i = 1; i <= Number(process.env.IEXEC_BULK_SLICE_SIZE || 0); i++) {
  lines.push(`data ${i}:`);
  show(path.join(input, 'protected', String(i)));
}
@end
@if files
for (let i = 1; i <= Number(process.env.IEXEC_INPUT_FILES_NUMBER); i++) {
  const name = process.env[`IEXEC_INPUT_FILE_NAME_${i}`];
  lines.push(`input file ${i}: ${fs.statSync(path.join(input, name)).size} bytes`);
}
@end
@if secret
lines.push(`requester secret 1: ${(process.env.IEXEC_REQUESTER_SECRET_1 || '').length} characters`);
@end
@if appsecret
lines.push(`app secret: ${(process.env.IEXEC_APP_DEVELOPER_SECRET || '').length} characters`);
@end

fs.writeFileSync(path.join(out, 'result.txt'), lines.join('\n') + '\n');
@if callback
// what the contract receives: ABI-encoded bytes; here one uint256
const callback = '0x' + lines.length.toString(16).padStart(64, '0');
fs.writeFileSync(path.join(out, 'computed.json'), JSON.stringify({ 'callback-data': callback }));
@else
fs.writeFileSync(
  path.join(out, 'computed.json'),
  JSON.stringify({ 'deterministic-output-path': path.join(out, 'result.txt') }),
);
@end
console.error('done');
