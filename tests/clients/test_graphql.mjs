// GraphQL clients as people use them: urql (GET by default), graphql-request, Apollo Client with batches and
// persisted queries, and the audits of GraphQL over HTTP.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { auditServer } from 'graphql-http';
import { GraphQLClient, batchRequests } from 'graphql-request';
import { assert, installation, main, note, test } from './lib.mjs';

const here = installation();
const CATEGORIES = 'query ($n: Int!) { categories(first: $n) { id workClockTimeRef } }';
const WHERE = 'query ($where: Category_filter) { categories(where: $where) { id } }';
let url;

// fetch, and the requests that went through it
const watched = () => {
  const sent = [];
  const through = async (target, options = {}) => {
    sent.push({ url: `${target}`, method: options.method ?? 'GET', body: options.body });
    return fetch(target, options);
  };
  return { sent, fetch: through };
};

const sha256 = async (text) => createHash('sha256').update(text).digest('hex');

test('an installation', async () => {
  await here.start();
  url = here.urls.pocoSubgraphUrl;
});

const five = (categories) => {
  assert.equal(categories.length, 5);
  assert.ok(categories.every(({ id }) => id));
};

test('urql asks by GET', async () => {
  const wire = watched();
  const client = new Client({ url, exchanges: [fetchExchange], fetch: wire.fetch, preferGetMethod: true });
  const { data, error } = await client.query(CATEGORIES, { n: 5 }).toPromise();
  assert.equal(error, undefined);
  five(data.categories);
  const filtered = await client.query(WHERE, { where: { id_in: ['0', '1'], name_not: 'ä"&+#%' } }).toPromise();
  assert.equal(filtered.error, undefined);
  assert.equal(filtered.data.categories.length, 2);
  const wrong = await client.query('{ nothing }', {}).toPromise();
  assert.match(wrong.error.message, /nothing/);
  assert.deepEqual(wire.sent.map(({ method }) => method), ['GET', 'GET', 'GET']);
});

test('urql as it comes', async () => {
  const client = new Client({ url, exchanges: [fetchExchange] });
  const { data, error } = await client.query(CATEGORIES, { n: 5 }).toPromise();
  assert.equal(error, undefined);
  five(data.categories);
});

test('urql with persisted queries: by hash, then with the text, then by hash', async () => {
  const wire = watched();
  const ask = async (options) => {
    const client = new Client({
      url, fetch: wire.fetch, exchanges: [persistedExchange(options), fetchExchange],
    });
    const { data, error } = await client.query(CATEGORIES, { n: 5 }).toPromise();
    assert.equal(error, undefined);
    five(data.categories);
  };
  await ask({ preferGetForPersistedQueries: true });
  assert.equal(wire.sent.length, 2);
  await ask({ preferGetForPersistedQueries: true });
  assert.equal(wire.sent.length, 3);
  await ask({ preferGetForPersistedQueries: false });
  assert.equal(wire.sent.length, 4);
});

test('graphql-request: POST, GET, several documents at once', async () => {
  five((await new GraphQLClient(url).request(CATEGORIES, { n: 5 })).categories);
  five((await new GraphQLClient(url, { method: 'GET' }).request(CATEGORIES, { n: 5 })).categories);
  const answers = await batchRequests(url, [
    { document: CATEGORIES, variables: { n: 5 } },
    { document: '{ _meta { block { number } } }' },
  ]);
  five(answers[0].data.categories);
  assert.equal(typeof answers[1].data._meta.block.number, 'number');
  await assert.rejects(new GraphQLClient(url, { method: 'GET' }).request('{ nothing }'), /nothing/);
});

const apollo = (link) => new ApolloClient({ link, cache: new InMemoryCache() });
const DOCUMENT = gql`query Categories($n: Int!) { categories(first: $n) { id } }`;

test('Apollo Client: POST, GET', async () => {
  for (const options of [{}, { useGETForQueries: true }]) {
    const wire = watched();
    const client = apollo(new HttpLink({ uri: url, fetch: wire.fetch, ...options }));
    five((await client.query({ query: DOCUMENT, variables: { n: 5 } })).data.categories);
    assert.equal(wire.sent[0].method, options.useGETForQueries ? 'GET' : 'POST');
  }
});

test('Apollo Client sends a batch; one of its operations fails', async () => {
  const wire = watched();
  const client = apollo(new BatchHttpLink({ uri: url, fetch: wire.fetch, batchInterval: 20 }));
  const [categories, fails, meta] = await Promise.allSettled([
    client.query({ query: DOCUMENT, variables: { n: 5 } }),
    client.query({ query: gql`query Wrong { nothing }` }),
    client.query({ query: gql`query Meta { _meta { block { number } } }` }),
  ]);
  assert.equal(wire.sent.length, 1);
  assert.equal(JSON.parse(wire.sent[0].body).length, 3);
  five(categories.value.data.categories);
  assert.equal(fails.status, 'rejected');
  assert.match(fails.reason.message, /nothing/);
  assert.equal(typeof meta.value.data._meta.block.number, 'number');
});

test('Apollo Client with persisted queries', async () => {
  for (const useGETForHashedQueries of [true, false]) {
    const wire = watched();
    const ask = async (name) => {
      const link = ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries }),
        new HttpLink({ uri: url, fetch: wire.fetch }),
      ]);
      const query = gql(`query ${name} { categories(first: 5) { id } }`);
      five((await apollo(link).query({ query })).data.categories);
    };
    await ask(`Fresh${useGETForHashedQueries}`);
    assert.equal(wire.sent.length, 2);
    await ask(`Fresh${useGETForHashedQueries}`);
    assert.equal(wire.sent.length, 3);
    assert.equal(wire.sent[2].method, useGETForHashedQueries ? 'GET' : 'POST');
  }
});

test('what GraphQL over HTTP demands', async () => {
  const results = await auditServer({ url });
  for (const { status, id, name, reason } of results)
    if (status !== 'ok') note(`${status} ${id} ${name}: ${reason}`);
  assert.deepEqual(results.filter(({ status }) => status === 'error').map(({ name }) => name), []);
});

await main();
