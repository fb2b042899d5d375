// The same as gql_tree, by npm's graphql: a JSON array of documents on standard input.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { parse, GraphQLError } = createRequire(process.argv[2] + '/')('graphql');

const values = (list, named) =>
  list.map((f) => (named ? [f.name.value, value(f.value)] : value(f)));

function value(v) {
  switch (v.kind) {
    case 'Variable': return { var: v.name.value };
    case 'IntValue': return { int: v.value };
    case 'FloatValue': return { float: v.value };
    case 'StringValue': return { string: v.value, block: v.block };
    case 'BooleanValue': return { bool: v.value };
    case 'NullValue': return { null: null };
    case 'EnumValue': return { enum: v.value };
    case 'ListValue': return { list: values(v.values, false) };
    default: return { object: values(v.fields, true) };
  }
}

const directives = (list) =>
  (list ?? []).map((d) => ({ name: d.name.value, args: values(d.arguments ?? [], true) }));

const selections = (set) =>
  (set?.selections ?? []).map((s) => ({
    ...(s.kind === 'Field'
      ? { field: s.name.value, alias: s.alias?.value ?? null, args: values(s.arguments ?? [], true) }
      : s.kind === 'FragmentSpread'
        ? { spread: s.name.value }
        : { inline: s.typeCondition?.name.value ?? null }),
    directives: directives(s.directives),
    selections: selections(s.selectionSet),
  }));

function type(t) {
  if (t.kind === 'NonNullType') return type(t.type) + '!';
  return t.kind === 'ListType' ? `[${type(t.type)}]` : t.name.value;
}

function tree(document) {
  const defs = document.definitions;
  if (defs.some((d) => d.kind !== 'OperationDefinition' && d.kind !== 'FragmentDefinition'))
    return { schema: true };
  return defs.map((d) => ({
    operation: d.operation ?? 'fragment',
    name: d.name?.value ?? null,
    on: d.typeCondition?.name.value ?? null,
    variables: (d.variableDefinitions ?? []).map((v) => ({
      name: v.variable.name.value,
      type: type(v.type),
      default: v.defaultValue ? value(v.defaultValue) : null,
      directives: directives(v.directives),
    })),
    directives: directives(d.directives),
    selections: selections(d.selectionSet),
  }));
}

for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  let out;
  try {
    out = tree(parse(text, { noLocation: true }));
  } catch (e) {
    if (!(e instanceof GraphQLError)) throw e;
    out = { refused: e.message };
  }
  process.stdout.write(JSON.stringify(out) + '\n');
}
