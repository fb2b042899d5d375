// The tables of docs/compatibility.md about the packages, held against the packages as npm gives them: every
// option of a constructor and every command and option of iexec's command line stands there, and `iapp
// config sdk` prints what it is said to print.
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assert, installation, main, test } from './lib.mjs';

const HERE = import.meta.dirname ?? dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(HERE, '../node_modules');
const CLI = join(PACKAGES, 'iexec/dist/esm/cli');
const STATE = /^(works|differs|refused)/;
const here = installation();

// {heading: rows}, a row is its cells
const tables = {};
let heading = '';
// the tests are linked into the packages' folder: the document is found from where they really lie
const docs = readFileSync(join(realpathSync(HERE), '../../docs/compatibility.md'), 'utf8');
for (const line of docs.split('\n')) {
  if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
  else if (/^\| (?!---)/.test(line)) {
    (tables[heading] ??= []).push(line.replace(/^\| | \|$/g, '').split(' | '));
  }
}
const table = (end) => {
  const [name] = Object.keys(tables).filter((h) => h.endsWith(end));
  assert.ok(name, `no table ${end}`);
  for (const row of tables[name].slice(1)) assert.match(row[row.length - 2], STATE, row[0]);
  return tables[name].slice(1);
};
const spans = (cell) => [...cell.matchAll(/`([^`]*)`/g)].map(([, text]) => text);

// Members of an object type in a declaration file, not of what is nested in it.
const members = (file, start) => {
  const text = readFileSync(join(PACKAGES, file), 'utf8');
  const at = text.indexOf(start);
  assert.ok(at >= 0, `${start} in ${file}`);
  const body = text.slice(at, text.indexOf('\n}', at));
  const [, indent] = body.match(/\n( +)\w+\?:/);
  return [...body.matchAll(new RegExp(`\n${indent}(\\w+)\\?:`, 'g'))].map(([, name]) => name);
};

test('an installation starts', async () => {
  await here.start();
});

const declarations = {
  iexec: ['iexec/dist/esm/lib/IExecConfig.d.ts', 'interface IExecConfigOptions {'],
  iexec8: ['iexec8/dist/esm/lib/IExecConfig.d.ts', 'interface IExecConfigOptions {'],
  dataprotector: ['@iexec/dataprotector/dist/src/lib/types/commonTypes.d.ts', 'DataProtectorConfigOptions = {'],
  web3mail: ['@iexec/web3mail/dist/web3mail/types.d.ts', 'Web3MailConfigOptions = {'],
};

for (const [name, [file, start]] of Object.entries(declarations)) {
  test(`options of ${name}`, () => {
    const rows = table(`(${name})`);
    assert.deepEqual(rows.map(([o]) => spans(o)[0]).sort(), members(file, start).sort());
    const printed = rows.filter((row) => row[2] === 'config sdk').map(([o]) => spans(o)[0]);
    assert.deepEqual(Object.keys(here.sdk[name]).sort(), printed.sort());
  });
}

test('options of web3telegram, which is not installed here', () => {
  const told = table('(web3telegram)').map(([o]) => spans(o)[0]);
  assert.deepEqual(Object.keys(here.sdk.web3telegram).sort(), told.sort());
});

test('what is handed on to iexec is whole', () => {
  for (const name of ['dataprotector', 'web3mail']) assert.deepEqual(here.sdk[name].iexecOptions, here.sdk.iexec);
  for (const value of Object.values(here.sdk.iexec)) assert.match(value, /^(0x|http:\/\/127\.0\.0\.1:)/);
});

test('chain.json', () => {
  const told = table('(chain.json)').map(([o]) => spans(o)[0]);
  assert.deepEqual(Object.keys(here.sdk['chain.json'].chains.iapp).sort(), told.sort());
  const schema = readFileSync(join(CLI, 'utils/fs.js'), 'utf8');
  for (const name of told) assert.ok(schema.includes(name), `${name} is a member of chain.json`);
});

// Commands and their options, by the sources of the command line.
const commandsOf = async () => {
  const { option, orderOption } = await import(pathToFileURL(join(CLI, 'utils/cli-helper.js')));
  const flag = (from, name) => from[name]()[0].match(/--[\w-]+/)[0];
  const found = {};
  for (const file of readdirSync(join(CLI, 'cmd'))) {
    const [, group = ''] = file.match(/^iexec-(\w+)\.js$/) ?? [];
    for (const part of readFileSync(join(CLI, 'cmd', file), 'utf8').split(/\.command\(\s*/).slice(1)) {
      if (!part.includes('addGlobalOptions(')) continue; // the name of a group alone
      const [, words] = part.match(/^[`'"]([^`'"]+)[`'"]/);
      const flags = [...part.matchAll(/\.option\(\s*\.\.\.(option|orderOption)\.(\w+)\(/g)].map(
        ([, from, name]) => flag(from === 'option' ? option : orderOption, name));
      found[`${group} ${words.split(' ')[0]}`.trim()] = flags.sort();
    }
  }
  return found;
};

test("commands and options of iexec's command line", async () => {
  const told = {};
  const tests = {};
  for (const [command, options, state, shown] of table('The `iexec` command line')) {
    assert.match(state, STATE);
    told[spans(command)[0]] = spans(options).sort();
    tests[spans(command)[0]] = spans(shown)[0];
  }
  assert.deepEqual(told, await commandsOf());
  for (const [command, name] of Object.entries(tests)) {
    const text = readFileSync(join(HERE, `test_${name.replace('clients/', '')}.mjs`), 'utf8');
    const words = command.split(' ').map((w) => `'${w}'`).join(', ');
    assert.ok(text.includes(`(${words}`) || text.includes(`[${words}`), `${name} runs ${command}`);
  }
});

await main();
