// Tools of npm's graphql against our index: argv = folder of the package, then URLs. For each URL the
// standard introspection query must make a schema; then lines of JSON on standard input, {url, query},
// are judged by that schema: one line each, the messages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [folder, ...urls] = process.argv.slice(2);
const { buildClientSchema, getIntrospectionQuery, parse, printSchema, validate, validateSchema } =
  createRequire(folder + '/')('graphql');
const schemas = {};

for (const url of urls) {
  const query = getIntrospectionQuery({
    specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true,
    inputValueDeprecation: true,
  });
  const answer = await fetch(url, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  schemas[url] = buildClientSchema(data);
  const faults = validateSchema(schemas[url]);
  if (faults.length) throw new Error(faults.join('\n'));
  process.stdout.write(JSON.stringify(printSchema(schemas[url])) + '\n');
}
for (const { url, query } of JSON.parse(readFileSync(0, 'utf8'))) {
  let faults;
  try {
    faults = validate(schemas[url], parse(query)).map((e) => e.message);
  } catch (e) {
    faults = [e.message];
  }
  process.stdout.write(JSON.stringify(faults) + '\n');
}
