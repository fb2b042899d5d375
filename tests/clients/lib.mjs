// What the tests of iExec's packages share: an installation of ours that runs, wallets with money, an app
// that runs in it, and TAP.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Contract, JsonRpcProvider, Wallet, hexlify, randomBytes, zeroPadValue } from 'ethers';
import { paced } from './pace.mjs';

export { assert };
export const BUILD = process.env.IA_BUILD;
// packages are found beside a link to this folder; apps stand beside the folder itself
const HERE = dirname(realpathSync(fileURLToPath(import.meta.url)));
// Where deals settle: our own ledger, or "anvil", an EVM with the published contracts.
export const LEDGER = process.env.IA_LEDGER ?? 'ours';
export const ZERO = `0x${'0'.repeat(40)}`;
export const TAG = ['tee', 'tdx'];
// "test test test test test test test test test test test junk": everybody's
const DEVELOPERS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
];
const STOP_MS = 30000;
const EVM = join(HERE, '../evm');

// the version of iexec that this test is about, by its name in package.json
export const IEXEC = process.argv[2] ?? 'iexec';
const { IExec, utils } = await import(IEXEC);
export { utils };

// iexec for the wallet of that private key, with the options that `iapp config sdk` prints.
export const sdk = (here, key) =>
  new IExec(
    { ethProvider: utils.getSignerFromPrivateKey(here.urls.rpcUrl, key) },
    here.sdk[IEXEC],
  );

// Standard output is TAP; what packages print is not.
const say = (line) => process.stdout.write(`${line}\n`);
console.log = console.error;
export const note = (text) => {
  for (const line of `${text}`.split('\n')) say(`# ${line}`);
};

const cases = [];
const endings = [];

// Cases run in order, each in one line of the output; what one throws is its failure.
export const test = (name, run) => cases.push({ name, run });
export const atEnd = (run) => endings.unshift(run);

const diagnose = (error) => {
  for (let e = error; e; e = e.cause) note(e.stack ?? e);
};

const runCases = async () => {
  let failed = 0;
  say(`1..${cases.length}`);
  for (const [i, { name, run }] of cases.entries()) {
    const start = Date.now();
    try {
      await run();
      say(`ok ${i + 1} - ${name} # ${((Date.now() - start) / 1000).toFixed(1)} s`);
    } catch (error) {
      failed += 1;
      say(`not ok ${i + 1} - ${name}`);
      diagnose(error);
    }
  }
  return failed;
};

// A run that is cut short ends what it started.
process.on('SIGTERM', async () => {
  for (const end of endings) await end();
  process.exit(1);
});

export const main = async () => {
  let failed = 1;
  try {
    failed = await runCases();
  } finally {
    for (const end of endings) await end();
  }
  // an HTTP client of a package may still hold connections open
  process.exit(failed ? 1 : 0);
};

// Rejects with an error whose message fits.
export const refused = async (promise, pattern) => {
  await assert.rejects(promise, (error) => {
    const said = [];
    for (let e = error; e; e = e.cause) said.push(e.message);
    assert.match(said.join(' | '), pattern);
    return true;
  });
};

// The one thing that a package lets us do about an event of the ledger that has no promise.
export const until = async (what, condition) => {
  const end = Date.now() + 60000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    assert.ok(Date.now() < end, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

// Packages judge deadlines by their own clock.
export const secondsLater = async (seconds, run) => {
  const now = Date.now;
  Date.now = () => now() + seconds * 1000;
  try {
    return await run();
  } finally {
    Date.now = now;
  }
};

const clean = (top) => {
  const env = { ...process.env, HOME: top, IAPP_HOME: join(top, 'home') };
  env.IAPP_PASSWORD_FILE = join(top, 'password');
  return env;
};

// One `iapp up` in a folder of its own.
export class Installation {
  constructor() {
    this.top = mkdtempSync(join(tmpdir(), 'iapp-clients-'));
    this.env = clean(this.top);
    writeFileSync(join(this.top, 'password'), 'correct horse battery\n', { mode: 0o600 });
  }

  // A process that says in one line of JSON that it is there: that line, and its end.
  async spawn(program, words) {
    const log = openSync(join(this.top, 'up.log'), 'a');
    const child = spawn(program, words, { env: this.env, stdio: ['ignore', 'pipe', log] });
    const ended = new Promise((resolve) => {
      child.on('exit', resolve);
    });
    const lines = readline.createInterface({ input: child.stdout });
    const said = await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', () => reject(new Error(`${program}: ${this.log()}`)));
    });
    return { child, ended, said: JSON.parse(said) };
  }

  async start(...options) {
    const ledger = LEDGER === 'anvil' ? await this.chain() : ['--test'];
    const up = ['up', '--port', '0', '--json', ...ledger, ...options];
    this.up = await this.spawn(join(BUILD, 'iapp'), up);
    this.urls = { ...this.up.said, ...(this.pace && { rpcUrl: this.pace.url }) };
    this.sdk = this.iapp('config', 'sdk').packages;
    if (LEDGER === 'anvil') await this.withoutBuiltIn();
    return this;
  }

  // On our ledger the packages find the pools and whitelists that they have built in; elsewhere they are told.
  pool = {};
  mailPool = {};

  async withoutBuiltIn() {
    this.pool = { workerpool: this.urls.workerpool };
    this.mailPool = { workerpoolAddressOrEns: this.urls.workerpool };
    this.whitelist ??= await this.group();
    this.urls.whitelist = { web3mail: this.whitelist };
    this.sdk.web3mail.dappWhitelistAddress = this.whitelist;
  }

  // A whitelist of these addresses on an EVM chain, which belongs to `owner`.
  async group(members = [], owner = undefined) {
    const signer = new Wallet(DEVELOPERS[3], new JsonRpcProvider(this.urls.rpcUrl, undefined, { cacheTimeout: -1 }));
    const done = async (sent) => (await sent).wait();
    const factory = new Contract(this.node.said.groupFactory, ['function createGroup(bytes32)'], signer);
    const { logs } = await done(factory.createGroup(hexlify(randomBytes(32))));
    const made = new Contract(
      logs[0].address, ['function addKey(bytes32,uint256,uint256)', 'function transferOwnership(address)'], signer,
    );
    for (const member of members) await done(made.addKey(zeroPadValue(member, 32), 4, 1));
    if (owner) await done(made.transferOwnership(owner));
    return logs[0].address;
  }

  // A line of versions of an app, which our command line's wallet edits.
  async line(app) {
    if (LEDGER === 'ours') return this.iapp('app', 'line', 'new', app).line;
    return this.group([app], this.iapp('wallet', 'list').wallets[0].address);
  }

  // The chain outlives restarts of the services.
  async chain() {
    this.node ??= await this.spawn('python3', [join(EVM, 'run.py')]);
    const { rpcUrl, hub, dataProtector } = this.node.said;
    this.pace ??= await paced(rpcUrl);
    return ['--chain', rpcUrl, '--hub', hub, '--dataprotector', dataProtector];
  }

  log() {
    return readFileSync(join(this.top, 'up.log'), 'utf8');
  }

  async stop(started = this.up) {
    if (!started || started.child.exitCode !== null) return;
    started.child.kill('SIGTERM');
    const timer = setTimeout(() => started.child.kill('SIGKILL'), STOP_MS);
    await started.ended;
    clearTimeout(timer);
  }

  async end() {
    await this.stop();
    await this.stop(this.node);
    this.pace?.close();
    rmSync(this.top, { recursive: true, force: true });
  }

  // Our command line, answered in JSON.
  iapp(...words) {
    return this.iappIn(this.top, ...words);
  }

  iappIn(folder, ...words) {
    const done = spawnSync(join(BUILD, 'iapp'), [...words, '--json', '--yes'], {
      cwd: folder,
      env: this.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.equal(done.status, 0, `iapp ${words.join(' ')}: ${done.stdout} ${done.stderr}`);
    return JSON.parse(done.stdout);
  }

  // A command of the daemon while it does not run; what it prints.
  iappd(...words) {
    const done = spawnSync(join(BUILD, 'iappd'), [...words, '--home', this.env.IAPP_HOME], {
      env: this.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.equal(done.status, 0, `iappd ${words.join(' ')}: ${done.stdout} ${done.stderr}`);
    return done.stdout;
  }

  // An app of that C source, built, deployed and offered by our own command line.
  deploy(name, source) {
    const folder = join(this.top, name);
    if (this.iapp('wallet', 'list').wallets.length === 0) this.iapp('wallet', 'new');
    this.iapp('init', name, '--lang', 'c');
    writeFileSync(join(folder, 'src/app.c'), source);
    return this.iappIn(folder, 'deploy').address;
  }

  // An app of this repository, the same way; edit changes its sources first.
  deployApp(name, as = name, edit = () => {}) {
    const folder = join(this.top, as);
    if (this.iapp('wallet', 'list').wallets.length === 0) this.iapp('wallet', 'new');
    cpSync(join(HERE, '../../iapps', name), folder, { recursive: true });
    edit(folder);
    return this.iappIn(folder, 'deploy').address;
  }

  async rpc(method, ...params) {
    const answer = await fetch(this.urls.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = await answer.json();
    assert.equal(error, undefined, `${method}: ${error?.message}`);
    return result;
  }
}

export const installation = () => {
  const one = new Installation();
  atEnd(() => one.end());
  return one;
};

// Private key of one of the accounts that hold money on a test ledger.
export const developer = (i) => DEVELOPERS[i];

// Writes what its arguments, data and secrets were into its result, and answers a callback where the
// requester's secret says so.
export const ECHO_APP = `#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy(FILE *to, const char *path)
{
  char chunk[65536];
  size_t n;
  FILE *from = fopen(path, "rb");
  if (!from) return;
  while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0) fwrite(chunk, 1, n, to);
  fclose(from);
}

static void keep(const char *name, const char *file)
{
  char from[512], to[512];
  if (!file || !*file) return;
  snprintf(from, sizeof(from), "%s/%s", getenv("IEXEC_IN"), file);
  snprintf(to, sizeof(to), "%s/%s", getenv("IEXEC_OUT"), name);
  FILE *out = fopen(to, "wb");
  if (!out) return;
  copy(out, from);
  fclose(out);
}

static void say(FILE *out, const char *name)
{
  const char *value = getenv(name);
  fprintf(out, "%s=%s\\n", name, value ? value : "");
}

int main(int argc, char **argv)
{
  char path[512];
  snprintf(path, sizeof(path), "%s/said.txt", getenv("IEXEC_OUT"));
  FILE *out = fopen(path, "w");
  if (!out) return 1;
  for (int i = 1; i < argc; i++) fprintf(out, "argument %d=%s\\n", i, argv[i]);
  say(out, "IEXEC_REQUESTER_SECRET_1");
  say(out, "IEXEC_APP_DEVELOPER_SECRET");
  say(out, "IEXEC_DATASET_ADDRESS");
  say(out, "IEXEC_BULK_SLICE_SIZE");
  fclose(out);
  keep("data.zip", getenv("IEXEC_DATASET_FILENAME"));
  for (int i = 1; i <= 3; i++) {
    char name[64], file[64];
    snprintf(name, sizeof(name), "IEXEC_DATASET_%d_FILENAME", i);
    snprintf(file, sizeof(file), "data%d.zip", i);
    keep(file, getenv(name));
  }
  puts("the app has run");
  const char *secret = getenv("IEXEC_REQUESTER_SECRET_1");
  int back = secret && strstr(secret, "\\"useCallback\\":true") != NULL;
  snprintf(path, sizeof(path), "%s/computed.json", getenv("IEXEC_OUT"));
  out = fopen(path, "w");
  if (!out) return 1;
  fprintf(out, "{\\"deterministic-output-path\\":\\"%s/said.txt\\"%s}", getenv("IEXEC_OUT"),
          back ? ",\\"callback-data\\":\\"0x01\\"" : "");
  return fclose(out) != 0;
}
`;
