// cli_host.mjs FILE: runs commands of one program of iexec's command line without starting it anew for each:
// a line of standard input is a list of words, the line that answers is {ok, text}. The program reads its
// words, prints and exits as it always does; its words come from here, and its exit ends the command alone.
import { createRequire } from 'node:module';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const file = process.argv[2];
const { program } = createRequire(file)('commander');
const answer = process.stdout.write.bind(process.stdout);
let done;

const said = (ok) => (text) => {
  // a line that is no JSON is of a bar or a warning
  if (`${text}`.startsWith('{')) done({ ok, text: `${text}` });
};
console.log = said(true);
console.error = said(false);
process.stderr.write = (text) => {
  if (/^error: /.test(text)) done({ ok: false, text: `${text}` });
  return true;
};
class Exit extends Error {}
process.exit = () => { throw new Exit(); };
process.on('unhandledRejection', (why) => {
  if (!(why instanceof Exit)) done({ ok: false, text: `${why?.stack ?? why}` });
});

let loaded = false;
const run = (words) =>
  new Promise((resolve) => {
    done = resolve;
    process.argv = ['node', file, ...words];
    const start = async () => {
      if (loaded) program.parse(process.argv);
      else await import(pathToFileURL(file));
    };
    const first = start();
    loaded = true;
    first.catch((why) => why instanceof Exit || resolve({ ok: false, text: `${why.stack}` }));
  });

for await (const line of readline.createInterface({ input: process.stdin })) {
  answer(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
process.reallyExit(0);
